"""Starting a run in a process of its own, and asking things of a run that somebody else hosts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .asked import Asked
from .core.errors import DagbookError, MachineError, PipelineError, Place, Problem, problem
from .core.lifecycle import RunState
from .records.bell import ring
from .records.commands import leave_command
from .records.processes import child_environment
from .records.settling import OVER, end_waiting, settle
from .records.store import Store


@dataclass(slots=True)
class Launched:
    """A run that was started elsewhere: its id, its store, what was warned of, and the process when it is tied."""

    run: str
    store: Path
    warnings: list[Problem]
    process: subprocess.Popen[str]


def launch(asked: Asked | Mapping[str, Any], store: Path, tied: bool, tell: Callable[[str], None]) -> Launched:
    """Start a run process and return when the run has begun; `tell` is given lines of progress meanwhile.

    `asked` is a new run, or the words of `resume.resume_from` for one to go on with.

    A `tied` run is cancelled when this process ends or lets go of it. Raises what planning raises: PipelineError,
    MachineError; then nothing was started.
    """
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", f"{__package__}.host"],  # -P: a user's secrets.py is not the library's
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=child_environment(),
    )
    assert child.stdin is not None
    assert child.stdout is not None
    ordered = {"asked": asked.model_dump(mode="json")} if isinstance(asked, Asked) else {"resume": dict(asked)}
    order = {**ordered, "store": str(store), "tied": tied}
    child.stdin.write(json.dumps(order) + "\n")
    child.stdin.flush()
    try:
        launched = _answer(child, tell)
    except BaseException:
        child.stdin.close()  # planning stops with its parent
        child.terminate()
        child.wait()
        raise
    if not tied:
        child.stdin.close()
    return launched


def _answer(child: subprocess.Popen[str], tell: Callable[[str], None]) -> Launched:
    assert child.stdout is not None
    for line in child.stdout:
        said: dict[str, Any] = json.loads(line)
        if "tell" in said:
            tell(said["tell"])
        elif "errors" in said:
            kind: type[DagbookError] = MachineError if said["exit_code"] == MachineError.exit_code else PipelineError
            child.wait()
            raise kind(*map(problem_from, said["errors"]))
        else:
            return Launched(said["run"], Path(said["store"]), [problem_from(w) for w in said["warnings"]], child)
    code = child.wait()
    raise MachineError(
        problem("E-STORE", what=f"the run process ended without a word (exit code {code})", hint="Look above for why.")
    )


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
