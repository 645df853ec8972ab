"""What earlier node runs left, side by side in one dataset: `1/`, `2/`, … and `runs.json`, which says what they are.

The files are those of the artifacts themselves, as hard links, so that it costs no room. Nothing in it tells of the
runs' ids: the same results, worked out again, are the same dataset.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..core.artifact_names import split_artifact_name
from ..core.errors import PipelineError, nearest, problem
from ..core.gathered import LISTING, as_listed
from ..core.lifecycle import PASSED, NodeRun
from ..core.names import slug_of
from .datasets import Dataset
from .manifest import Item, items_of
from .repos.building import cannot_use, home_of, pieces_of, published
from .repos.drafts import draft
from .repos.trees import Piece, folder
from .run_rows import ListedRun
from .store import Store
from .verify import check


def dataset_of_runs(store: Store, names: Sequence[str]) -> Dataset:
    """The dataset of the artifacts that RUN/NODE name, in that order; NODE is a node run's id, or a title for all.

    Raises PipelineError (E-ARTIFACT, E-RUN-UNKNOWN) and MachineError (E-STORE).
    """
    tree: dict[str, Piece] = {}
    listing: list[dict[str, Any]] = []
    for row, run in _found(store, names):
        number = len(listing) + 1
        listing.append({**as_listed(number, run), "node": run.node, "pipeline": row.pipeline})
        tree |= _below(str(number), store, row.id, run)
    text = json.dumps(listing, indent=1).encode()
    try:
        with draft(store) as place:
            tree[LISTING] = _file(place, text)
            home = published(store, place, tree)
    except OSError as error:
        raise cannot_use(store, error) from None
    files = [item for item in items_of(home) if item.kind == "file"]
    return Dataset(home.name, home, len(files), sum(item.size for item in files))


def _found(store: Store, names: Sequence[str]) -> Iterator[tuple[ListedRun, NodeRun]]:
    """Each node run that is meant, once, with the run that it belongs to."""
    states: dict[str, dict[str, NodeRun]] = {}
    seen: set[tuple[str, str]] = set()
    for name in names:
        wanted, node = split_artifact_name(name)
        row = store.find(wanted)
        if row.id not in states:
            states[row.id] = store.state_of(row.id).node_runs
        for run in _chosen(row.id, states[row.id].values(), node):
            if (row.id, run.id) not in seen:
                seen.add((row.id, run.id))
                yield row, run


def _chosen(run: str, node_runs: Iterable[NodeRun], wanted: str) -> list[NodeRun]:
    """The node run with this id, or those of this node that have left something. Raises PipelineError (E-ARTIFACT)."""
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


def _below(name: str, store: Store, run: str, node_run: NodeRun) -> dict[str, Piece]:
    """The entries of a node run's artifact, in a folder of this name. Raises PipelineError (E-ARTIFACT)."""
    digest, called = str(node_run.detail["artifact"]), f"{run}/{node_run.id}"
    if damage := check(home_of(store, digest)):
        hint = f"Have it made again: dagbook resume {run}"
        raise PipelineError(problem("E-ARTIFACT", what=f"{called} cannot be had: {damage}", hint=hint))
    pieces = pieces_of(store, digest, called)
    moved = {
        f"{name}/{path}": piece._replace(item=piece.item._replace(path=f"{name}/{path}"))
        for path, piece in pieces.items()
    }
    return {name: folder(name), **moved}


def _file(place: Path, content: bytes) -> Piece:
    """A file of this content, written in a folder of our own."""
    path = place / LISTING
    path.write_bytes(content)
    path.chmod(0o444)
    item = Item(LISTING, "file", len(content), False, hashlib.sha256(content).hexdigest())
    return Piece(item, str(place), LISTING, loose=True)
