"""Runs nodes as processes of this machine: in a bubblewrap namespace where that works, else plainly.

What it does not isolate: the rest of the machine's files can be read; memory and cores are not limited; without
bubblewrap, the network is open, `/input` does not exist and inputs are only protected by their permissions.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from ..core.errors import Problem
from ..core.model import Kind
from ..records.failpoints import failpoint
from .child import Child
from .command import drive_command
from .contract import Job, Mount, Needs, Outcome, Reporter, Runtime
from .gate import Gate, Passed
from .hiding import told
from .interpreters import PYTHON, settle
from .kernel import pass_gate, run_notebook
from .launch import GROUP, NAMESPACE, environment, kernel_command, launcher, script_command
from .resources import gpu_variables, read_used, shortages, this_machine
from .rundir import RunDir, helper_module, remove_stale
from .sandbox import bubblewrap, wrap
from .secret_folders import lay_out
from .threads import THREADS, in_own_thread

# How often a namespace is tried to make. What bubblewrap does not expect is a mount that goes away while it looks at
# the mounts of this machine, as those of ending containers do; nothing of the node's has run then.
NAMESPACES = 3


class ProcessExecutor:
    """The executor `process`. `cache` is the folder for virtual environments (default: the user's cache folder).

    `by_name`: it was asked for by name, so what it cannot do is told (W-EXECUTOR).
    """

    name = "process"
    holds = frozenset({Kind.CELL, Kind.NOTEBOOK})  # a shell starts at once

    def __init__(self, *, cache: Path | None = None, by_name: bool = True, sandbox: bool | None = None) -> None:
        self._cache = cache
        self._by_name = by_name
        self.sandbox = bool(bubblewrap()) if sandbox is None else sandbox

    @property
    def closes_network(self) -> bool:
        """See `Executor.closes_network`."""
        return self.sandbox

    def prepare(self, needs: Sequence[Needs], tell: Callable[[str], None]) -> tuple[dict[str, Runtime], list[Problem]]:
        """See `Executor.prepare`. Raises PipelineError when an environment cannot be made."""
        if found := shortages(needs, this_machine()):
            return {}, found
        return settle(needs, tell, cache=self._cache, sandbox=self.sandbox, by_name=self._by_name)

    async def run(self, job: Job, report: Reporter, gate: Gate | None = None) -> Outcome:
        """See `Executor.run`."""
        attempt = _Attempt(job, report, self.sandbox, gate)
        return told(job, await in_own_thread(attempt.work, attempt.stop, f"{THREADS}{job.id}"))

    def remove_leftovers(self, store: str, live_runs: Callable[[], Collection[str]]) -> list[str]:
        """Remove what killed run processes left; kernels ended with them, their run directories did not."""
        failpoint("leftovers.remove")
        remove_stale()
        return []

    async def close(self) -> None:
        """See `Executor.close`; nothing is left for later here."""


class _Attempt:
    """One attempt of one node run, in its own thread."""

    def __init__(self, job: Job, report: Reporter, sandbox: bool, gate: Gate | None) -> None:
        self.job = job
        self.report = report
        self.sandbox = sandbox
        self.gate = gate
        self.began = time.monotonic()
        self.stopping = threading.Event()
        self.rundir: RunDir | None = None
        self.child: Child | None = None
        self.used: dict[str, float] = {}

    def work(self) -> Outcome:
        """Start the process, drive it, see it gone, leave nothing; what it used is known then."""
        outcome = self._work()
        # bwrap does not wait for what it starts, so the system cannot tell what a namespace used.
        system = self.child.popen.used() if self.child and not self.sandbox else {}
        return replace(outcome, used={**system, **self.used})

    def _work(self) -> Outcome:
        rundir = self.rundir = RunDir.make() if self.sandbox else RunDir.make(seen=None)
        try:
            rundir.open_lifeline()
            lay_out(self.job, rundir)
            if not self.sandbox:
                (rundir.path / "lib" / "dagbook.py").write_bytes(helper_module().read_bytes())
                (rundir.path / "home").mkdir()
                if not self.gate:  # behind it are the folders that count
                    _link_nested(self.job.mounts)
            else:
                (rundir.path / "lib" / "dagbook.py").touch()
            if self.sandbox:
                rundir.expect_birth()
            child = self._begun(rundir)
            return self._drive(child, rundir)
        finally:
            if self.child and self.child.kept:
                self.child.let_go()
            elif self.child:
                self.child.kill()
                self.child.close()
            self.used = read_used(rundir.path)
            rundir.remove()

    def _begun(self, rundir: RunDir, tries: int = NAMESPACES) -> Child:
        """The process, of which the node's own has begun, or which ended before that each time it was tried."""
        child = self.child = self._start(rundir)
        failpoint("process.started")
        self._go_on()
        begun = child.begins()
        self._go_on()
        if begun or tries == 1:
            return child
        child.close()
        return self._begun(rundir, tries - 1)

    def _go_on(self) -> None:
        """Raises CancelledError when it is to stop: after each step from which `stop` finds something to end."""
        if self.stopping.is_set():
            raise asyncio.CancelledError

    def _drive(self, child: Child, rundir: RunDir) -> Outcome:
        if self.job.kind is Kind.COMMAND:
            return drive_command(self.job, child, child.printed(), rundir, self.report, began=self.began)
        passed, line = Passed(self.job, self.report, self.began), None
        if self.gate:
            if not self.sandbox:
                self.gate.mounted()  # it has no mounts
            passed, line = pass_gate(self.gate, self.job, child, rundir, None, partial(self._variables, rundir=rundir))
            if not self.sandbox:
                _link_nested(passed.job.mounts)
        return run_notebook(passed, child, rundir, line=line, stopping=self.stopping.is_set)

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.stopping.set()
        if self.gate:
            self.gate.close()
        if self.child is not None:
            self.child.kill()
        if self.rundir is not None:
            self.rundir.cut_lifeline()

    def _start(self, rundir: RunDir) -> Child:
        job, command_node = self.job, self.job.kind is Kind.COMMAND
        python = job.runtime.environment.get(PYTHON, sys.executable)
        variables = self._variables(job, rundir)
        command = script_command(job.script, rundir) if command_node else kernel_command(job, rundir, variables, python)
        measure = "times" if command_node and self.sandbox else ""
        everything = NAMESPACE if self.sandbox else GROUP
        script = launcher(command, rundir, everything, log=not command_node, measure=measure, birth=self.sandbox)
        argv = ["sh", rundir.write("launch", script)]
        if not self.sandbox:
            return Child(argv, variables, job.output, None, rundir)
        keep = (Path(sys.prefix), Path(sys.base_prefix), Path(python).parent.parent)
        return Child(argv, variables, job.output, lambda status: wrap(job, rundir, argv, status, keep), rundir)

    def _variables(self, job: Job, rundir: RunDir) -> dict[str, str]:
        """The environment of a job's process."""
        variables = {**_inherited(), **environment(job, rundir, real_paths=not self.sandbox)}
        variables.pop(PYTHON, None)
        variables.update(gpu_variables(job.gpus, container=False))
        if not self.sandbox:
            variables.update(HOME=f"{rundir.path}/home", MPLCONFIGDIR=f"{rundir.path}/home/.config/matplotlib")
        return variables


def _link_nested(mounts: Sequence[Mount]) -> None:
    """Without a namespace nothing is mounted: what belongs inside another mount's folder becomes a link there."""
    frames = {mount.target: mount.source for mount in mounts}
    for mount in mounts:
        target = PurePosixPath(mount.target)
        frame = frames.get(str(target.parent))
        if frame is not None:
            place = frame / target.name  # it was kept free for this
            place.rmdir() if place.is_dir() else place.unlink()
            (frame / target.name).symlink_to(mount.source)


def _inherited() -> dict[str, str]:
    """What a node's process takes over from this one: how to find programs, the language, certificates; no more."""
    names = ["PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR"]
    names += ["REQUESTS_CA_BUNDLE", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "OMP_NUM_THREADS"]
    kept = {name: os.environ[name] for name in names if name in os.environ}
    with contextlib.suppress(KeyError, OSError):
        kept["USER"] = getpass.getuser()
    return kept
