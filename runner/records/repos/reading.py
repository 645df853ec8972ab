"""Looking into commits: their files, what differs between two, files taken out of one, queries."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Mapping
from dataclasses import dataclass

from ..manifest import Item
from ..store import Store
from .building import cannot_use, check_sound, pieces_of, published
from .choosing import chosen, inner_path, is_glob, parents_of
from .drafts import draft
from .queries import glob_of
from .rows import Commit
from .trees import Piece, folder, planned, unknown_path


@dataclass(frozen=True, slots=True)
class Diff:
    """What one commit has that another has not, by path; a folder with nothing in it ends with a slash."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


def entries_of(store: Store, commit: Commit, pattern: str = "") -> list[Item]:
    """The files, folders and links that a path or a glob chooses, with all that is below them; "" for everything.

    Sorted as in a manifest. Raises PipelineError (E-REPO-PATH) for a path that is not there, MachineError (E-STORE).
    """
    return [piece.item for piece in chosen_pieces(store, commit, pattern).values()]


def list_files(store: Store, commit: Commit, pattern: str = "") -> list[Item]:
    """The same without folders."""
    return [item for item in entries_of(store, commit, pattern) if item.kind != "folder"]


def diff(store: Store, one: Commit | None, other: Commit) -> Diff:
    """What `other` has added, removed and changed; None is a commit without anything. Raises MachineError (E-STORE)."""
    before = _leaves(chosen_pieces(store, one, "")) if one else {}
    after = _leaves(chosen_pieces(store, other, ""))
    changed = (path for path in before if path in after and _differs(before[path], after[path]))
    return Diff(
        tuple(path for path in after if path not in before),
        tuple(path for path in before if path not in after),
        tuple(changed),
    )


def query(store: Store, commit: Commit, text: str) -> list[Item]:
    """The files of a commit that a saved query of its dataset chooses, or a glob as it stands.

    Raises PipelineError (E-QUERY-UNKNOWN) for what is neither.
    """
    return list_files(store, commit, glob_of(store, commit.repo, text))


def subset(store: Store, commit: Commit, pattern: str) -> str:
    """The digest of an artifact that holds only what a path or a glob chooses, at its place; it costs no room.

    Links that would lead out of it are left out. Raises PipelineError (E-REPO-PATH) and MachineError (E-STORE).
    """
    pieces = chosen_pieces(store, commit, pattern)
    check_sound(store, commit.artifact, str(commit))
    tree, _left = planned(with_parents(pieces), {}, "", False, ())
    try:
        with draft(store) as place:
            return published(store, place, tree).name
    except OSError as error:
        raise cannot_use(store, error) from None


def chosen_pieces(store: Store, commit: Commit, pattern: str) -> dict[str, Piece]:
    """The entries that a path or a glob chooses, by path, with where their bytes are. Raises as `entries_of`."""
    pieces = pieces_of(store, commit.artifact, str(commit))
    found = chosen(list(pieces), pattern)
    if not found and inner_path(pattern) and not is_glob(pattern):
        raise unknown_path(pattern, pieces)
    return {path: pieces[path] for path in found}


def with_parents(pieces: Mapping[str, Piece]) -> dict[str, Piece]:
    """The same with the folders that they are in."""
    around = {parent for path in pieces for parent in parents_of(path)}
    return {**{path: folder(path) for path in around}, **pieces}


def _leaves(pieces: Mapping[str, Piece]) -> dict[str, Piece]:
    """Files, links, and folders with nothing in them; these end with a slash."""
    within = {parent for path in pieces for parent in parents_of(path)}
    told = {}
    for path, piece in pieces.items():
        if piece.item.kind != "folder":
            told[path] = piece
        elif path not in within:
            told[f"{path}/"] = piece
    return told


def _differs(one: Piece, other: Piece) -> bool:
    if one.item == other.item:
        return False
    before, after = one.item, other.item
    one_algorithm = before.content.partition(":")[1] == after.content.partition(":")[1]
    if one_algorithm or before[1:4] != after[1:4]:  # kind, size, executable
        return True
    first, second = (os.path.join(piece.home, piece.inside) for piece in (one, other))
    return not filecmp.cmp(first, second, shallow=False)
