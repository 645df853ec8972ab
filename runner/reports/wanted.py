"""Which reports somebody wants of a run, and where."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..core.errors import PipelineError, problem
from . import annotations as annotated
from .files import make_room

_SUMMARY = "GITHUB_STEP_SUMMARY"  # the file that GitHub shows as a step's summary, and others after its example


@dataclass(frozen=True, slots=True)
class Reports:
    """Where each report goes, as whole paths; None for one that nobody wants. `annotate`: annotations are printed.

    `written` has the names of those that were.
    """

    output: Path | None = None
    html: Path | None = None
    junit: Path | None = None
    summary: Path | None = None
    annotate: bool = False
    written: list[str] = field(default_factory=list)

    @classmethod
    def asked(
        cls,
        output: Path | None = None,
        html: Path | None = None,
        junit: Path | None = None,
        summary: str | None = None,
        annotations: str = "none",
    ) -> Reports:
        """The reports that a command's options ask for. `--summary auto` is the job's summary, if there is one."""
        said = os.environ.get(_SUMMARY) if summary == "auto" else summary
        output, html, junit = (path.absolute() if path else None for path in (output, html, junit))
        return cls(output, html, junit, Path(said).absolute() if said else None, annotated.wanted(annotations))

    def paths(self) -> Iterator[tuple[str, Path]]:
        """The files that are written, each with the name of its option."""
        for name in ("output", "html", "junit", "summary"):
            path: Path | None = getattr(self, name)
            if path:
                yield name, path

    @property
    def appends(self) -> bool:
        """Whether the summary goes to the end of its file: of a job's summary all commands of a step have a part."""
        said = os.environ.get(_SUMMARY)
        return bool(said and self.summary == Path(said).absolute())

    def make_room(self) -> None:
        """Make the folders, and see that each file can be written. Raises PipelineError (E-FILE-WRITE, E-USAGE)."""
        seen: dict[Path, str] = {}
        for name, path in self.paths():
            if other := seen.get(path.resolve()):
                what = f"--{other} and --{name} name the same file, {path}"
                raise PipelineError(problem("E-USAGE", what=what, hint="Give each a file of its own."))
            seen[path.resolve()] = name
            make_room(path)

    def words(self) -> list[str]:
        """The options that ask `dagbook report` for the same files."""
        return [word for name, path in self.paths() for word in (f"--{name}", str(path))]
