"""Runs each node in a Docker container of its own: the kernel alone, driven from here."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import Problem, problem
from ..core.model import Kind
from .command import drive_command
from .containers import KEPT_LABEL, TCP_PORTS, Engine, container
from .contract import Job, Needs, Outcome, Reporter, Runtime
from .daemon import LABEL, RUN_LABEL, Events, Watched, connect, ending_of
from .exits import Ending, Exit
from .gate import Gate, NotHeld, Passed, late_variables
from .kept import Kept, hand_over
from .kernel import pass_gate, run_notebook
from .launch import NAMESPACE, environment, kernel_command, launcher, script_command, write_late
from .resources import MEASURE, gpu_variables, read_used, shortages
from .rundir import RunDir, is_held, remove_stale
from .threads import THREADS, in_own_thread

if TYPE_CHECKING:
    from docker import APIClient

CLOSE_SECONDS = 10.0  # for the engine to remove the last containers by itself


class DockerExecutor:
    """The executor `docker`.

    `default_image` is for nodes that name none; `build_network` is the network of derived images' builds (as
    `docker run --network` takes it; None for the engine's default). `transport`: ipc, tcp or auto.
    Raises MachineError (E-DOCKER-DOWN) when no engine answers.
    """

    name = "docker"
    holds = frozenset({Kind.CELL, Kind.NOTEBOOK, Kind.COMMAND})

    def __init__(
        self, *, default_image: str | None = None, build_network: str | None = None, transport: str = "auto"
    ) -> None:
        self.client: APIClient = connect()
        self.engine = Engine.of(self.client)
        self._default_image = default_image
        self._reached: str | None = None
        self._build_network = build_network
        self._transport = transport
        self._events: Events | None = None
        self._lock = threading.Lock()
        self._left: dict[str, Watched] = {}

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
        if not wanting or self.client.networks(names=["bridge"]):
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
        return await in_own_thread(attempt.work, attempt.stop, f"{THREADS}{job.id}")

    @staticmethod
    def variables(job: Job, rundir: RunDir) -> dict[str, str]:
        """The environment of a job's container."""
        return environment(job, rundir, real_paths=False) | gpu_variables(job.gpus, container=True)

    async def close(self) -> None:
        """See `Executor.close`."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        deadline = time.monotonic() + CLOSE_SECONDS
        for identity, watched in list(self._left.items()):
            if not watched.removed.wait(max(0.0, deadline - time.monotonic())):
                self.remove(identity)
            self._left.pop(identity, None)
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

    def remove(self, identity: str) -> None:
        """Remove a container, running or not; no error when it is gone."""
        from docker.errors import DockerException

        with contextlib.suppress(DockerException, OSError):
            self.client.remove_container(identity, force=True, v=True)

    def remove_leftovers(self, store: str, live_runs: Callable[[], Collection[str]]) -> list[str]:
        """Remove the containers labelled with this store whose run (`dagbook.run`) is not live; gives their ids.

        Those that a living keeper holds stay.

        `live_runs` is asked after the containers were listed: a run that begins meanwhile is live, then.
        The run directories of dead processes go too.
        """
        remove_stale()
        found = self.client.containers(all=True, filters={"label": [f"{LABEL}={store}", RUN_LABEL]})
        live = live_runs()
        ended = [one for one in found if one["Labels"].get(RUN_LABEL) not in live]
        dead = [one["Id"] for one in ended if not is_held(Path(one["Labels"].get(KEPT_LABEL) or "/nowhere"))]
        for identity in dead:
            self.remove(identity)
        return dead


class Container:
    """A started container of ours; see `exits.Started`."""

    def __init__(self, executor: DockerExecutor, job: Job, rundir: RunDir, held: bool = False) -> None:
        self.exit = Exit()
        self._executor = executor
        self._limited = job.memory is not None
        self.kept: Kept | None = None
        self._rundir = rundir
        command_node = job.kind is Kind.COMMAND
        # Commands are attached to anyway, and run on engines that share no FIFO too.
        by_stdin = command_node or rundir.transport == "tcp"
        variables = executor.variables(job, rundir)
        command = script_command(job.script, rundir) if command_node else kernel_command(job, rundir, variables)
        measure = MEASURE if command_node else ""
        held = held and command_node  # a kernel runs nothing before it is asked to
        script = launcher(command, rundir, NAMESPACE, stdin=by_stdin, log=not command_node, measure=measure, held=held)
        rundir.write("launch", script)
        settings = container(executor.client, executor.engine, job, rundir, variables, stdin=by_stdin)
        self.id: str = executor.client.create_container(**settings)["Id"]
        self.watched = executor.events.watch(self.id, self.exit)
        # Attached before the start: nothing that is printed is missed, and stdin is a lifeline from the beginning.
        printed = {"stdout": 1, "stderr": 1} if command_node else {}
        self._attached = self._attach(stdin=1, **printed) if by_stdin else None

    def start(self) -> None:
        """Start it, and follow its first process."""
        client = self._executor.client
        client.start(self.id)
        state = client.inspect_container(self.id)["State"]
        if state.get("Pid"):
            self.exit.follow(state["Pid"], lambda: _belongs(state["Pid"], self.id))

    def _attach(self, **streams: int) -> Any:
        attached = self._executor.client.attach_socket(self.id, params={"stream": 1, **streams})
        _socket(attached).settimeout(None)  # a command may be silent for hours
        return attached

    def ports(self) -> tuple[int, ...]:
        """Where this machine reaches the kernel's TCP ports."""
        settings = self._executor.client.inspect_container(self.id)["NetworkSettings"]["Ports"]
        return tuple(int(settings[f"{port}/tcp"][0]["HostPort"]) for port in TCP_PORTS)

    def go_on(self) -> None:
        """Let a command run that was held."""
        _socket(self._attached).sendall(b"go\n")

    def pieces(self) -> Iterator[tuple[str, bytes]]:
        """What the command prints, until it ends."""
        from docker.utils.socket import frames_iter

        for kind, data in frames_iter(self._attached, tty=False):  # type: ignore[no-untyped-call]
            yield ("stderr" if kind == 2 else "stdout"), data

    def kill(self) -> None:
        """See `Started.kill`. By the lifeline first: that needs no engine."""
        from docker.errors import DockerException

        if self.kept is not None:
            self.kept.end()
            return
        self.watched.expected = True
        self._rundir.cut_lifeline()
        self._hang_up(socket.SHUT_WR)
        if self.exit.wait(0.1):
            return
        with contextlib.suppress(DockerException, OSError):
            self._executor.client.kill(self.id)
            if self.exit.wait(1):
                return
        self._executor.remove(self.id)  # also when it is paused
        if not self.exit.wait(CLOSE_SECONDS):  # the engine does not answer: let the node's thread go
            self.exit.tell()
            self._hang_up(socket.SHUT_RDWR)

    def _hang_up(self, how: int) -> None:
        if self._attached is not None:
            with contextlib.suppress(OSError):
                _socket(self._attached).shutdown(how)

    def ending(self) -> Ending:
        """See `Started.ending`."""
        return ending_of(self.watched, self._limited)

    def keep(self) -> Mapping[str, Any] | None:
        """See `Started.keep`."""
        tcp = self._rundir.transport == "tcp"
        lifeline = _socket(self._attached).fileno() if self._attached is not None else None
        connection = self._rundir.connection(self.ports() if tcp else None)
        self.kept = hand_over(self._rundir, self.exit, connection, container=self.id, lifeline=lifeline)
        return self.kept.as_json() if self.kept else None

    def close(self, started: bool) -> None:
        """Give back what it held here. The engine removes a container that ended; we one that never began."""
        if self._attached is not None:
            # The response that the socket came with first: left to the collector, it would flush a closed file.
            response = getattr(self._attached, "_response", None)
            for held in (self._attached,) if response is None else (response, self._attached):
                with contextlib.suppress(OSError, ValueError):
                    held.close()
        if self.kept:
            self._executor.events.forget(self.id)
        elif started:
            self._executor.remember(self.id, self.watched)
        else:
            self._executor.remove(self.id)
            self._executor.events.forget(self.id)
        self.exit.close()


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
            rundir.transport = self._transport()
            if rundir.transport == "tcp":
                rundir.ports = TCP_PORTS
            else:
                rundir.open_lifeline()
            return replace(self._in_container(rundir), used=read_used(rundir.path))
        except (DockerException, OSError) as error:
            if self.stopping.is_set():
                raise asyncio.CancelledError from None
            if self.gate and not self.gate.passed:
                raise NotHeld from error
            refused = getattr(getattr(error, "response", None), "status_code", 500) < 500
            words = "refused the container" if refused else "failed"
            return Outcome(False, f"the Docker engine {words}: {_explanation(error)}", lost=not refused)
        finally:
            rundir.remove()

    def _transport(self) -> str:
        return "ipc" if self.job.kind is Kind.COMMAND else self.executor.transport(self.job.runtime.digest)

    def _in_container(self, rundir: RunDir) -> Outcome:
        process = Container(self.executor, self.job, rundir, held=self.gate is not None)
        try:
            self.process = process
            if self.stopping.is_set():
                raise asyncio.CancelledError
            process.start()
            self.started.set()
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


def _socket(attached: Any) -> socket.socket:
    found: socket.socket = getattr(attached, "_sock", attached)
    return found


def _belongs(pid: int, container: str) -> bool:
    """Whether process `pid`, as the engine numbers it, is the container's here too (and not in a machine of the
    engine's own)."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            return container in file.read()
    except OSError:
        return False


def _explanation(error: Exception) -> str:
    explanation = getattr(error, "explanation", None)
    return str(explanation or error)[:500]
