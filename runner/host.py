"""The run process: one process is one run, from the plan to the end.

A foreground `dagbook run` is it itself (`Hosted`). For notebooks and `--detach`, `launch` starts this module as a
child in a session of its own, which outlives the notebook's kernel and the browser: it reads what is asked from its
standard input and answers there in JSON lines, then goes on alone. A child that is `tied` ends its run when its
standard input closes: who waits for a run must not leave it behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from .ahead import Ahead
from .asked import Asked, first
from .beginning import keep_snapshot, record_of, snapshot_of
from .core.errors import DagbookError, Problem
from .core.foresight import Foresight
from .core.lifecycle import RunSoFar, RunState
from .core.model import OnError, Pipeline
from .core.scheduler import Scheduler
from .engine import Engine
from .executors.contract import Executor
from .foreseen_jobs import ForeseenJobs
from .jobs import Jobs
from .nested_runs import Heard, NestedRuns
from .observers.chosen import observers_for
from .observers.looking_on import LookingOn
from .open_files import check_open_files, within_open_files
from .plan import Plan, prepare
from .records.glance import unheard
from .records.processes import boot, hear_of_children, start_of
from .records.settling import break_off, settle_all
from .records.store import Store
from .results import Results
from .resume import Resumption, claim, resume_from
from .surroundings import take_over

PATIENT_SECONDS = 1.0  # for which the event loop waits for who holds the database; longer waits are beside it


class Hosted:
    """One run in this process: `begin` makes it known, `run` runs it to its end, `cancel` ends it from any thread."""

    def __init__(
        self,
        plan: Plan,
        store: Store,
        tell: Callable[[str], None],
        resumed: Resumption | None = None,
        observers: LookingOn | None = None,
        room: asyncio.Semaphore | None = None,
    ) -> None:
        self._room = room
        self._heard: Heard | None = None
        self._plan = replace(plan, asked=within_open_files(plan.asked))
        self._store = store
        self._tell = tell
        self._resumed = resumed
        self._observers = observers or LookingOn()
        self._engine: Engine | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.cancelled: str | None = None  # why, once somebody has ended it
        check_open_files(plan.asked)
        settle_all(store)
        store.set_room_aside()
        if resumed:
            self.id = resumed.row.id
            claim(store, resumed, plan, self._process())
            return
        content = snapshot_of(plan.asked)
        record = {**record_of(plan), "snapshot": hashlib.sha256(content).hexdigest() if content is not None else None}
        self.id = store.add_run(plan.pipeline.name, record, self._process())
        if content is not None:
            keep_snapshot(store.folder / "runs" / self.id, content)

    def _process(self, bell: Path | None = None) -> dict[str, Any]:
        pid = os.getpid()
        place = {"host": os.uname().nodename, "pid": pid, "began": start_of(pid), "boot": boot()}
        around = self._plan.asked.around
        inside = {"inside": around.model_dump(include={"run", "node_run", "node", "top"})} if around else {}
        return {**place, "bell": str(bell) if bell else None, **inside}

    def run(self, on_signals: bool = False) -> RunSoFar:
        """Run to the end. SIGTERM cancels it; with `on_signals` SIGINT and SIGHUP do too, a second SIGINT at once."""
        self._observers.begin(self._store, self.id, self._plan.pipeline, self._tell)
        try:
            return asyncio.run(self._run(partial(self._listen_to_signals, on_signals)))
        finally:
            self._observers.over()

    async def run_within(self, heard: Heard) -> RunSoFar:
        """Run to the end as a node of another run, in its event loop; `heard` is told what was recorded."""
        self._heard = heard
        return await self._run()

    def let_observers_finish(self) -> None:
        """Wait until those who look on have told all, or make no headway; to be called last, and Ctrl-C ends it."""
        self._observers.finish()

    @property
    def observed(self) -> bool:
        """Whether anybody looks on, who may take longer than the run."""
        return self._observers.any

    async def _run(self, listen: Callable[[], None] | None = None) -> RunSoFar:
        """Run in the running loop. Without `listen` it is a node of another run: machines are looked after there."""
        self._loop = asyncio.get_running_loop()
        self._store.patience = PATIENT_SECONDS
        scheduler = self._scheduler()
        self._engine = engine = self._made_engine(scheduler)
        await engine.bell.hang()
        self._store.set_process(self.id, self._process(engine.bell.path))
        if listen:
            listen()
            await self._clear_away()
        if self.cancelled:
            engine.cancel(self.cancelled)
        try:
            async with contextlib.AsyncExitStack() as ends:  # each happens, whatever comes of the others
                ends.push_async_callback(engine.bell.take_down)
                ends.callback(self._leave_to_others, scheduler)
                for executor in self._executors_to_close() if listen else ():
                    ends.push_async_callback(executor.close)
                await engine.run(self._resumed.by if self._resumed else "")
        except Exception as error:
            self._break_off(error)
            raise
        return scheduler.run

    def _break_off(self, error: Exception) -> None:
        """Record that the run cannot go on, as when its disk is full; what cannot be recorded is settled by others."""
        with contextlib.suppress(DagbookError, OSError):
            row = self._store.find(self.id)
            if {**row.process, "bell": None} == self._process():  # and nobody has taken it over
                break_off(self._store, row, f"the run could not go on: {error}")

    def _made_engine(self, scheduler: Scheduler) -> Engine:
        plan = self._plan
        jobs = Jobs(plan, self._store, self.id, scheduler.run)
        results = Results(plan, self._store, jobs, self.id, self._tell)
        if plan.inner and self._room is None:
            self._room = asyncio.Semaphore(plan.asked.jobs)
        return Engine(
            self._store,
            self.id,
            scheduler,
            jobs,
            results,
            self._ahead(scheduler, jobs),
            recorded=self._resumed.recorded if self._resumed else 0,
            waits=plan.asked.waits,
            nested=NestedRuns(plan, self._store, self.id, jobs, results.changed, self._begin_within).attempt,
            room=self._room,
            heard=self._heard,
            say=self._tell,
        )

    def _begin_within(self, plan: Plan, resumed: Resumption | None) -> Hosted:
        """A run that is a node of this one."""
        return Hosted(plan, self._store, self._tell, resumed, room=self._room)

    async def _clear_away(self) -> None:
        """Take away what dead runs left; of a resumed run before there is anything new of it, else meanwhile."""
        leftovers = threading.Thread(target=self._remove_leftovers, args=(self._live_runs(),), daemon=True)
        leftovers.start()
        if self._resumed:
            await asyncio.to_thread(leftovers.join)

    def _executors_to_close(self) -> list[Executor]:
        """Those of this plan, and of the plans within it: these runs may begin more than once."""
        every = (executor for _, plan in self._plan.all() for executor in plan.executors.values())
        return list({id(one): one for one in every}.values())

    def _leave_to_others(self, scheduler: Scheduler) -> None:
        """Say that nobody runs it, until it is resumed, where it waits for a person."""
        if scheduler.run.state is RunState.PENDING_APPROVAL:
            self._store.set_process(self.id, {**self._process(), "pid": 0})

    def _ahead(self, scheduler: Scheduler, jobs: Jobs) -> Ahead:
        foresight = Foresight(self._plan.pipeline)
        foreseen = ForeseenJobs(self._plan, self._store, self.id, jobs.foreseeing(foresight.run))
        return Ahead(scheduler.run, foresight, foreseen, scheduler.queued, self._plan.asked.ahead)

    def _scheduler(self) -> Scheduler:
        plan, resumed = self._plan, self._resumed
        return Scheduler(
            plan.pipeline,
            plan.asked.jobs,
            first(plan.asked.on_error, plan.pipeline.defaults.on_error, OnError.STOP_NEXT),
            plan.reused,
            plan.earlier,
            looks=plan.looks,
            max_runs=plan.asked.max_runs,
            run=resumed.so_far if resumed else None,
            intact=resumed.intact if resumed else (),
            forced=plan.forced,
            contents=plan.contents,
        )

    def cancel(self, reason: str) -> None:
        """End the run, cleanly; from any thread, also before it has begun."""
        self.cancelled = reason
        if self._loop and self._engine:
            with contextlib.suppress(RuntimeError):  # it is over already
                self._loop.call_soon_threadsafe(self._engine.cancel, reason)

    def _listen_to_signals(self, foreground: bool) -> None:
        assert self._loop is not None
        self._loop.add_signal_handler(signal.SIGTERM, self._signalled, "SIGTERM")
        if foreground:
            self._loop.add_signal_handler(signal.SIGHUP, self._signalled, "SIGHUP")
            self._loop.add_signal_handler(signal.SIGINT, self._signalled, "Ctrl-C")

    def _signalled(self, name: str) -> None:
        if self.cancelled and name == "Ctrl-C":
            os._exit(130)  # twice: at once; containers and kernels notice and end by themselves
        self.cancel(name)

    @property
    def pipeline(self) -> Pipeline:
        """What is run."""
        return self._plan.pipeline

    @property
    def executors(self) -> str:
        """The names of the executors that run it."""
        return ", ".join(sorted({executor.name for executor in self._plan.executors.values()})) or "nothing to start"

    def news(self) -> list[Problem]:
        """What was found while it was planned and stops nothing, but for what the run before told already."""
        return unheard(self._store, self._plan.warnings, self.id)

    def _live_runs(self) -> list[str]:
        """The runs of the store that live, without this one while it has started nothing."""
        return [row.id for row in self._store.live_runs() if row.id != self.id or not self._resumed]

    def _remove_leftovers(self, live: list[str]) -> None:
        """Take away containers that killed run processes of this store left, off the path of a new run."""
        every = (getattr(executor, "remove_leftovers", None) for executor in self._plan.executors.values())
        remove: Callable[..., None] | None = next(filter(None, every), None)
        try:
            if remove is not None:
                remove(self._store.id, lambda: {*live, *self._live_runs()})
        except Exception as error:  # of the disk, the store, the engine: the next run tries again
            self._tell(f"What killed runs left could not all be removed: {error}")


def say(**line: Any) -> None:
    """Answer the process that started this one: one JSON object on a line of standard output."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Entry of the child process that `launch` starts; one that has waited for its order (`waiting`) comes here too."""
    if sys.stdin.isatty():
        sys.stderr.write("This module is started by dagbook itself; use: dagbook run FILE\n")
        return 2
    hear_of_children()
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        return 0  # who was to give the order has gone
    order = json.loads(line)
    say(taken=True)
    if "surroundings" in order:
        take_over(order["surroundings"])
    try:
        hosted = hosted_of(order, lambda text: say(tell=text), later=_log)
    except DagbookError as error:
        say(errors=[found.as_json() for found in error.problems], exit_code=error.exit_code)
        return error.exit_code
    warnings = [found.as_json() for found in hosted.news()]
    say(run=hosted.id, store=order["store"], warnings=warnings, observed=hosted.observed)
    _leave_the_parent(Path(order["store"]) / "runs" / hosted.id)
    if order.get("tied"):
        threading.Thread(target=_watch_the_parent, args=(hosted,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the business of who waits for the run
    hosted.run()
    hosted.let_observers_finish()
    if order.get("reports"):
        _report(order["store"], hosted.id, order["reports"])
    return 0


def _report(store: str, run: str, options: list[str]) -> None:
    """Become the command that writes the reports: what shows a run is no business of the process that runs it."""
    words = ["-P", "-c", "from dagbook.runner.cli import main; main(prog_name='dagbook')"]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *words, "report", run, "--store", store, *options])


def hosted_of(order: dict[str, Any], tell: Callable[[str], None], later: Callable[[str], None]) -> Hosted:
    """The run that was ordered: a new one (`asked`), or one to `resume`; `observers` are settings of those who look on.

    Lines of progress go to `tell` while it is planned, and to `later` when it runs. Raises PipelineError, MachineError.
    """
    folder = Path(order["store"])
    if "resume" in order:
        store = Store(folder, create=False)
        resumption, asked, code = resume_from(store, **order["resume"])
        observers = observers_for(asked.folder, asked.pipeline, order.get("observers"), resumption.row.record)
        plan, _ = prepare(asked, lambda: store, tell, code)
        return Hosted(plan, store, later, resumption, observers)
    asked = Asked.model_validate(order["asked"])
    observers = observers_for(asked.folder, asked.pipeline, order.get("observers"))
    plan, store = prepare(asked, lambda: Store(folder), tell)
    return Hosted(plan, store, later, observers=observers)


def _log(text: str) -> None:
    """Progress of a run that has begun: the parent has gone its way, and the run's log is this process's output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _leave_the_parent(folder: Path) -> None:
    """Let go of the parent's pipe; what is still said goes to a log in the run's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    log = os.open(folder / "process.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def _watch_the_parent(hosted: Hosted) -> None:
    while sys.stdin.readline():
        pass
    hosted.cancel("who waited for the run has gone")


if __name__ == "__main__":
    sys.exit(main())
