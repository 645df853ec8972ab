"""JUnit XML: the pipeline is the suite, each node run a test case."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from .. import view
from ..core.errors import Problem
from ..core.lifecycle import BROKEN, ENDED, PASSED, RunState, State
from ..core.masking import masked_in_full
from ..core.values import from_json
from ..executors.hiding import Hiding
from ..failing_code import Origin, Origins, origin_of_place
from ..records.follow import Follower, Watched
from .repository import path_in_repository
from .texts import earlier_failures, failure_text, printed, shortened, traceback_of, was_at_work

if TYPE_CHECKING:
    from junitparser import TestCase, TestSuite

LONGEST_LOG = 100_000  # characters of what one node run printed
LONGEST_TRACEBACK = 50_000
ALL_LOGS = (
    8_000_000  # of what all of them printed, and of all tracebacks: CI systems refuse files above tens of megabytes
)
LEAST_LOG = 1_000  # of each, however many there are
LONGEST_MESSAGE = 2_000

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(follower: Follower, hiding: Hiding | None = None) -> bytes:
    """A run as JUnit XML, secrets hidden."""
    return _Writer(follower, hiding).document()


def _plain(text: str) -> str:
    """`text` without the characters that XML cannot hold."""
    return _NOT_XML.sub("", text)


class _Writer:
    """Makes the cases of one run."""

    def __init__(self, follower: Follower, hiding: Hiding | None) -> None:
        self._follower = follower
        self._hiding = hiding
        self._origins = Origins(follower)
        self._listed = follower.listed()
        self._names = _names(self._listed)
        failed = sum(one.run.state in BROKEN for one in self._listed)
        self._room = _share(LONGEST_LOG, len(self._listed))
        self._room_failed = _share(LONGEST_LOG, failed)
        self._room_traceback = _share(LONGEST_TRACEBACK, failed)

    def document(self) -> bytes:
        from junitparser import TestSuite

        row = self._follower.row
        suite = TestSuite(self._text(row.pipeline))
        suite.timestamp = datetime.fromtimestamp(row.started, UTC).isoformat(timespec="seconds")
        suite.hostname = str(row.process.get("host") or "")
        for name, value in self._facts():
            suite.add_property(name, self._text(value))
        suite.add_testcases([self._case(one) for one in self._listed])
        ended = row.ended or max((one.ended or 0 for one in self._listed), default=0)
        return _document(suite, max(ended - row.started, 0))

    def _text(self, text: str, most: int = LONGEST_MESSAGE) -> str:
        return _plain(shortened(self._hiding.text(text) if self._hiding else text, most))

    def _facts(self) -> Iterator[tuple[str, str]]:
        """What is told of the run as a whole."""
        row, so_far = self._follower.row, self._follower.so_far
        record = row.record
        yield from (("run", row.id), ("pipeline", row.pipeline), ("state", str(so_far.state)))
        yield from (("reason", so_far.reason),) if so_far.reason else ()
        yield from (("file", path_in_repository(Path(record["file"]))),) if record.get("file") else ()
        executors = sorted(set((record.get("executors") or {}).values()))
        yield from (("executor", ", ".join(executors)),) if executors else ()
        yield from (("dagbook", str(record["dagbook"])),) if record.get("dagbook") else ()
        yield from (("commit", str(record["git"]["commit"])),) if record.get("git") else ()
        for name, value in (record.get("parameters") or {}).items():
            yield f"parameter.{name}", masked_in_full(name, from_json(value))

    def _case(self, watched: Watched) -> TestCase:
        from junitparser import Properties, Property

        run, origin = watched.run, self._origins.of(watched.run)
        case = _case(self._text(self._names[run.id]), self._text(self._follower.row.pipeline), origin)
        case.time = round(_seconds(watched), 3)
        properties = Properties()
        for name, value in _properties(watched, origin):
            properties.add_property(Property(_plain(name), self._text(value)))
        case.append(properties)
        for result in self._results(watched, origin):
            case.append(result)
        room = self._room_failed if run.state in BROKEN else self._room
        if log := self._text(printed(watched), room):
            case.system_out = log
        if warnings := run.detail.get("warnings"):
            case.system_err = self._text("\n".join(f"warning: {one}" for one in warnings))
        return case

    def _results(self, watched: Watched, origin: Origin) -> Iterator[Any]:
        """How it ended, and how each attempt before did: nothing for one that passed at once."""
        from junitparser import Error, Failure, Skipped, xunit2

        run, reason = watched.run, self._text(watched.run.reason)
        at = run.state
        if at in (State.FAILED, State.TIMED_OUT, State.REJECTED):
            result: Any = Failure(reason, _kind(run))
            result.text = self._told(watched, origin)
            yield result
        elif at is State.LOST or (was_at_work(run) and self._follower.so_far.state is RunState.CANCELLED):
            told = f"cancelled while it ran: {reason}" if at is State.CANCELLED else reason
            result = Error(told or view.state_word(at), str(at))
            result.text = self._told(watched, origin)
            yield result
        elif at is State.PENDING_APPROVAL:
            yield Skipped(reason, str(at))
        elif at not in ENDED:
            yield Error(f"the run ended while it was {view.state_word(at)}", str(at))
        elif at not in PASSED:
            yield Skipped(f"{view.state_word(at)}: {reason}" if reason else view.state_word(at), str(at))
        again = xunit2.FlakyFailure if at in PASSED else xunit2.RerunFailure
        for before in earlier_failures(watched):
            past = again(f"attempt {before.attempt}: {self._text(before.reason)}", _kind(before))
            past.stack_trace = self._text(traceback_of(before) or before.reason, self._room_traceback)
            yield past

    def _told(self, watched: Watched, origin: Origin) -> str:
        """The place first, as editors and CI systems find it, then the traceback."""
        text = self._text(failure_text(watched), self._room_traceback)
        return f"{_plain(place)}\n{text}" if (place := place_line(origin)) else text


def _share(longest: int, several: int) -> int:
    """How many characters each of several may have."""
    return max(LEAST_LOG, min(longest, ALL_LOGS // max(several, 1)))


def place_line(origin: Origin) -> str:
    """`flows/churn.ipynb:135: cell 6, line 11`; empty when no file is known."""
    if origin.file is None:
        return ""
    path = path_in_repository(origin.file)
    at = f"{path}:{origin.file_line}" if origin.file_line else path
    cell = [f"cell {origin.cell}"] if origin.cell else []
    line = [f"line {origin.line}"] if origin.cell and origin.line else []
    return f"{at}: {', '.join([*cell, *line])}" if cell else at


@cache
def _placed() -> Any:
    """A class of test cases that say where they are, as GitLab and others read it."""
    from junitparser import Attr, IntAttr, TestCase

    return type("Placed", (TestCase,), {"file": Attr(), "line": IntAttr()})


def _case(name: str, classname: str, origin: Origin) -> TestCase:
    case: Any = _placed()(name, classname=classname)
    if origin.file is not None:
        case.file = _plain(path_in_repository(origin.file))
    if origin.file_line is not None:
        case.line = origin.file_line
    return case  # type: ignore[no-any-return]


def _names(listed: Sequence[Watched]) -> dict[str, str]:
    """A name for each node run by its id: CI systems take two cases of one name for one."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for one in listed:
        name = view.label(one.run)
        found[one.run.id] = name if name not in taken else f"{name} ({one.run.id})"
        taken.add(name)
    return found


def _seconds(watched: Watched) -> float:
    """How long it took in this run: nothing, where an earlier result stands for it."""
    run = watched.run
    if run.state is State.CACHED:
        return 0.0
    seconds = run.detail.get("duration_s")
    return float(seconds) if seconds else max(watched.seconds(watched.ended or 0) or 0.0, 0.0)


def _kind(of: Any) -> str:
    """The name of the exception, else the state."""
    return _plain(str((of.detail.get("error") or {}).get("name") or of.state))


def _properties(watched: Watched, origin: Origin) -> Iterator[tuple[str, str]]:
    run = watched.run
    yield from (("id", run.id), ("state", str(run.state)), ("attempts", str(run.attempt)))
    if origin.cell:
        yield "cell", str(origin.cell)
    if origin.cell and origin.line:
        yield "cell_line", str(origin.line)
    if before := run.detail.get("from"):
        yield "from_run", str(before["run"])
    if watched.kept:
        yield "kept", "true"  # from before the run was resumed
    for name in ("executor", "notebook"):
        if run.detail.get(name):
            yield name, str(run.detail[name])
    if (image := run.detail.get("image")) and image.get("reference"):
        yield "image", str(image["reference"])
    for name, value in run.created.params.items():
        yield f"parameter.{name}", masked_in_full(name, value)
    for name, value in run.tags.items():
        if name not in run.created.params:
            yield f"tag.{name}", masked_in_full(name, value)


def mistakes_xml(name: str, problems: Sequence[Problem]) -> bytes:
    """What kept a pipeline from running as JUnit XML: each finding a test case, so that the job shows what is wrong."""
    from junitparser import Error, TestSuite

    suite = TestSuite(_plain(name))
    cases, taken = [], Counter[str]()
    for found in problems:
        title = ": ".join(part for part in (found.code, str(found.place)) if part)
        taken[title] += 1
        title += f" ({taken[title]})" if taken[title] > 1 else ""
        case = _case(_plain(title), _plain(name), origin_of_place(found.place))
        case.time = 0.0
        if found.is_error:
            error = Error(_plain(found.message), found.code)
            error.text = _plain(found.describe())
            case.append(error)
        else:
            case.system_err = _plain(found.describe())
        cases.append(case)
    suite.timestamp = datetime.now(UTC).isoformat(timespec="seconds")
    suite.add_testcases(cases)
    return _document(suite, 0.0)


def _document(suite: TestSuite, seconds: float) -> bytes:
    from junitparser import JUnitXml

    report = JUnitXml(suite.name)
    report.append(suite)
    report.update_statistics()
    suite.time = report.time = round(seconds, 3)  # people look for how long it took, not for the sum of its parts
    tree = ElementTree.fromstring(report.tostring())
    ElementTree.indent(tree)  # junitparser would make another tree for that, a slow one
    return bytes(ElementTree.tostring(tree, encoding="utf-8", xml_declaration=True)) + b"\n"
