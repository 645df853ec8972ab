"""Two states of a folder held to each other: which files are new, gone or changed."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Listing = dict[str, Any]  # path -> what it is and holds
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Files:
    """What files are now, held to what they were."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __str__(self) -> str:
        """`notes.txt is new, clean.py changed, old.csv is gone and 4 more`."""
        words = [*(f"{path} changed" for path in self.changed), *(f"{path} is new" for path in self.added)]
        words += [f"{path} is gone" for path in self.removed]
        more = len(words) - MOST_NAMED
        return ", ".join(words[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def changes(before: Listing, now: Listing) -> Files:
    """What has become of the files of one listing in another one."""
    both = sorted(before.keys() & now.keys())
    return Files(
        added=tuple(sorted(now.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - now.keys())),
        changed=tuple(path for path in both if before[path] != now[path]),
    )


def listing_of(folder: Path) -> Listing:
    """The files of a kept project snapshot; two of them are compared byte by byte, and only where both have the name.

    Raises OSError when the snapshot is gone, which is not the same as empty.
    """
    with os.scandir(folder):
        pass
    return dict(_files(folder))


def _files(folder: Path) -> Iterator[tuple[str, _Kept]]:
    for parent, _folders, names in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            yield path.relative_to(folder).as_posix(), _Kept(path)


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """A file of a project snapshot, equal to another one of the same bytes and executable bit."""

    path: Path

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Kept):
            return NotImplemented
        runs = [bool(one.path.stat().st_mode & 0o111) for one in (self, other)]
        return runs[0] == runs[1] and filecmp.cmp(self.path, other.path, shallow=False)
