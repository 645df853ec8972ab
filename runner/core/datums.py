"""Cutting inputs into datums: what of which repository a command sees at a time.

The rules are Pachyderm's. A file or folder that matches the glob is one datum, a folder with all that is in it;
`union`, `cross`, `join` and `group` make datums of those. Nothing here depends on where files are.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, product
from math import prod
from posixpath import normpath
from typing import Any

from .dialect import DatumInput, DatumKind
from .errors import PipelineError, problem
from .globs import Glob, filled

MOST_DATUMS = 1_000_000
FOLDER = "folder"
LINK = "link"
_MOST_STEPS = 40  # from link to link


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file or folder: its path within the repository without a slash before it, and the hash of what is in a file."""

    path: str
    kind: str = "file"
    size: int = 0
    content: str = ""
    executable: bool = False


@dataclass(frozen=True)
class Tree:
    """What a repository holds: its entries, sorted by path."""

    entries: tuple[TreeEntry, ...] = ()

    @classmethod
    def of(cls, items: Iterable[Mapping[str, Any]]) -> Tree:
        """The tree of a manifest's items, with the folders that only the paths of files tell of."""
        known = ("path", "kind", "size", "content", "executable")
        found = [TreeEntry(**{name: item[name] for name in known if name in item}) for item in items]
        by_path = {entry.path: entry for entry in found}
        # A link is what it leads to: other bytes there make another datum of it.
        by_path |= {entry.path: _followed(entry, by_path) for entry in found if entry.kind == LINK}
        for entry in found:
            folder = entry.path.rpartition("/")[0]
            while folder and folder not in by_path:
                by_path[folder] = TreeEntry(folder, FOLDER)
                folder = folder.rpartition("/")[0]
        return cls(tuple(by_path[path] for path in sorted(by_path)))

    def at(self, path: str) -> tuple[TreeEntry, ...]:
        """The files at this path: the one that it names, or those in the folder that it names; `/` has them all."""
        wanted = path.strip("/")
        if not wanted:
            return self._files
        first = bisect_left(self._paths, wanted)
        if first < len(self._files) and self._paths[first] == wanted:
            return self._files[first : first + 1]
        below = bisect_left(self._paths, wanted + "/")
        return self._files[below : bisect_left(self._paths, wanted + "0")]  # 0 comes right after the slash

    @cached_property
    def _files(self) -> tuple[TreeEntry, ...]:
        return tuple(entry for entry in self.entries if entry.kind != FOLDER)

    @cached_property
    def _paths(self) -> list[str]:
        return [entry.path for entry in self._files]


def _followed(link: TreeEntry, by_path: Mapping[str, TreeEntry]) -> TreeEntry:
    """The link with the content of what it leads to within the tree, as far as that is there."""
    here = link
    for _ in range(_MOST_STEPS):
        place = normpath(f"{here.path.rpartition('/')[0]}/{here.content}").lstrip("/")
        following = by_path.get(place)
        if following is None:
            return link
        if following.kind != LINK:
            inside = sorted(f"{one.path} {one.content}" for one in by_path.values() if one.path.startswith(f"{place}/"))
            return replace(link, content=f"{link.content} {following.content} {' '.join(inside)}".strip())
        here = following
    return link


@dataclass(frozen=True, slots=True)
class Part:
    """What a datum has of one input: the path that matched, the files there, what the glob's groups captured."""

    name: str
    repo: str
    branch: str
    path: str  # with a slash before it
    files: tuple[TreeEntry, ...] = field(repr=False)
    captures: tuple[str, ...] = ()
    join_on: str = ""
    group_by: str = ""
    outer: bool = False  # it may stand alone where a join lacks another input
    empty_files: bool = False
    mark: bytes = field(default=b"", repr=False)  # what tells it from other parts, as a hash
    content: bytes = field(default=b"", repr=False)  # what is in its files, as a hash


@dataclass(frozen=True, slots=True)
class Datum:
    """A piece of work: its parts. `id` says which one it is, `content` what is in its files."""

    parts: tuple[Part, ...]
    id: str
    content: str


def datums_of(source: DatumInput, trees: Mapping[str, Tree]) -> list[Datum]:
    """The datums of an input, each once: by path for one input, by key for joins and groups.

    `trees` has the repositories by the titles that the input names. An empty one has no datum, not even for `/`.
    Raises PipelineError (E-GLOB; E-DATUMS, before any is made) and KeyError for a repository that is not in `trees`.
    """
    cut = _cut(source, trees)
    _check(cut, source)
    found = (_datum(parts) for parts in cut.rows())
    return list({datum.id: datum for datum in found}.values())


_Row = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class _Cut:
    """How many datums there will be, and a way to go through them."""

    count: int
    rows: Callable[[], Iterable[_Row]]


def _cut(source: DatumInput, trees: Mapping[str, Tree]) -> _Cut:
    if source.kind in (DatumKind.GLOB, DatumKind.CRON):
        parts = list(_parts(source, trees[source.repo]))
        return _Cut(len(parts), lambda: ((part,) for part in parts))
    branches = [_cut(one, trees) for one in source.parts]
    if source.kind is DatumKind.UNION:
        return _Cut(sum(one.count for one in branches), lambda: chain.from_iterable(one.rows() for one in branches))
    if source.kind is DatumKind.CROSS:
        count = prod(one.count for one in branches) if branches else 0
        return _Cut(count, lambda: _crossed([one.rows() for one in branches]) if count else ())
    for branch, one in zip(branches, source.parts, strict=True):
        _check(branch, one)
    if source.kind is DatumKind.JOIN:
        buckets = _buckets(branches, lambda part: part.join_on)
        options = [_options(buckets[key]) for key in sorted(buckets)]
        total = sum(prod(map(len, lists)) for lists in options)
        return _Cut(total, lambda: _joined(options))
    buckets = _buckets(branches, lambda part: part.group_by)
    rows = [tuple(chain.from_iterable(buckets[key])) for key in sorted(buckets)]
    return _Cut(len(rows), lambda: rows)


def _check(cut: _Cut, source: DatumInput) -> None:
    if cut.count > MOST_DATUMS:
        what = f"the input {source.name or source.repo}" if source.kind is DatumKind.GLOB else f"the {source.kind}"
        raise PipelineError(problem("E-DATUMS", what=what, count=cut.count, limit=MOST_DATUMS))


def _parts(source: DatumInput, tree: Tree) -> Iterator[Part]:
    """One part for each match, by path."""
    glob = Glob("/*" if source.kind is DatumKind.CRON else source.glob)
    for path in ("", *(entry.path for entry in tree.entries)) if tree.entries else ():
        captures = glob.matches(path)
        if captures is None:
            continue
        name, files = source.name or source.repo, tree.at(path)
        yield Part(
            name=name,
            repo=source.repo,
            branch=source.branch,
            path=f"/{path}",
            files=files,
            captures=captures,
            join_on=filled(source.join_on, path, captures),
            group_by=filled(source.group_by, path, captures),
            outer=source.outer_join,
            empty_files=source.empty_files,
            mark=_hash([name, source.repo, source.branch, path]),
            content=_hash([[entry.path, entry.content, entry.executable] for entry in files]),
        )


def _crossed(branches: Sequence[Iterable[_Row]]) -> Iterator[_Row]:
    for rows in product(*branches):
        yield tuple(chain.from_iterable(rows))


def _buckets(branches: Sequence[_Cut], key: Callable[[Part], str]) -> dict[str, list[list[Part]]]:
    """By key: for each branch the parts that have it. The parts of a datum count each by itself, and once."""
    found: dict[str, list[list[Part]]] = {}
    for number, branch in enumerate(branches):
        once = {part.mark: part for row in branch.rows() for part in row}
        for part in once.values():
            found.setdefault(key(part), [[] for _ in branches])[number].append(part)
    return found


def _options(bucket: list[list[Part]]) -> list[list[Part | None]]:
    """For each branch what a combination may take of it; None is nothing.

    Where a branch has nothing of this key, the others give only what may stand alone.
    """
    if all(bucket):
        return [list(parts) for parts in bucket]
    return [
        [*(part for part in parts if part.outer), *([] if all(part.outer for part in parts) else [None])]
        for parts in bucket
        if parts
    ]


def _joined(options: Iterable[list[list[Part | None]]]) -> Iterator[_Row]:
    for lists in options:
        for combination in product(*lists):
            if row := tuple(part for part in combination if part is not None):
                yield row


def _datum(parts: _Row) -> Datum:
    """A datum of these parts, each once. The order in which inputs were written makes no other datum of it."""
    once = {part.mark: part for part in parts}
    ordered = [once[mark] for mark in sorted(once)]
    id = hashlib.sha256(b"".join(part.mark for part in ordered)).hexdigest()
    content = hashlib.sha256(b"".join(part.content for part in ordered)).hexdigest()
    return Datum(tuple(once.values()), id, content)


def _hash(value: object) -> bytes:
    return hashlib.sha256(json.dumps(value, separators=(",", ":")).encode()).digest()
