"""Runs one notebook on one started kernel, from "its process was started" to "its process is gone".

Shared by the executors: they start the process (see `exits.Started`), this drives it through papermill.
Everything here happens in the node's own thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..formats.nbformat_import import import_nbformat
from ..records.failpoints import failpoint
from . import farewell
from .contract import Job, Outcome, Reporter
from .contract import Started as StartedReport
from .exits import Started
from .gate import Gate, NotHeld, Passed, late_variables
from .handshake import KernelGone, KernelSilent, Line, connect
from .logbook import Logbook
from .outcomes import Trouble, outcome_of
from .resources import USED
from .rundir import RunDir

if TYPE_CHECKING:
    from .papermill_engine import NodeClient
    from .record_keeper import RecordKeeper

EXIT_SECONDS = 60.0  # for exit handlers and threads that the notebook left running
THREADS_SECONDS = 10.0  # of these, for threads
GONE_SECONDS = 5.0  # from the order to exit until the process is gone
GLANCE_SECONDS = 0.1  # for what was sent before the process went


@dataclass
class Session:
    """One notebook on one kernel; the papermill engine `dagbook` is given it.

    `cells` counts the cells of the notebook as it was given; `current` is the cell that runs (in the executed
    notebook), and `position` gives its place in the notebook as it was given. `ports` gives the driver's TCP ports
    where the kernel is reached by TCP. `line` leads to the kernel, from the start on where that was started ahead.
    """

    job: Job
    process: Started
    rundir: RunDir
    report: Reporter
    began: float
    ports: tuple[int, ...] | None = None
    line: Line | None = None
    cells: int = 0
    current: int = 0
    position: Callable[[int], int] = lambda index: index
    started_after: float = 0.0
    ended_after: float = 0.0
    warnings: list[str] = field(default_factory=list)
    logbook: Logbook = field(init=False)
    keeper: RecordKeeper | None = None
    kept: Mapping[str, Any] | None = None
    parted: bool = False  # a kernel of another language said that it ends

    def __post_init__(self) -> None:
        self.logbook = Logbook(self.job, self.rundir, self.report, self.warnings)

    @property
    def record(self) -> Path:
        """Where the executed notebook is kept."""
        return self.job.record

    def execute(self, keeper: RecordKeeper) -> None:
        """Connect, run all cells, take leave. Called by the engine, within papermill.

        Raises KernelGone, KernelSilent, KernelQuit, DeadKernelError; not for an exception of a cell.
        """
        from jupyter_core.utils import run_sync

        from .papermill_engine import NodeClient

        if self.line is None:
            self.line = connect(self.process, self.rundir, self.ports)
        keeper.nb.metadata["language_info"] = self.line.info["language_info"]
        self.started_after = time.monotonic() - self.began
        self.report(StartedReport())
        failpoint("kernel.ready")
        client = NodeClient(keeper, self.line, self)
        try:
            client.execute()
            if not (self.job.keep_failed and keeper.failed):
                run_sync(self._leave)(client, self.line)
        finally:
            client.let_go()

    def keep(self) -> None:
        """Hand over a kernel that lives and stands where a cell raised, when the job asks for it."""
        if not (self.job.keep_failed and self.keeper and self.keeper.failed) or self.process.exit.wait(0):
            return
        self.kept = self.process.keep()
        if self.kept is None:
            self.warnings.append("its kernel could not be kept, and was ended")

    async def _leave(self, client: NodeClient, line: Line) -> None:
        """Let the kernel flush and close everything, then end it; see `farewell`."""
        before = time.monotonic()
        if self.job.runtime.language == "python":
            used = f"{self.rundir.seen}/{USED}"
            text = f"{_FAREWELL}\n_farewell({THREADS_SECONDS}, {used!r})"
            request = line.client.execute(text, silent=True, store_history=False, stop_on_error=False)
            client.expect(request)
            await self._first_of(client.until_idle(request), EXIT_SECONDS)
            client.settle_last()
            if not self.process.exit.wait(0):
                line.client.execute("import os\nos._exit(0)", silent=True, store_history=False)
                await self._first_of(None, GONE_SECONDS)
        else:
            await self._part(client, line)
        self.ended_after = time.monotonic() - before

    async def _part(self, client: NodeClient, line: Line) -> None:
        """Shut down a kernel of another language. What it prints until it is gone counts, how it goes does not.

        Kernels have been seen to hang, or to abort, after they had said that they end: all was done by then.
        Raises TimeoutError.
        """
        line.client.shutdown()
        said = asyncio.ensure_future(line.client.control_channel.get_msg(timeout=None))
        reading = asyncio.ensure_future(client.until_idle(""))  # to the end
        gone = asyncio.ensure_future(self.process.exit.gone())
        try:
            if not await _first({said, reading, gone}, EXIT_SECONDS):
                raise TimeoutError
            if gone.done():
                await _first({said}, GLANCE_SECONDS)  # it said so before, if it did
            else:
                await _first({reading, gone}, GONE_SECONDS)
            self.parted = said.done()
            if self.logbook.hiding:
                client.settle_last()
        finally:
            for task in (said, reading, gone):
                task.cancel()

    async def _first_of(self, work: Any, seconds: float) -> None:
        """Wait for `work` or the process's end. Raises TimeoutError."""
        tasks = {asyncio.ensure_future(one) for one in (work, self.process.exit.gone()) if one is not None}
        done = await _first(tasks, seconds)
        for task in tasks - done:
            task.cancel()
        if not done:
            raise TimeoutError
        for task in done:
            task.result()


async def _first(tasks: set[asyncio.Task[Any]], seconds: float) -> set[asyncio.Task[Any]]:
    """Those that are done when the first of them is, or none after `seconds`."""
    done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    return done


def load_driver() -> None:
    """Import papermill, which takes longer than starting a container: once, and not while anybody waits for a node."""
    import_nbformat()
    from . import papermill_engine  # noqa: F401


def driver_is_loaded() -> bool:
    """Whether `load_driver` has done its work."""
    return f"{__package__}.papermill_engine" in sys.modules


def pass_gate(
    gate: Gate,
    job: Job,
    process: Started,
    rundir: RunDir,
    ports: tuple[int, ...] | None,
    variables: Callable[[Job], Mapping[str, str]],
) -> tuple[Passed, Line]:
    """Wait at the gate with the kernel of `process` ready; what to run behind it, and the line to the kernel.

    The kernel was started with the `variables` of `job`, and is told how those of the job that was decided differ.
    Raises NotHeld when the kernel does not start or is gone, CancelledError when the gate closes.
    """
    line: Line | None = None
    try:
        line = connect(process, rundir, ports)
        gate.ready()
        passed = gate.wait(lambda: process.exit.wait(0))
        if late := late_variables(variables(job), variables(passed.job)):
            line.set_variables(late)
        return passed, line
    except BaseException as error:
        if line is not None:
            line.close()
        _close_loop()
        if isinstance(error, KernelGone | KernelSilent):
            raise NotHeld from error
        raise


def run_notebook(
    passed: Passed,
    process: Started,
    rundir: RunDir,
    *,
    ports: tuple[int, ...] | None = None,
    line: Line | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Execute the job's notebook on the kernel in `process` and see the process gone, or kept after a failure.

    The executed notebook is at the job's `record` afterwards, whatever happened. `line` leads to a kernel that answers
    already, `stopping` tells whether the attempt is being cancelled. Raises nothing that a node can cause; what it
    raises is a defect or a full disk.
    """
    session = Session(passed.job, process, rundir, passed.report, passed.began, ports, line)
    try:
        trouble = _execute(session)
        if trouble is None and not stopping():
            session.keep()
    finally:
        if session.kept is None:
            process.kill()
        _close_loop()
    session.logbook.settle(last=True)
    outcome = replace(outcome_of(session, trouble, stopping()), kept=session.kept)
    if session.keeper:
        session.keeper.empty()
    return outcome


def _execute(session: Session) -> Trouble | None:
    import papermill  # type: ignore[import-untyped]
    from nbclient.exceptions import DeadKernelError

    from .papermill_engine import NAME, KernelQuit, PapermillExecutionError

    job = session.job
    assert job.notebook is not None
    session.cells = len(json.loads(job.notebook.read_text(encoding="utf-8")).get("cells", ()))
    try:
        papermill.execute_notebook(
            _literally(job.notebook),
            None,
            parameters=dict(job.parameters) or None,
            engine_name=NAME,
            request_save_on_cell_execute=False,
            kernel_name=job.runtime.kernel,
            language=job.runtime.language,
            progress_bar=False,
            session=session,
        )
    except PapermillExecutionError:
        pass  # what a cell raised; the keeper knows whether it was allowed to
    except KernelGone:
        return Trouble.NOT_STARTED
    except KernelSilent:
        return Trouble.SILENT
    except KernelQuit:
        return Trouble.QUIT
    except DeadKernelError:
        return Trouble.DIED
    except TimeoutError:
        return Trouble.STAYED
    finally:
        if session.line is not None:
            session.line.close()
        _save(session)
    return None


def _save(session: Session) -> None:
    if session.keeper is None:
        return
    from papermill.execute import remove_error_markers  # type: ignore[import-untyped]

    from .record import save

    session.keeper.settle()
    nb = session.keeper.nb
    nb.metadata.papermill["output_path"] = str(session.record)
    if session.keeper.failed is None:
        nb = remove_error_markers(nb)  # papermill counts a cell tagged raises-exception as failed; nbclient does not
    save(nb, session.record)


def _literally(path: Path) -> str:
    """`path` so that papermill, which fills in {names}, reads it as it stands."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _close_loop() -> None:
    """Close the event loop that nbclient's synchronous calls made for this thread."""
    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        with contextlib.suppress(Exception):
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.close()


_FAREWELL = Path(farewell.__file__).read_text(encoding="utf-8")
