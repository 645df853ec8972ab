"""Which entries of a dataset a path or a glob chooses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ...core.errors import PipelineError, problem
from ...core.globs import Glob
from ..dataset_files import printable

_MAGIC = frozenset("*?[{(")
_ANY_FOLDERS = re.compile(r"(?:^|(?<=/))\*\*/")
_LONGEST_PART = 255  # bytes; no filesystem takes more


def is_glob(text: str) -> bool:
    """Whether a text holds a character that a glob gives a meaning to."""
    return not _MAGIC.isdisjoint(text)


def inner_path(text: str) -> str:
    """A path in a dataset without the slashes around it; "" for the whole. Raises PipelineError (E-REPO-PATH)."""
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if (
        ".." in parts
        or "\0" in text
        or any(len(part.encode("utf-8", "surrogateescape")) > _LONGEST_PART for part in parts)
    ):
        what = f"{printable(text)[:80]!r} is no path in a dataset"
        hint = "Write it from the dataset's root on, such as /raw/a.csv, without .. and at most 255 bytes a name."
        raise PipelineError(problem("E-REPO-PATH", what=what, hint=hint))
    return "/".join(parts)


def chosen(paths: Sequence[str], pattern: str) -> list[str]:
    """Those of the paths that `pattern` chooses, and all that is below them; none where it chooses nothing.

    What is the path of an entry is that entry, also when a glob's characters stand in it; anything else is a glob, in
    which `**/` may also stand for no folder at all. Raises PipelineError (E-REPO-PATH, E-GLOB).
    """
    wanted = inner_path(pattern)
    if not wanted:
        return list(paths)
    if wanted in paths:
        return [path for path in paths if path == wanted or path.startswith(f"{wanted}/")]
    glob = Glob(_ANY_FOLDERS.sub("{,**/}", wanted))
    found = {path for path in paths if glob.matches(path) is not None}
    return [path for path in paths if path in found or _is_below(path, found)]


def parents_of(path: str) -> Iterable[str]:
    """The folders that a path is in, the innermost first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _is_below(path: str, folders: set[str]) -> bool:
    return any(parent in folders for parent in parents_of(path))
