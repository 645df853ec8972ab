"""Runs each node in a Docker container of its own: the kernel alone, driven from here."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import Problem, problem
from ..core.model import Kind
from ..records.failpoints import failpoint
from ..records.room import OF_THE_MACHINE
from . import trial
from .command import drive_command
from .containers import KEPT_LABEL, TCP_PORTS, Engine
from .contract import Job, Needs, Outcome, Reporter, Runtime
from .daemon import LABEL, RUN_LABEL, Events, Watched, connect
from .engine_trouble import is_engines, why_of
from .gate import Gate, NotHeld, Passed, late_variables
from .hiding import told
from .kernel import pass_gate, run_notebook
from .launch import environment, write_late
from .networks import NetworkGone, Networks, NoNetwork, remove_networks
from .pulse import within
from .resources import gpu_variables, read_used, shortages
from .rundir import STAND_INS, RunDir, is_held, remove_stale
from .secret_folders import lay_out
from .started_container import Container
from .threads import THREADS, in_own_thread

if TYPE_CHECKING:
    from docker import APIClient

NETWORKS_GONE = 3  # how often a container is made again whose network was removed before it started
CLOSE_SECONDS = 10.0  # for the engine to remove the last containers by itself


class DockerExecutor:
    """The executor `docker`.

    `default_image` is for nodes that name none; `build_network` is the network of derived images' builds (as
    `docker run --network` takes it; None for the engine's default). `transport`: ipc, tcp or auto.
    Raises MachineError (E-DOCKER-DOWN) when no engine answers.
    """

    name = "docker"
    closes_network = True

    def __init__(
        self, *, default_image: str | None = None, build_network: str | None = None, transport: str = "auto"
    ) -> None:
        self.client: APIClient = connect()
        self.engine = Engine.of(self.client)
        self.networks = Networks(self.client)
        self._default_image = default_image
        self._reached: str | None = None
        self._build_network = build_network
        self._transport = transport
        self._events: Events | None = None
        self._lock = threading.Lock()
        self._left: dict[str, Watched] = {}

    @property
    def holds(self) -> frozenset[Kind]:
        """See `Executor.holds`. Only where the engine is of this machine: elsewhere a mount may not follow a rename."""
        return frozenset({Kind.CELL, Kind.NOTEBOOK, Kind.COMMAND}) if self._reached == "ipc" else frozenset()

    @property
    def events(self) -> Events:
        """The engine's events about our containers; followed from the first need on."""
        with self._lock:
            if self._events is None:
                self._events = Events(self.client)
            return self._events

    def prepare(self, needs: Sequence[Needs], tell: Callable[[str], None]) -> tuple[dict[str, Runtime], list[Problem]]:
        """See `Executor.prepare`."""
        from .images import Images

        assert self.events
        if found := shortages(needs, self.engine.machine):
            return {}, found
        images = Images(self.client, self._default_image, self._build_network)
        runtimes, found = images.settle(needs, tell)
        found += self._network_warnings(needs)
        kernels = [need for need in needs if need.kind is not Kind.COMMAND]
        if runtimes and kernels and self.transport(runtimes[kernels[0].title].digest) == "tcp":
            what = "unix sockets do not cross into this engine's containers: kernels are reached by TCP on loopback"
            found.append(problem("W-EXECUTOR", what=f"{what}, so the nodes' network is not closed", hint=""))
        return runtimes, found

    def _network_warnings(self, needs: Sequence[Needs]) -> list[Problem]:
        wanting = [need for need in needs if need.network]
        if not wanting or self.networks.opens():
            return []
        what = "this Docker engine has no network to open, so --network changes nothing"
        return [problem("W-EXECUTOR", wanting[0].place, what=what, hint="It was started without a bridge.")]

    def transport(self, image: str) -> str:
        """`ipc` or `tcp`: how kernels of this engine are reached; found out with a container of `image`."""
        from .transport import transport_of

        with self._lock:
            if self._reached is None:
                self._reached = transport_of(self.client, self.engine, image, self._transport)
            return self._reached

    async def run(self, job: Job, report: Reporter, gate: Gate | None = None) -> Outcome:
        """See `Executor.run`."""
        attempt = _Attempt(self, job, report, gate)
        return told(job, await in_own_thread(attempt.work, attempt.stop, f"{THREADS}{job.id}"))

    @staticmethod
    def variables(job: Job, rundir: RunDir) -> dict[str, str]:
        """The environment of a job's container."""
        return environment(job, rundir, real_paths=False) | gpu_variables(job.gpus, container=True)

    async def close(self) -> None:
        """See `Executor.close`."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        deadline = time.monotonic() + CLOSE_SECONDS
        silent = self._events is not None and self._events.given_up
        for identity, watched in () if silent else list(self._left.items()):
            if not watched.removed.wait(max(0.0, deadline - time.monotonic())) and not self.remove(identity):
                break  # it would not answer for the others either
            self._left.pop(identity, None)
        if not silent:
            within(CLOSE_SECONDS, self.networks.close)
        if self._events is not None:
            self._events.close()
            self._events = None
        self.client.close()

    def remember(self, identity: str, watched: Watched) -> None:
        """Keep an eye on a container that ended, until it is removed."""
        self._left[identity] = watched
        for one, seen in list(self._left.items()):
            if seen.removed.is_set():
                self._left.pop(one, None)
                self.events.forget(one)

    def remove(self, identity: str) -> bool:
        """Remove a container, running or not; no error when it is gone. False when the engine does not answer."""
        return within(CLOSE_SECONDS, lambda: self.client.remove_container(identity, force=True, v=True))

    def remove_leftovers(self, store: str, live_runs: Callable[[], Collection[str]]) -> list[str]:
        """Remove the containers labelled with this store whose run (`dagbook.run`) is not live; gives their ids.

        Those that a living keeper holds stay. Its network goes too when no container is in it.

        `live_runs` is asked after the containers were listed: a run that begins meanwhile is live, then.
        The run directories of dead processes go too.
        """
        failpoint("leftovers.remove")
        remove_stale()
        found = self.client.containers(all=True, filters={"label": [f"{LABEL}={store}", RUN_LABEL]})
        live = live_runs()
        ended = [one for one in found if one["Labels"].get(RUN_LABEL) not in live]
        dead = [one["Id"] for one in ended if not is_held(Path(one["Labels"].get(KEPT_LABEL) or "/nowhere"))]
        for identity in [*dead, *trial.old(self.client)]:
            self.remove(identity)
        remove_networks(self.client, store)
        return dead


class _Attempt:
    """One attempt of one node run, in its own thread."""

    def __init__(self, executor: DockerExecutor, job: Job, report: Reporter, gate: Gate | None) -> None:
        self.executor = executor
        self.job = job
        self.report = report
        self.gate = gate
        self.began = time.monotonic()
        self.stopping = threading.Event()
        self.started = threading.Event()
        self.process: Container | None = None

    def work(self) -> Outcome:
        """Create, start and drive the container; see it gone."""
        from docker.errors import DockerException

        rundir = RunDir.make()
        try:
            (rundir.path / "lib" / "dagbook.py").touch()
            (rundir.path / STAND_INS).mkdir()
            lay_out(self.job, rundir)
            rundir.transport = self._transport()
            if rundir.transport == "tcp":
                rundir.ports = TCP_PORTS
            else:
                rundir.open_lifeline()
            return replace(self._in_its_container(rundir), used=read_used(rundir.path))
        except (DockerException, NoNetwork, OSError) as error:
            if self.stopping.is_set():
                raise asyncio.CancelledError from None
            if self.gate and not self.gate.passed:
                raise NotHeld from error
            if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
                raise  # of a disk of ours; the engine has nothing to do with it
            return _not_begun(error)
        finally:
            rundir.remove()

    def _transport(self) -> str:
        return "ipc" if self.job.kind is Kind.COMMAND else self.executor.transport(self.job.runtime.digest)

    def _in_its_container(self, rundir: RunDir) -> Outcome:
        for _ in range(NETWORKS_GONE):
            with contextlib.suppress(NetworkGone):
                return self._in_container(rundir)
        return self._in_container(rundir)

    def _in_container(self, rundir: RunDir) -> Outcome:
        process = Container(self.executor, self.job, rundir, held=self.gate is not None)
        try:
            self.process = process
            if self.stopping.is_set():
                raise asyncio.CancelledError
            process.start()
            self.started.set()
            failpoint("container.started")
            if self.stopping.is_set():
                raise asyncio.CancelledError
            if self.gate:
                self.gate.mounted()
            return self._drive(process, rundir)
        finally:
            if self.started.is_set() and not process.kept:
                process.kill()
            process.close(self.started.is_set())

    def _drive(self, process: Container, rundir: RunDir) -> Outcome:
        ports = process.ports() if rundir.transport == "tcp" else None
        passed, line = Passed(self.job, self.report, self.began), None
        variables = partial(self.executor.variables, rundir=rundir)
        if self.job.kind is Kind.COMMAND:
            if self.gate:
                self.gate.ready()
                passed = self.gate.wait(lambda: process.exit.wait(0))
                write_late(late_variables(variables(self.job), variables(passed.job)), rundir)
                process.go_on()
            pieces = process.pieces()
            return drive_command(passed.job, process, pieces, rundir, passed.report, began=passed.began)
        if self.gate:
            passed, line = pass_gate(self.gate, self.job, process, rundir, ports, variables)
        return run_notebook(passed, process, rundir, ports=ports, line=line, stopping=self.stopping.is_set)

    def stop(self) -> None:
        """End the container, whatever it is doing; one that is not started yet is not started."""
        self.stopping.set()
        if self.gate:
            self.gate.close()
        if self.process is not None and self.started.is_set():
            self.process.kill()


def _not_begun(error: Exception) -> Outcome:
    from docker.errors import DockerException

    if isinstance(error, NoNetwork):
        return Outcome(False, str(error))
    refused = isinstance(error, DockerException) and not is_engines(error)
    words = "refused the container" if refused else "failed"
    return Outcome(False, f"the Docker engine {words}: {why_of(error)}", lost=not refused)
