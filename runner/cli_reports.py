"""Reports of a command that runs a pipeline: their options, and that they are written however the command ends."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from .cli_options import tell_problems

if TYPE_CHECKING:
    from types import FrameType

    from .core.errors import Problem
    from .formats.remote_file import RemoteFile
    from .reports.wanted import Reports


class _FileOrUrl(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A path, or a URL of one of those kinds that papermill writes to."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | RemoteFile:
        from .formats.remote_file import RemoteFile, is_url

        return RemoteFile(value) if isinstance(value, str) and is_url(value) else Path(value)


NOTEBOOK = click.option(
    "-o",
    "--output",
    type=_FileOrUrl(),
    metavar="OUT.ipynb",
    help="The notebook, every node's outputs in its cell; a URL will do, as with papermill.",
)
ANNOTATIONS = click.option(
    "--annotations",
    type=click.Choice(["auto", "github", "none"]),
    default="auto",
    help="Show what is wrong at its line of the file; auto: in a job of GitHub Actions [auto].",
)


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What is written when the run is over."""
    for option in (
        click.option(
            "--html", type=click.Path(path_type=Path), metavar="FILE", help="A web page of one file: all of the run."
        ),
        click.option("--summary", metavar="FILE", help="Markdown summary; auto: the CI job's."),
        click.option(
            "--junit", type=click.Path(path_type=Path), metavar="FILE", help="JUnit XML, a test case per node run."
        ),
    ):
        command = option(command)
    return command


class Ended(KeyboardInterrupt):
    """The command was told to end, by a signal or Ctrl-C, before its run had begun."""

    def __init__(self, by: str = "Ctrl-C") -> None:
        super().__init__(by)
        self.by = by


def reporting(command: Callable[..., int]) -> Callable[..., int]:
    """Gives the command its `reports`, sees that they can be written, and writes them when no run comes of it.

    What keeps a pipeline from running is told as a run would be: to whoever looks at the job's tests or annotations.
    """

    @wraps(command)
    def run(*args: Any, **options: Any) -> int:
        from .core.errors import DagbookError, problem
        from .reports.wanted import Reports

        asked = {name: options.pop(name, None) for name in ("output", "html", "junit", "summary")}
        reports = Reports.asked(**asked, annotations=options.pop("annotations", "none"))
        reports.make_room(options.get("file"))
        name = str(options.get("file") or options.get("wanted") or "dagbook")
        try:
            with told_to_end():
                return command(*args, reports=reports, **options)
        except DagbookError as error:
            _report_mistakes(reports, name, error.problems, options)
            raise
        except Ended as end:
            click.echo(f"Cancelled by {end.by}; nothing was run.", err=True)
            _report_mistakes(reports, name, [problem("E-CANCELLED", by=end.by)], options)
            return 130 if end.by == "Ctrl-C" else 4

    return run


def _report_mistakes(reports: Reports, name: str, problems: Sequence[Problem], options: dict[str, Any]) -> None:
    from .reports.writing import write_mistakes

    stem = Path(name).stem if "." in name else name
    tell_problems(write_mistakes(reports, stem, problems, stream_of(options)).values())
    if told := reports.told():
        click.echo(told, err=True)


def stream_of(options: dict[str, Any]) -> Any:
    """Where annotations are printed: standard output, unless that holds the JSON alone."""
    return sys.stderr if options.get("as_json") else sys.stdout


def tell_findings(found: Sequence[Problem], reports: Reports, as_json: bool) -> None:
    """Findings that stop nothing, for people and as annotations."""
    tell_problems(found)
    if reports.annotate and found:
        from .reports.annotations import annotate_problems

        annotate_problems(found, stream_of({"as_json": as_json}))


@contextlib.contextmanager
def told_to_end() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP raise `Ended` meanwhile; a run that has begun listens to them itself."""

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        raise Ended("Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name)

    here = threading.current_thread() is threading.main_thread()  # no other one is told of signals
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if here else ()
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
