"""Annotations: what failed, shown at its line in the changed files, in the way in which GitHub's runner is told.

The runner reads lines of the job's output that begin with `::`. It shows ten errors and ten warnings of a step.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from .. import view
from ..asking import questions
from ..core.errors import Problem
from ..executors.hiding import Hiding
from ..failing_code import Origin, Origins, origin_of_place
from ..records.follow import Follower
from .repository import path_in_repository
from .texts import failure_text

CHOICES = ("auto", "github", "none")
MOST = 10  # of a kind that GitHub shows of one step
LONGEST = 4_000  # characters of a message
_LAST_LINES = 25  # of a traceback: it tells the rest above its end


def wanted(choice: str) -> bool:
    """Whether annotations are printed; `auto` means in a job of GitHub Actions."""
    return choice == "github" or (choice == "auto" and os.environ.get("GITHUB_ACTIONS") == "true")


def annotate_run(follower: Follower, stream: TextIO, hiding: Hiding | None = None) -> None:
    """Print what went wrong in a run, then what it waits for and warns of."""
    _print(_of_run(follower), stream, hiding)


def annotate_problems(problems: Sequence[Problem], stream: TextIO) -> None:
    """Print findings of a pipeline that was looked at or could not be run."""
    _print(map(_of_problem, problems), stream, None)


@dataclass(frozen=True, slots=True)
class Annotation:
    """What is shown at a line: its `kind` is `error` or `warning`."""

    kind: str
    title: str
    message: str
    origin: Origin


def _of_run(follower: Follower) -> Iterator[Annotation]:
    origins = Origins(follower)
    for run in view.failed_first(follower.so_far):
        told = failure_text(follower.watched[run.id]).removeprefix(run.reason).strip("\n").splitlines()
        origin = origins.of(run)
        lines = [view.plain(run.reason), *([origin.words()] if origin.words() else []), "", *told[-_LAST_LINES:]]
        yield Annotation("error", view.label(run), "\n".join(lines).strip(), origin)
    for asked in questions(follower.so_far.node_runs.values()):
        typed = asked.command(follower.store.folder, follower.row.id)
        yield Annotation("warning", asked.words, f"Decide: {typed}", origins.of(asked.runs[0]))
    for run in view.listed(follower.so_far):
        for warning in run.detail.get("warnings") or ():
            yield Annotation("warning", view.label(run), str(warning), origins.of(run))


def _of_problem(found: Problem) -> Annotation:
    node = f' in node "{found.place.node}"' if found.place.node else ""
    message = f"{found.message}\n{found.hint}" if found.hint else found.message
    kind = "error" if found.is_error else "warning"
    return Annotation(kind, f"{found.code}{node}", message, origin_of_place(found.place))


def _print(found: Iterable[Annotation], stream: TextIO, hiding: Hiding | None) -> None:
    """Each as a line; of more than are shown, the last one tells how many there are."""
    by_kind: dict[str, list[Annotation]] = {"error": [], "warning": []}
    for one in found:
        by_kind[one.kind].append(one)
    for kind, several in by_kind.items():
        shown = several if len(several) <= MOST else several[: MOST - 1]
        for one in shown:
            print(_line(one, hiding), file=stream)
        if more := len(several) - len(shown):
            print(f"::{kind}::and {more} more {kind}s; the log and the reports tell them", file=stream)
    stream.flush()


def _line(one: Annotation, hiding: Hiding | None) -> str:
    title, message = (hiding.text(text) if hiding else text for text in (one.title, one.message))
    named = [f"title={_property(' '.join(title.split()))}"]
    if (file := one.origin.file) is not None:
        named.insert(0, f"file={_property(path_in_repository(file))}")
        named[1:1] = [f"line={one.origin.file_line}"] if one.origin.file_line else []
    line = f"::{one.kind} {','.join(named)}::{_data(message[:LONGEST])}"
    return line.encode("utf-8", "replace").decode()


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
