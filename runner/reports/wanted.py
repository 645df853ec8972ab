"""Which reports somebody wants of a run, and where."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import PipelineError, problem
from ..formats.commands import as_seen
from ..formats.remote_file import RemoteFile
from ..formats.spared import check_no_notebook, check_not_of_a_store, check_spared
from . import annotations as annotated
from .files import make_room

if TYPE_CHECKING:
    from ..formats.notebook import Definition

_SUMMARY = "GITHUB_STEP_SUMMARY"  # the file that GitHub shows as a step's summary, and others after its example


@dataclass(frozen=True, slots=True)
class Reports:
    """Where each report goes, as whole paths; None for one that nobody wants. `annotate`: annotations are printed.

    `written` has the names of those that were.
    """

    output: Path | RemoteFile | None = None
    html: Path | None = None
    junit: Path | None = None
    summary: Path | None = None
    annotate: bool = False
    written: list[str] = field(default_factory=list)

    @classmethod
    def asked(
        cls,
        output: Path | RemoteFile | None = None,
        html: Path | None = None,
        junit: Path | None = None,
        summary: str | None = None,
        annotations: str = "none",
    ) -> Reports:
        """The reports that a command's options ask for. `--summary auto` is the job's summary, if there is one."""
        said = os.environ.get(_SUMMARY) if summary == "auto" else summary
        for name, path in (("html", html), ("junit", junit), ("summary", summary)):
            _check_is_local(name, path)
        output = output.absolute() if isinstance(output, Path) else output
        html, junit = (path.absolute() if path else None for path in (html, junit))
        return cls(output, html, junit, Path(said).absolute() if said else None, annotated.wanted(annotations))

    def paths(self) -> Iterator[tuple[str, Path | RemoteFile]]:
        """The files that are written, each with the name of its option."""
        for name in ("output", "html", "junit", "summary"):
            path: Path | RemoteFile | None = getattr(self, name)
            if path:
                yield name, path

    def files(self) -> tuple[Path, ...]:
        """Those that are files of this machine."""
        return tuple(path for _, path in self.paths() if isinstance(path, Path))

    @property
    def appends(self) -> bool:
        """Whether the summary goes to the end of its file: of a job's summary all commands of a step have a part."""
        said = os.environ.get(_SUMMARY)
        return bool(said and self.summary == Path(said).absolute())

    def told(self) -> str:
        """`Wrote junit.xml, out.ipynb.`: those that were written, as seen from here; empty when there are none."""
        files = [self._as_seen(name, path) for name, path in self.paths() if name in self.written]
        return f"Wrote {', '.join(files)}." if files else ""

    def _as_seen(self, name: str, path: Path | RemoteFile) -> str:
        if name == "summary" and self.appends:
            return "the job's summary"
        return as_seen(path) if isinstance(path, Path) else str(path)

    def make_room(self, file: Path | None = None) -> None:
        """Make the folders, and see that each file can be written, and none over what is to stay: FILE, a store.

        The notebook may take the place of FILE, as with papermill.

        Raises PipelineError (E-FILE-WRITE, E-URL-SCHEME, E-USAGE).
        """
        seen: dict[Path | RemoteFile, str] = {}
        for name, path in self.paths():
            same = path.resolve() if isinstance(path, Path) else path
            if other := seen.get(same):
                what = f"--{other} and --{name} name the same file, {path}"
                raise PipelineError(problem("E-USAGE", what=what, hint="Give each a file of its own."))
            seen[same] = name
            if isinstance(path, Path):
                _check_spared(name, path, file)
            make_room(path)

    def write_ahead(self, definition: Definition) -> None:
        """Write the notebook as it is to where a URL says, before anything runs.

        So papermill does, and so a right that is missing is known before hours of work. Raises PipelineError
        (E-URL-WRITE).
        """
        if isinstance(self.output, RemoteFile):
            from ..formats.notebook import write_back
            from ..formats.notebook_file import text_of

            about = {"pipeline": definition.pipeline.name, "state": "running"}
            self.output.write(text_of(write_back(definition.notebook, {}, about)).encode("utf-8", "replace"))

    def words(self) -> list[str]:
        """The options that ask `dagbook report` for the same files."""
        places = ((name, path.url if isinstance(path, RemoteFile) else str(path)) for name, path in self.paths())
        return [word for name, place in places for word in (f"--{name}", place)]


def _check_spared(name: str, path: Path, file: Path | None) -> None:
    """Raise PipelineError (E-USAGE) for a report in the place of something that is none."""
    if name == "output":
        check_not_of_a_store("-o", path)
    else:
        check_no_notebook(f"--{name}", path)
        check_spared(f"--{name}", path, file)


def _check_is_local(name: str, path: Path | str | None) -> None:
    """Raise PipelineError (E-USAGE) for a URL, which would be taken for folders of this machine."""
    if path and re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(path)):
        what = f"--{name} writes a file of this machine, and {path} is a URL"
        raise PipelineError(problem("E-USAGE", what=what, hint="Only the notebook can go to a URL: -o URL."))
