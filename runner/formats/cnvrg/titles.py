"""The titles of a file's tasks, and which of them a name means: cnvrg looks at neither case nor spacing."""

from __future__ import annotations

from collections.abc import Iterable

from ...core.errors import PipelineError, nearest
from ...core.names import clean_title, slug_of
from .part import Part


class Titles:
    """The tasks by title, as they were written."""

    def __init__(self, written: Iterable[object]) -> None:
        self._by_slug: dict[str, str] = {}
        for one in written:
            try:
                title = clean_title(str(one))
            except PipelineError:  # told where the task is read
                continue
            self._by_slug.setdefault(slug_of(title), title)

    def of(self, name: str) -> str | None:
        """The title that `name` means."""
        return self._by_slug.get(slug_of(" ".join(name.split()))) if name else None

    def told(self, part: Part, key: str, name: str, does: str) -> str | None:
        """The title that `name`, which stands at `key` of the part, means; None and the fault is taken down."""
        meant = " ".join(name.split())
        title = self._by_slug.get(slug_of(meant))
        if title is None:
            what = f'{does} "{meant[:80]}", but no task has that title'
            part.note("E-REF", "not read", key, what=what, nearest=nearest(meant[:80], self._by_slug.values()))
        elif title != meant:
            what = f'{does} "{meant}", which is written "{title}" elsewhere'
            part.note("W-CHANGED", f'read as "{title}"', key, what=what, hint="Write it the same everywhere.")
        return title
