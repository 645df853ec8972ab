"""Trees of datasets as values: what a commit's tree is made of, before a folder is made of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...core.errors import PipelineError, Problem, nearest, problem
from ..dataset_files import printable
from ..foreign import MOST_LINKS
from ..manifest import Item
from .choosing import chosen, inner_path, parents_of


class Piece(NamedTuple):
    """An entry of a tree; a file's bytes are at `inside` in the folder `home`, which is an artifact unless `loose`."""

    item: Item
    home: str = ""
    inside: str = ""
    loose: bool = False  # nobody else needs that file: it may be taken


Tree = Mapping[str, Piece]


def planned(
    base: Tree, new: Tree, target: str, replace: bool, delete: Sequence[str]
) -> tuple[dict[str, Piece], list[Problem]]:
    """`base` without what `delete` chooses, and with the entries `new`; the second is what of it was left out, and why.

    With `replace` nothing stays of what is at `target`. Raises PipelineError: E-REPO-PATH for a path to delete that is
    not there, E-REPO-CLASH for a file where a folder is, or the other way round.
    """
    tree = dict(base)
    for pattern in delete:
        _take_out(tree, pattern)
    if replace:
        for path in [path for path in tree if not target or path == target or path.startswith(f"{target}/")]:
            del tree[path]
    for path, piece in new.items():
        _check_fits(tree, path, piece.item.kind)
        for parent in parents_of(path):
            tree.setdefault(parent, folder(parent))
        tree[path] = piece
    return _with_settled_links(tree)


def folder(path: str) -> Piece:
    """A folder."""
    return Piece(Item(path, "folder"))


def items_of_tree(tree: Tree) -> list[Item]:
    """The entries in the order of a manifest."""
    return sorted((piece.item for piece in tree.values()), key=lambda item: os.fsencode(item.path))


def unknown_path(pattern: str, tree: Mapping[str, object]) -> PipelineError:
    """The error that a path, or a glob, finds nothing in a tree."""
    what = f"nothing in the dataset is called, or matches, {printable(pattern)!r}"
    return PipelineError(problem("E-REPO-PATH", what=what, hint=nearest(inner_path(pattern), map(printable, tree))))


def _take_out(tree: dict[str, Piece], pattern: str) -> None:
    """Delete what a path or a glob chooses, and the folders that are empty then and were not before."""
    gone = chosen(list(tree), pattern)
    if not gone:
        raise unknown_path(pattern, tree)
    around = {parent for path in gone for parent in parents_of(path)}
    for path in gone:
        del tree[path]
    needed = {parent for path in tree if path not in around for parent in parents_of(path)}
    for path in around - needed:
        tree.pop(path, None)


def _check_fits(tree: Tree, path: str, kind: str) -> None:
    for parent in parents_of(path):
        there = tree.get(parent)
        if there is not None and there.item.kind != "folder":
            raise _clash(f"{path} would be in {parent}, which is a {there.item.kind} there", parent)
    there = tree.get(path)
    if there is not None and (kind == "folder") != (there.item.kind == "folder"):
        raise _clash(f"{path} is a {kind}, and there it is a {there.item.kind}", path)


def _clash(what: str, path: str) -> PipelineError:
    hint = f"Take away what is there: --delete {printable(path)}; or put it elsewhere with --to."
    return PipelineError(problem("E-REPO-CLASH", what=printable(what), hint=hint))


def _with_settled_links(tree: dict[str, Piece]) -> tuple[dict[str, Piece], list[Problem]]:
    """The tree with its links relative, and without those that lead out of it, to nothing, or in a circle."""
    links = {path: piece.item.content for path, piece in tree.items() if piece.item.kind == "link"}
    arrived = {path: _arrival(tree, path) for path in links}  # all are looked at before one is changed
    left = []
    for path, end in arrived.items():
        if end is None:
            del tree[path]
            why = f"is a link to {printable(links[path])}, which does not lead to anything in the dataset"
            left.append(problem("W-DATA-LEFT", path=printable(path), why=why))
        else:
            relative = os.path.relpath(f"/{end}", f"/{os.path.dirname(path)}")
            tree[path] = Piece(Item(path, "link", content=relative))
    return tree, left


def _arrival(tree: Tree, path: str) -> str | None:
    """The file or folder at which `path` arrives, link by link; None when a step leads out, nowhere or in a circle."""
    left, done, links = path.split("/"), "", 0
    while left:
        here = f"{done}/{left.pop(0)}" if done else left.pop(0)
        piece = tree.get(here)
        if piece is None:
            return None
        if piece.item.kind != "link":
            done = here
            continue
        links += 1
        target = os.path.normpath(os.path.join("/", os.path.dirname(here), piece.item.content))
        out = piece.item.content.startswith("/") or _climbs_out(here, piece.item.content)
        if out or target == "/" or links > MOST_LINKS:
            return None
        left, done = [*target.strip("/").split("/"), *left], ""
    return done


def _climbs_out(path: str, target: str) -> bool:
    """Whether a link's words go above the root: there is another place around it in a node."""
    words = os.path.normpath(os.path.join(os.path.dirname(path), target))
    return words == ".." or words.startswith("../")
