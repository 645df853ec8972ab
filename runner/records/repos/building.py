"""Making a folder of a tree and publishing it: files of other artifacts are hard-linked, so that they cost no room."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from ...core.errors import MachineError, problem
from ..artifacts import remove_tree, settle
from ..manifest import Item, digest_of, items_of
from ..seen import Fingerprint, fingerprint, let_tick
from ..shared import remember_shared
from ..store import Store
from ..verify import check
from .trees import Piece, Tree, items_of_tree


def home_of(store: Store, digest: str) -> Path:
    """Where the artifact of this digest is, or would be."""
    return store.artifacts / digest[:2] / digest


def pieces_of(store: Store, digest: str, called: str) -> dict[str, Piece]:
    """The tree of an artifact, by its manifest alone. Raises MachineError (E-STORE) when that is missing or damaged."""
    home = home_of(store, digest)
    try:
        return {item.path: Piece(item, str(home), item.path) for item in items_of(home)}
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(called, f"its list of files cannot be read: {error}") from None


def check_sound(store: Store, digest: str, called: str) -> None:
    """Compare an artifact with its manifest; a damaged one is set aside. Raises MachineError (E-STORE) for it."""
    try:
        damage = check(home_of(store, digest))
    except OSError as error:
        raise cannot_use(store, error) from None
    if damage:
        raise _damaged(called, str(damage))


def published(store: Store, draft: Path, tree: Tree) -> Path:
    """The artifact of a tree, made in the folder `draft` unless it is there. Raises OSError, and CannotHash."""
    items = items_of_tree(tree)
    home = home_of(store, digest_of(items))
    if home.is_dir() and not check(home):
        return home
    store.artifacts.mkdir(exist_ok=True)
    root = draft / "tree"
    seen = _made(root, tree, items, store.artifacts)
    home = settle(root, store.artifacts, items, seen)
    if root.is_dir():  # another process was faster with the same
        remove_tree(root)
    let_tick(home, seen.values())
    return home


def settled_in(home: Path, new: Tree, tree: Tree) -> dict[str, Piece]:
    """The entries `new` as they are now that `tree`, which they are part of, is the artifact at `home`."""
    there = {path: piece for path, piece in new.items() if path in tree and piece.item.kind == "file"}
    return {**new, **{path: Piece(piece.item, str(home), path) for path, piece in there.items()}}


def cannot_use(store: Store, error: OSError) -> MachineError:
    """The error that the store cannot be read or written."""
    what = f"the store {store.folder} cannot be used: {error.strerror or error}"
    hint = "Check the disk's space and the folder's permissions; what was there before is kept."
    return MachineError(problem("E-STORE", what=what, hint=hint))


def _damaged(called: str, what: str) -> MachineError:
    hint = "Put the same files into another dataset of this store, and it is mended; or go on from an earlier commit."
    return MachineError(problem("E-STORE", what=f"{called} is damaged: {what}", hint=hint))


def _made(root: Path, tree: Tree, items: list[Item], artifacts: Path) -> Mapping[str, Fingerprint]:
    """Make the folder; what the filesystem tells of its files."""
    root.mkdir()
    shared = []
    for item in items:  # a folder comes before what is in it
        place = os.path.join(root, item.path)
        if item.kind == "folder":
            os.mkdir(place, 0o755)
        elif item.kind == "link":
            os.symlink(item.content, place)
        elif (piece := tree[item.path]).loose:
            os.rename(os.path.join(piece.home, piece.inside), place)
        else:
            _link(piece, place)
            shared.append((place, item))
    remember_shared(artifacts, shared)
    paths = [item.path for item in items if item.kind == "file"]
    return {path: fingerprint(os.lstat(os.path.join(root, path))) for path in paths}


def _link(piece: Piece, place: str) -> None:
    source = os.path.join(piece.home, piece.inside)
    try:
        os.link(source, place, follow_symlinks=False)
    except OSError:  # too many links, or a file of another user
        shutil.copyfile(source, place, follow_symlinks=False)
        os.chmod(place, 0o555 if piece.item.executable else 0o444)
