"""The rounds: every tool on every workload in turn, so that a busy minute of the machine meets all of them."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .environments import BENCH, ROOT
from .processes import Failed, Finished, keep_printed, run
from .samples import Failure, Measured, Sample
from .tools.contract import Results, Tool
from .workloads import Workload

Tell = Callable[[str], None]
Pair = tuple[Workload, Tool]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much time may be spent: seconds for one command; the moment after which no round begins."""

    command: float
    until: float

    @property
    def over(self) -> bool:
        """Whether that moment has come."""
        return time.monotonic() >= self.until


def pairs(workloads: Sequence[Workload], tools: Sequence[Tool]) -> list[Pair]:
    """What is run in each round, in this order."""
    return [(workload, tool) for workload in workloads for tool in tools if fits(workload, tool)]


def fits(workload: Workload, tool: Tool) -> bool:
    """Whether the tool is asked to do the workload."""
    return tool.takes(workload) and (not workload.only or tool.name in workload.only)


def set_up(tools: Sequence[Tool], measured: Measured, tell: Tell) -> list[Tool]:
    """Set the tools up; gives those that can be had, the others are noted."""
    found = []
    for tool in tools:
        tell(f"set-up: {tool.name}")
        try:
            tool.set_up()
        except Failed as fault:
            _note(measured, Failure(tool.name, "", str(fault)), tell)
        else:
            found.append(tool)
    return found


def measure(todo: Sequence[Pair], measured: Measured, bounds: Bounds, tell: Tell, save: Callable[[], None]) -> None:
    """Warm each tool up on the first thing that it does, uncounted; then the rounds, saved after each.

    What fails in one round is not tried in the next.
    """
    left = list(todo)
    warm: dict[str, Pair] = {}
    for pair in todo:
        warm.setdefault(pair[1].name, pair)
    for pair in warm.values():
        attempt(pair, 0, Measured({}, 0), bounds, tell)  # uncounted; what fails here is tried again in round 1
    for number in range(1, measured.rounds + 1):
        for pair in list(left):
            if bounds.over:
                tell(f"the time is up in round {number} of {measured.rounds}")
                return
            if not attempt(pair, number, measured, bounds, tell):
                left.remove(pair)
        save()


def attempt(pair: Pair, number: int, measured: Measured, bounds: Bounds, tell: Tell) -> bool:
    """Take one sample; gives whether it worked."""
    workload, tool = pair
    where = f"round {number}: {workload.name}, {tool.name}" if number else f"warm-up: {tool.name}"
    try:
        sample = take(workload, tool, bounds.command)
    except Failed as fault:
        _note(measured, Failure(tool.name, workload.name, str(fault)), tell)
        return False
    measured.samples.append(replace(sample, round=number))
    tell(f"{where}: {sample.seconds:.2f} s")
    return True


def take(workload: Workload, tool: Tool, limit: float) -> Sample:
    """Run the workload once (or twice, see `Workload.again`) in an empty folder. Raises Failed."""
    # Not below the project: tools look into the folders above for settings.
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        tool.write(workload, folder)
        finished, results = _checked(workload, tool, folder, limit, runs=len(workload.tasks))
        first = None
        if workload.again:
            first = finished.seconds
            finished, results = _checked(workload, tool, folder, limit, runs=0)
        return Sample(workload.name, tool.name, 0, finished.seconds, first, results.details)
    except Failed as fault:
        kept = keep_printed(folder, BENCH / f"failed-{workload.name}-{tool.name}.txt")
        raise Failed(f"{fault} (all of it: {kept.relative_to(ROOT)})") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _checked(workload: Workload, tool: Tool, folder: Path, limit: float, runs: int) -> tuple[Finished, Results]:
    """Run the command and see that every file is there with what belongs in it. Raises Failed.

    The folder was empty before, so a file that is there was made.
    """
    finished = run(tool.command(workload), folder, tool.environment, limit)
    results = tool.results(workload, finished)
    for task, text in workload.expected().items():
        path = results.files.get(task)
        if path is None or not path.is_file():
            raise Failed(f"{task} has written no file")
        if (found := path.read_text(encoding="utf-8")) != text:
            raise Failed(f"{task} has written {found[:60]!r} instead of {text[:60]!r}")
    if results.ran not in (None, runs):
        raise Failed(f"{results.ran} tasks ran instead of {runs}")
    return finished, results


def _note(measured: Measured, failure: Failure, tell: Tell) -> None:
    measured.failures.append(failure)
    tell(f"FAILED {failure.tool}{failure.workload and ' on '}{failure.workload}: {failure.reason}")
