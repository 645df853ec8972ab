"""Folders of node runs that attempts show which were started ahead: who may rename or remove one, and when.

| a folder that | may be renamed | may be removed |
|---|---|---|
| is shown by an attempt that is just being started | no: publishing waits | no |
| is shown by one that has started | yes: a mount follows the folder, not its name | no: it stays meanwhile |
| nobody shows | yes | yes |

Folders are told apart by what the file system knows them by, never by their paths alone: a folder that was removed and
made again at the same place is another one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from .records.artifacts import remove_tree

Identity = tuple[int, int]  # device and inode


def identity_of(folder: Path) -> Identity | None:
    """What the file system knows a file or folder by; None when there is none."""
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Shown:
    """The folders that are shown, of one run; used in the event loop of the run's process."""

    def __init__(self) -> None:
        self._count: Counter[Path] = Counter()
        self._closed: set[Path] = set()  # they are being published: nobody may begin to show them
        self._became: dict[Identity, Path] = {}  # as which artifacts folders were published
        self._twins: dict[Path, Identity] = {}  # folders whose content was published before, still shown

    def show(self, folders: Iterable[Path]) -> dict[Path, Identity] | None:
        """Show these until they are hidden; what each is, or None when one may not be shown now, or is not there."""
        found = {folder: identity_of(folder) for folder in folders}
        known = {folder: identity for folder, identity in found.items() if identity}
        if len(known) < len(found) or not self._closed.isdisjoint(known):
            return None
        if any(identity in self._became and folder != self._became[identity] for folder, identity in known.items()):
            return None
        self._count.update(known.keys())
        return known

    async def hide(self, folders: Iterable[Path]) -> None:
        """Show these no more; a twin that nobody else shows goes."""
        for folder in folders:
            self._count[folder] -= 1
            if not self._count[folder]:
                del self._count[folder]
                await self._remove_twin(folder)

    def same(self, identity: Identity, folder: Path) -> bool:
        """Whether what was shown is this folder, or was published as it."""
        return identity_of(folder) == identity or self._became.get(identity) == folder

    @contextlib.contextmanager
    def closed(self, output: Path) -> Iterator[None]:
        """While a folder is being published: nobody may begin to show it."""
        self._closed.add(output)
        try:
            yield
        finally:
            self._closed.discard(output)

    def is_shown(self, folder: Path) -> bool:
        """Whether somebody shows it."""
        return folder in self._count

    async def published(self, output: Path, identity: Identity | None, home: Path) -> None:
        """Take in what became of a folder; called while it is being published."""
        if identity:
            self._became[identity] = home
            if identity_of(output) == identity:
                self._twins[output] = identity
                if output not in self._count:
                    await self._remove_twin(output)

    async def _remove_twin(self, folder: Path) -> None:
        if identity := self._twins.pop(folder, None):
            self._became.pop(identity, None)  # another folder may be known by it one day
            with contextlib.suppress(OSError):  # it takes up room, no more
                await asyncio.to_thread(remove_tree, folder)
