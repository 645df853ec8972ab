"""How an attempt ended, in words: from what the driver saw and how the process ended, to an Outcome."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from ..core.errors import problem
from .contract import Failure, Outcome
from .crash_lines import crash_lines
from .exits import Ending, amount, death
from .handshake import START_SECONDS
from .short_errors import in_a_line, without_middle

if TYPE_CHECKING:
    from .kernel import Session


class Trouble(Enum):
    """What kept a notebook from being executed to its end, other than an exception in a cell."""

    NOT_STARTED = auto()  # the process ended before the kernel answered
    SILENT = auto()  # the kernel did not answer in time
    QUIT = auto()  # a cell called quit()
    DIED = auto()  # the process ended under a cell
    STAYED = auto()  # all cells ran, but the process did not end


def outcome_of(session: Session, trouble: Trouble | None, stopping: bool) -> Outcome:
    """The outcome of a session that is over; its process is gone or was just killed."""
    failed = session.keeper.failed if session.keeper else None
    clean = trouble is None and failed is None and (session.job.runtime.language == "python" or session.parted)
    ending = Ending(code=0) if clean and not stopping else _ending(session)
    times: dict[str, Any] = {"started_after": session.started_after, "ended_after": session.ended_after}
    notes = list(session.warnings)
    memory = f"out of memory (limit {amount(session.job.memory)})"
    if ending.out_of_memory:
        notes.append(f"a process of the node was killed: {memory}")
    if failed is not None:
        failure = _raised(session, *failed)
        reason = _reason(session, failure)
        if ending.out_of_memory:
            reason += f"; before that, a process of the node was killed: {memory}"
        return Outcome(False, reason, failure, ending.code, warnings=tuple(notes), **times)
    if trouble is None and ending.code in (0, None):
        return Outcome(True, exit_code=0, warnings=tuple(notes), **times)
    reason = _ended(session, trouble, ending, memory)
    cell = _cell(session) if trouble in (Trouble.QUIT, Trouble.DIED) else None
    crashed = crash_lines(session.rundir.crash()) if trouble is Trouble.DIED and not ending.outside else ()
    failure = Failure("KernelEnded", reason, crashed, cell)
    return Outcome(False, reason, failure, ending.code, bool(ending.outside), warnings=tuple(notes), **times)


def _ending(session: Session) -> Ending:
    return Ending() if session.kept else session.process.ending()


def _cell(session: Session) -> int:
    return session.position(session.current)


def _raised(session: Session, index: int, error: Any) -> Failure:
    assert session.keeper is not None
    marker = "papermill-error-cell-tag"
    cells = [cell for cell in session.keeper.nb.cells if marker not in cell.metadata.get("tags", [])]
    shown = [out for out in cells[index].get("outputs", []) if out.output_type == "error" and out.ename == error.ename]
    traceback = tuple(shown[-1].traceback) if shown else tuple(str(error.traceback).splitlines())
    hiding = session.logbook.hiding
    message = hiding.text(error.evalue) if hiding else error.evalue  # before it is cut: half a secret is not found
    return Failure(error.ename, without_middle(message), traceback, _cell(session))


def _reason(session: Session, failure: Failure) -> str:
    first = in_a_line(failure.message)
    number = 1 + (failure.cell or 0)
    if failure.name == "SystemExit":
        code = first if first.lstrip("-").isdigit() else "0" if first in ("", "None") else "1"
        said = f": {first}" if code == "1" and first != "1" else ""
        return f"the kernel exited (code {code}) in cell {number}{said}"
    if failure.name == "StdinNotImplementedError":
        asked = problem("E-STDIN", call="getpass" if "getpass" in first else "input")
        return f"{asked.code}: nodes cannot ask: {asked.message}. {asked.hint}"
    return f"{failure.name}: {first}" if first else failure.name


def _ended(session: Session, trouble: Trouble | None, ending: Ending, memory: str) -> str:
    log = session.rundir.log_tail()
    told = f":\n{log}" if log else ""
    where = f" in cell {_cell(session) + 1}" if trouble in (Trouble.QUIT, Trouble.DIED) else ""
    if ending.outside:
        return f"{ending.outside}{where}"
    if trouble is Trouble.SILENT:
        return f"the kernel did not answer within {START_SECONDS:g} s{told}"
    if trouble is Trouble.STAYED:
        return "the kernel did not end after its last cell, and was killed; what it had not written yet is lost"
    if trouble is Trouble.QUIT:
        return f"the kernel exited (code 0){where}"
    if ending.out_of_memory:
        return f"{memory}{where}"
    words = death(ending.code) if ending.code is not None else "is gone"
    if trouble is Trouble.NOT_STARTED:
        return f"the kernel did not start: its process {words}{told}"
    return f"the kernel {words}{where}" if trouble else f"the kernel {words} while it ended"
