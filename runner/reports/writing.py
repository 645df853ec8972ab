"""Writing the reports of a run, or of what kept it from running: each by itself, so that none misses for another."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..board.inspector_facts import recorded_pipeline
from ..core.errors import DagbookError, Problem, problem
from ..executors.hiding import Hiding
from ..formats.remote_file import RemoteFile
from ..records.follow import Follower
from .annotations import annotate_problems, annotate_run
from .files import append, save
from .texts import hiding_of
from .wanted import Reports

if TYPE_CHECKING:
    from ..formats.notebook import Definition


def write_reports(
    reports: Reports, follower: Follower, definition: Callable[[], Definition], stream: TextIO
) -> dict[str, Problem]:
    """Write what is wanted of a run as the follower knows it; annotations go to `stream`.

    The quickest and most looked for come first, as a CI system that ends a job leaves little time. Nothing is raised:
    what is given back tells, by the file, why it could not be written.
    """
    hiding = _hiding(follower)
    texts: dict[str, Callable[[], str | bytes]] = {
        "junit": lambda: _junit(follower, hiding),
        "summary": lambda: _summary(reports, follower, hiding),
        "output": lambda: _notebook(definition(), follower, hiding),
        "html": lambda: _page(follower, hiding),
    }
    annotate = partial(annotate_run, follower, stream, hiding) if reports.annotate else None
    with undisturbed():
        return _each(reports, texts, annotate)


def write_mistakes(reports: Reports, name: str, problems: Sequence[Problem], stream: TextIO) -> dict[str, Problem]:
    """Write why nothing was run, for those who look at a job's tests, its summary or its annotations.

    What was written of the run, as it ended in a fault of the machine, stays.
    """
    from .junit import mistakes_xml
    from .markdown import mistakes_summary

    texts: dict[str, Callable[[], str | bytes]] = {
        "junit": lambda: mistakes_xml(name, problems),
        "summary": lambda: mistakes_summary(name, problems),
    }
    annotate = partial(annotate_problems, problems, stream) if reports.annotate else None
    return _each(reports, texts, annotate)


def _each(
    reports: Reports, texts: Mapping[str, Callable[[], str | bytes]], annotate: Callable[[], None] | None
) -> dict[str, Problem]:
    """Write each that is wanted, whatever comes of the others; gives back what could not be."""
    files = dict(reports.paths())
    wanted = {name: text for name, text in texts.items() if name in files and name not in reports.written}
    writers: dict[str, Callable[[], None]] = {
        str(files[name]): partial(_write, reports, name, files[name], text) for name, text in wanted.items()
    }
    faults = {}
    if annotate:
        writers = {"annotations": annotate, **writers}
    for name, write in writers.items():
        try:
            write()
        except DagbookError as error:
            faults[name] = error.problems[0]
        except Exception as error:  # whatever it is, the other reports are to be written
            why = (error.strerror if isinstance(error, OSError) else None) or f"{type(error).__name__}: {error}"
            faults[name] = problem("E-FILE-WRITE", file=name, why=why)
    return faults


def _write(reports: Reports, name: str, file: Path | RemoteFile, text: Callable[[], str | bytes]) -> None:
    made = text()
    data = made.encode("utf-8", "replace") if isinstance(made, str) else made
    if name == "summary" and reports.appends and isinstance(file, Path):
        append(file, data)
    else:
        save(file, data)
    reports.written.append(name)


def _hiding(follower: Follower) -> Hiding | None:
    try:
        return hiding_of(follower)
    except (LookupError, TypeError, ValueError):  # a record of another version
        return None


def _junit(follower: Follower, hiding: Hiding | None) -> bytes:
    from .junit import junit_xml

    return junit_xml(follower, hiding)


def _summary(reports: Reports, follower: Follower, hiding: Hiding | None) -> str:
    from .markdown import LARGEST, summary

    file = reports.summary
    there = file.stat().st_size if reports.appends and file and file.exists() else 0
    return summary(recorded_pipeline(follower), follower, hiding, max(LARGEST - there, 0))


def _notebook(definition: Definition, follower: Follower, hiding: Hiding | None) -> str:
    from .notebook import notebook_text

    return notebook_text(definition, follower, hiding)


def _page(follower: Follower, hiding: Hiding | None) -> str:
    from ..board.document import static_page

    return static_page(follower, time.time(), hiding)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """While reports are written, SIGTERM and SIGHUP wait for nothing more: the run is over, and so is this, soon.

    Ctrl-C ends it at once: what is written is written whole or not at all.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
