"""The run process: one process is one run, from the plan to the end.

A foreground `dagbook run` is it itself (`Hosted`). For notebooks and `--detach`, `launch` starts this module as a
child in a session of its own, which outlives the notebook's kernel and the browser: it reads what is asked from its
standard input and answers there in JSON lines, then goes on alone. A child that is `tied` ends its run when its
standard input closes: who waits for a run must not leave it behind.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .core.errors import DagbookError
from .core.lifecycle import RunSoFar
from .core.model import OnError
from .core.scheduler import Scheduler
from .engine import Engine
from .jobs import Jobs
from .plan import Asked, Plan, first, prepare
from .records.follow import settle_all
from .records.processes import start_of, user_name
from .records.store import Store


class Hosted:
    """One run in this process: `begin` makes it known, `run` runs it to its end, `cancel` ends it from any thread."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self._plan = plan
        self._store = store
        self._engine: Engine | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.cancelled: str | None = None  # why, once somebody has ended it
        settle_all(store)
        self.id = store.add_run(plan.pipeline.name, record_of(plan), self._process())

    @staticmethod
    def _process(bell: Path | None = None) -> dict[str, Any]:
        pid = os.getpid()
        place = {"host": os.uname().nodename, "pid": pid, "began": start_of(pid)}
        return {**place, "bell": str(bell) if bell else None}

    def run(self, on_signals: bool = False) -> RunSoFar:
        """Run to the end. SIGTERM cancels it; with `on_signals` SIGINT and SIGHUP do too, a second SIGINT at once."""
        return asyncio.run(self._run(on_signals))

    async def _run(self, on_signals: bool) -> RunSoFar:
        plan = self._plan
        on_error = first(plan.asked.on_error, plan.pipeline.defaults.on_error, OnError.STOP_NEXT)
        scheduler = Scheduler(plan.pipeline, plan.asked.jobs, on_error, plan.reused, plan.earlier)
        self._loop = asyncio.get_running_loop()
        self._engine = engine = Engine(self._store, self.id, scheduler, Jobs(plan, self._store, self.id))
        self._listen_to_signals(on_signals)
        await engine.bell.hang()
        self._store.set_process(self.id, self._process(engine.bell.path))
        self._remove_leftovers()
        if self.cancelled:
            engine.cancel(self.cancelled)
        try:
            return await engine.run()
        finally:
            for executor in {id(one): one for one in plan.executors.values()}.values():
                await executor.close()
            await engine.bell.take_down()

    def cancel(self, reason: str) -> None:
        """End the run, cleanly; from any thread, also before it has begun."""
        self.cancelled = reason
        if self._loop and self._engine:
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

    def _live_runs(self) -> list[str]:
        return [row.id for row in self._store.live_runs()]

    def _remove_leftovers(self) -> None:
        """Take away containers that a killed run process of this store left, off the path."""
        for executor in self._plan.executors.values():
            remove: Callable[..., None] | None = getattr(executor, "remove_leftovers", None)
            if remove is not None:
                threading.Thread(target=remove, args=(self._store.id, self._live_runs), daemon=True).start()
                return


def record_of(plan: Plan) -> dict[str, Any]:
    """What a run keeps of its beginning: pipeline, settings in force, images, code, who started it and how."""
    from importlib.metadata import version

    asked = plan.asked
    return {
        "pipeline": plan.pipeline.model_dump(mode="json"),
        "file": str(asked.file) if asked.file else None,
        "folder": str(asked.folder),
        "git": git_of(asked.folder),
        "settings": asked.model_dump(mode="json", exclude={"pipeline", "file", "folder"}),
        "reused": sorted(plan.reused),
        "executors": {title: executor.name for title, executor in plan.executors.items()},
        "images": {title: {"reference": r.reference, "digest": r.digest} for title, r in plan.runtimes.items()},
        "code": plan.code.digest if plan.code else None,
        "warnings": [found.as_json() for found in plan.warnings],
        "user": user_name(),
        "dagbook": version("dagbook"),
    }


def git_of(folder: Path) -> dict[str, Any] | None:
    """The commit of the folder's repository and whether files differ from it; None outside a repository."""
    import subprocess

    def ask(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return {"commit": ask("rev-parse", "HEAD"), "dirty": bool(ask("status", "--porcelain", "--", "."))}
    except (OSError, subprocess.CalledProcessError):
        return None


def say(**line: Any) -> None:
    """Answer the process that started this one: one JSON object on a line of standard output."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Entry of the child process that `launch` starts."""
    if sys.stdin.isatty():
        sys.stderr.write("This module is started by dagbook itself; use: dagbook run FILE\n")
        return 2
    order = json.loads(sys.stdin.readline())
    try:
        asked = Asked.model_validate(order["asked"])
        plan, store = prepare(asked, lambda: Store(Path(order["store"])), lambda text: say(tell=text))
        hosted = Hosted(plan, store)
    except DagbookError as error:
        say(errors=[found.as_json() for found in error.problems], exit_code=error.exit_code)
        return error.exit_code
    say(run=hosted.id, store=str(store.folder), warnings=[found.as_json() for found in plan.warnings])
    _leave_the_parent(store.folder / "runs" / hosted.id)
    if order.get("tied"):
        threading.Thread(target=_watch_the_parent, args=(hosted,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the business of who waits for the run
    hosted.run()
    return 0


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
