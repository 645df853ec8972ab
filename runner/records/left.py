"""What node runs of a run have left: which ones a name means, and the files of their artifacts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..core.errors import PipelineError, nearest, problem
from ..core.lifecycle import PASSED, NodeRun
from ..core.names import slug_of
from .manifest import Item
from .repos.building import home_of, pieces_of
from .repos.choosing import chosen
from .repos.getting import copied
from .repos.trees import Piece
from .store import Store
from .verify import check


def node_runs_meant(run: str, node_runs: Iterable[NodeRun], wanted: str) -> list[NodeRun]:
    """The node run with the id `wanted`, or those of the node of this title that have left something, by route.

    Raises PipelineError (E-ARTIFACT).
    """
    runs = list(node_runs)
    meant = [one for one in runs if one.id == wanted] or [one for one in runs if slug_of(one.node) == slug_of(wanted)]
    if not meant:
        hint = nearest(wanted, [name for one in runs for name in (one.id, one.node)])
        raise PipelineError(problem("E-ARTIFACT", what=f"run {run} has no node {wanted!r}", hint=hint))
    if any("dataset" in one.detail for one in meant):
        what = f'"{wanted}" of run {run} is a dataset, which no node run left'
        raise PipelineError(problem("E-ARTIFACT", what=what, hint="Name the data itself: its path or URL."))
    left = [one for one in meant if one.state in PASSED]
    if not left:
        states = ", ".join(dict.fromkeys(one.state.replace("_", " ") for one in meant))
        hint = f"Wait for it, or run it again: dagbook resume {run}"
        raise PipelineError(problem("E-ARTIFACT", what=f"{wanted} of run {run} left nothing: {states}", hint=hint))
    return sorted(left, key=lambda one: one.created.coordinates)


def pieces_left(store: Store, run: str, node_run: NodeRun, pattern: str = "") -> dict[str, Piece]:
    """The entries of what a node run left that a path or a glob chooses; the whole is verified.

    Raises PipelineError (E-ARTIFACT for a damaged one and for a pattern that chooses nothing, E-GLOB, E-REPO-PATH).
    """
    digest, called = str(node_run.detail["artifact"]), f"{run}/{node_run.id}"
    if damage := check(home_of(store, digest)):
        hint = f"Have it made again: dagbook resume {run}"
        raise PipelineError(problem("E-ARTIFACT", what=f"{called} cannot be had: {damage}", hint=hint))
    pieces = pieces_of(store, digest, called)
    found = chosen(list(pieces), pattern)
    if not found and pattern.strip("/"):
        there = [path for path, piece in pieces.items() if piece.item.kind != "folder"]
        what = f"{called} has nothing that is called, or matches, {pattern!r}"
        raise PipelineError(problem("E-ARTIFACT", what=what, hint=nearest(pattern, there)))
    return {path: pieces[path] for path in found}


def copy_left(
    store: Store, run: str, node_run: NodeRun, to: Path, pattern: str = "", overwrite: bool = False
) -> list[Item]:
    """Copy what a node run left, or what of it a path or glob chooses, into the folder `to`; gives its files.

    Raises as `pieces_left`, and PipelineError (E-FILE-THERE, E-USAGE) and MachineError (E-FILE-WRITE) as
    `dagbook data get`.
    """
    return copied(store, pieces_left(store, run, node_run, pattern), to, overwrite=overwrite)
