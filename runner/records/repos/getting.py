"""Taking files of a commit out of the store: copies, which may be written to."""

from __future__ import annotations

import contextlib
import filecmp
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from ...core.errors import MachineError, PipelineError, problem
from ..dataset_files import printable
from ..long_work import EVERY, Cancel, Pace, Progress
from ..manifest import Item
from ..store import Store
from .building import check_sound
from .reading import chosen_pieces, with_parents
from .rows import Commit
from .trees import Piece, Tree, unknown_path

_MOST_TOLD = 3


def get(
    store: Store,
    commit: Commit,
    pattern: str,
    to: Path,
    *,
    overwrite: bool = False,
    progress: Progress = lambda _: None,
    cancel: Cancel | None = None,
    every: float = EVERY,
) -> list[Item]:
    """Copy what a path or a glob chooses ("" for everything) into the folder `to`, each file at its path in the commit.

    Gives the files and links. What is there already stays where it is the same; where it differs, nothing at all is
    written, unless `overwrite`. No file is ever there by half. Raises PipelineError (E-REPO-PATH, E-FILE-THERE,
    E-USAGE), MachineError (E-STORE, E-FILE-WRITE) and Cancelled.
    """
    pieces = chosen_pieces(store, commit, pattern)
    if not pieces and pattern.strip("/"):
        raise unknown_path(pattern, chosen_pieces(store, commit, ""))
    check_sound(store, commit.artifact, str(commit))
    return copied(store, pieces, to, overwrite=overwrite, progress=progress, cancel=cancel, every=every)


def copied(
    store: Store,
    pieces: Tree,
    to: Path,
    *,
    overwrite: bool = False,
    progress: Progress = lambda _: None,
    cancel: Cancel | None = None,
    every: float = EVERY,
) -> list[Item]:
    """Copy entries of sound artifacts into the folder `to`, each to its path; see `get`.

    Raises PipelineError (E-FILE-THERE, E-USAGE), MachineError (E-FILE-WRITE) and Cancelled.
    """
    if to.resolve().is_relative_to(store.folder.resolve()):
        what = f"{printable(str(to))} is in the store itself"
        raise PipelineError(problem("E-USAGE", what=what, hint="Name a folder outside of it with -o."))
    whole = with_parents(pieces)
    try:
        there = {path: _state(to / path, whole[path]) for path in sorted(whole, key=os.fsencode)}
        _check_free(to, there, overwrite)
        _write(to, {path: whole[path] for path, state in there.items() if state != _SAME}, progress, cancel, every)
    except OSError as error:
        raise MachineError(
            problem("E-FILE-WRITE", file=printable(str(error.filename or to)), why=error.strerror or error)
        ) from None
    return [piece.item for piece in pieces.values() if piece.item.kind != "folder"]


_FREE, _SAME, _OTHER, _BLOCKED = "free", "same", "other", "blocked"


def _state(place: Path, piece: Piece) -> str:
    """What is where an entry is to be: nothing, the same, another file that could be replaced, what cannot be."""
    if not os.path.lexists(place):
        return _FREE
    kind = piece.item.kind
    if kind == "folder":
        return _SAME if place.is_dir() and not place.is_symlink() else _BLOCKED
    if place.is_dir() and not place.is_symlink():
        return _BLOCKED
    if kind == "link":
        return _SAME if place.is_symlink() and os.readlink(place) == piece.item.content else _OTHER
    if place.is_symlink() or not place.is_file():
        return _OTHER
    executable = bool(place.stat().st_mode & 0o111)
    same = executable == piece.item.executable and filecmp.cmp(place, _source(piece), shallow=False)
    return _SAME if same else _OTHER


def _check_free(to: Path, there: Mapping[str, str], overwrite: bool) -> None:
    blocked = [path for path, state in there.items() if state == _BLOCKED]
    other = [path for path, state in there.items() if state == _OTHER]
    if not blocked and (overwrite or not other):
        return
    told = blocked or other
    names = ", ".join(map(printable, told[:_MOST_TOLD])) + (", …" if len(told) > _MOST_TOLD else "")
    hint = "Take another folder with -o, or replace them with --force."
    if blocked:
        hint = "A file is where a folder is to be, or the other way round. Take another folder with -o."
    what = f"in {printable(str(to))} there is something else already: {names}"
    raise PipelineError(problem("E-FILE-THERE", what=what, hint=hint))


def _write(to: Path, pieces: Mapping[str, Piece], progress: Progress, cancel: Cancel | None, every: float) -> None:
    pace, cancel = Pace(progress, every), cancel or Cancel()
    to.mkdir(parents=True, exist_ok=True)
    for done, (path, piece) in enumerate(_links_last(pieces)):
        cancel.check()
        place = to / path
        if piece.item.kind == "folder":
            place.mkdir()
        else:
            _put_in_place(place, piece)
        pace.say(partial(_line, done + 1, len(pieces)))


def _line(done: int, whole: int) -> str:
    return f"writing {done:,} of {whole:,} files"


def _links_last(pieces: Mapping[str, Piece]) -> Iterable[tuple[str, Piece]]:
    """Nothing is written through a link."""
    return sorted(pieces.items(), key=lambda one: one[1].item.kind == "link")


def _put_in_place(place: Path, piece: Piece) -> None:
    draft = place.with_name(f".{secrets.token_hex(8)}.dagbook")
    try:
        if piece.item.kind == "link":
            os.symlink(piece.item.content, draft)
        else:
            mode = 0o777 if piece.item.executable else 0o666  # less what the user's mask takes away
            with open(_source(piece), "rb") as source, open(os.open(draft, _NEW, mode), "wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
        os.replace(draft, place)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def _source(piece: Piece) -> str:
    return os.path.join(piece.home, piece.inside)
