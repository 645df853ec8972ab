"""Starting a run in a process of its own, and asking things of a run that somebody else hosts."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .asked import Asked
from .core.errors import DagbookError, MachineError, PipelineError, Place, Problem, problem
from .core.lifecycle import RunState
from .observers.looking_on import LONGEST_SECONDS
from .records.bell import ring
from .records.commands import leave_command
from .records.settling import OVER, end_waiting, settle
from .records.store import Store
from .spare import close_pipes, spare, start_child
from .surroundings import surroundings


@dataclass(slots=True)
class Launched:
    """A run that was started elsewhere: its id, its store, what was warned of, and the process when it is tied."""

    run: str
    store: Path
    warnings: list[Problem]
    process: subprocess.Popen[str]
    observed: bool = False

    @contextlib.contextmanager
    def attended(self) -> Iterator[None]:
        """While it is shown and waited for: a tied run ends when that is broken off, at whichever moment."""
        try:
            yield
        except BaseException:
            close_pipes(self.process)
            raise

    def wait_for_observers(self) -> None:
        """Return when those who look on at a tied run have told all, so that what runs us does not end before."""
        if self.observed:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(LONGEST_SECONDS)


def launch(
    asked: Asked | Mapping[str, Any],
    store: Path,
    tied: bool,
    tell: Callable[[str], None],
    reports: Sequence[str] = (),
    observers: Mapping[str, Any] | None = None,
) -> Launched:
    """Start a run process and return when the run has begun; `tell` is given lines of progress meanwhile.

    `asked` is a new run, or the words of `resume.resume_from` for one to go on with. `reports` are options of
    `dagbook report`, which that process then calls when the run is over; `observers` are settings of those who look
    on, which cross to it and are written nowhere.

    A `tied` run is cancelled when this process ends or lets go of it. Raises what planning raises: PipelineError,
    MachineError; then nothing was started.
    """
    ordered = {"asked": asked.model_dump(mode="json")} if isinstance(asked, Asked) else {"resume": dict(asked)}
    order = {**ordered, "store": str(store), "tied": tied, "reports": list(reports), "observers": dict(observers or {})}
    launched = _by_the_spare(order, tell) or _ordered(start_child("host"), order, tell)
    if launched is None:
        raise _without_a_word(None)
    if not tied:
        close_pipes(launched.process)
    return launched


def _by_the_spare(order: dict[str, Any], tell: Callable[[str], None]) -> Launched | None:
    """The run that a waiting process has taken, where there is one that is as good as a fresh one."""
    try:
        around = surroundings()
    except OSError:  # the working directory is gone: what is said about that is a fresh process's business
        return None
    child = spare.take()
    return _ordered(child, {**order, "surroundings": around}, tell) if child else None


def _ordered(child: subprocess.Popen[str], order: dict[str, Any], tell: Callable[[str], None]) -> Launched | None:
    """Give a child its order and return when the run has begun; None when the child ended without taking it."""
    assert child.stdin is not None
    try:
        try:
            child.stdin.write(json.dumps(order) + "\n")
            child.stdin.flush()
        except OSError:
            child.kill()
            close_pipes(child)
            return None
        return _answer(child, tell)
    except BaseException:
        close_pipes(child)  # planning stops with its parent
        child.terminate()
        child.wait()
        raise


def _answer(child: subprocess.Popen[str], tell: Callable[[str], None]) -> Launched | None:
    assert child.stdout is not None
    taken = False
    for line in child.stdout:
        said: dict[str, Any] = json.loads(line)
        if "ready" in said or "taken" in said:
            taken = "taken" in said
        elif "tell" in said:
            tell(said["tell"])
        elif "errors" in said:
            kind: type[DagbookError] = MachineError if said["exit_code"] == MachineError.exit_code else PipelineError
            child.wait()
            raise kind(*map(problem_from, said["errors"]))
        else:
            warnings = [problem_from(one) for one in said["warnings"]]
            return Launched(said["run"], Path(said["store"]), warnings, child, said["observed"])
    if taken:
        raise _without_a_word(child.wait())
    close_pipes(child)
    return None


def _without_a_word(code: int | None) -> MachineError:
    what = "the run process ended without a word" + ("" if code is None else f" (exit code {code})")
    return MachineError(problem("E-STORE", what=what, hint="Look above for why."))


def problem_from(said: dict[str, Any]) -> Problem:
    """The inverse of `Problem.as_json`."""
    place = Place(said["file"], said["cell"], said["line"], said["node"])
    return Problem(said["code"], said["message"], said["hint"], place)


def cancel(store: Store, run: str, reason: str) -> bool:
    """Ask for the end of a run; False when it is over already. Does not wait for it."""
    settle(store, store.run(run))
    row = store.run(run)
    if row.state in OVER:
        return False
    if row.state is RunState.PENDING_APPROVAL and end_waiting(store, row, RunState.CANCELLED, reason):
        return True
    leave_command(store, row.id, "cancel", reason=reason)
    ring(row.process.get("bell"))
    return True
