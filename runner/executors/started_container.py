"""A started container, as the thread of its attempt handles it: followed to its end, killed, kept, given back."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..core.model import Kind
from ..records.failpoints import failpoint
from .containers import TCP_PORTS, container
from .contract import Job
from .daemon import LABEL, ending_of
from .engine_trouble import asked
from .exits import Ending, Exit
from .kept import Kept, hand_over
from .last_word import LastWord
from .launch import CUT, NAMESPACE, kernel_command, launcher, script_command
from .networks import raise_if_network_gone
from .pulse import within
from .resources import MEASURE
from .rundir import RunDir

if TYPE_CHECKING:
    from .docker import DockerExecutor

BROKEN_OFF = "the Docker engine broke off what the command printed"
_KILLED = range(129, 256)  # exit codes
ENGINE_SECONDS = 10.0  # for the engine to answer when something is to end


class Container:
    """A started container of ours; see `exits.Started`."""

    def __init__(self, executor: DockerExecutor, job: Job, rundir: RunDir, held: bool = False) -> None:
        self.exit = Exit()
        self._executor = executor
        self.kept: Kept | None = None
        self._rundir = rundir
        command_node = job.kind is Kind.COMMAND
        # Commands are attached to anyway, and run on engines that share no FIFO too.
        by_stdin = command_node or rundir.transport == "tcp"
        variables = executor.variables(job, rundir)
        command = script_command(job.script, rundir) if command_node else kernel_command(job, rundir, variables)
        measure = MEASURE if command_node else ""
        held = held and command_node  # a kernel runs nothing before it is asked to
        self._last_word = LastWord() if command_node else None
        word = self._last_word.text if self._last_word else ""
        script = launcher(
            command, rundir, NAMESPACE, stdin=by_stdin, log=not command_node, measure=measure, held=held, word=word
        )
        rundir.write("launch", script)
        networked = job.network or rundir.transport == "tcp"
        network = executor.networks.of(job.labels.get(LABEL, "")) if networked else None
        settings = container(executor.client, executor.engine, job, rundir, variables, stdin=by_stdin, network=network)
        failpoint("container.create")
        self.id: str = executor.client.create_container(**settings)["Id"]
        self._attached: Any = None
        try:
            failpoint("container.created")
            self.watched = executor.events.watch(self.id, self.exit, self._let_go)
            # Attached before the start: nothing that is printed is missed, and stdin is a lifeline from the beginning.
            printed = {"stdout": 1, "stderr": 1} if command_node else {}
            self._attached = self._attach(stdin=1, **printed) if by_stdin else None
        except BaseException:  # nobody else knows of it yet
            executor.remove(self.id)
            raise

    def start(self) -> None:
        """Start it, and follow its first process. Raises NetworkGone."""
        from docker.errors import DockerException, NotFound

        client = self._executor.client
        try:
            client.start(self.id)
        except NotFound as error:
            raise_if_network_gone(error)
            raise
        try:
            state = asked(lambda: client.inspect_container(self.id))["State"]
        except (DockerException, OSError):  # it has removed itself already, or the engine cannot tell: its events will
            return
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

        assert self._last_word
        for kind, data in frames_iter(self._attached, tty=False):  # type: ignore[no-untyped-call]
            if kind == 2:
                yield "stderr", data
            elif told := self._last_word.feed(data):
                yield "stdout", told
        if rest := self._last_word.rest():
            yield "stdout", rest
        if not self._last_word.heard and not self.exit.wait(0):
            self._let_go()  # the lifeline ends the command, which goes on

    def kill(self) -> None:
        """See `Started.kill`. By the lifeline first: that needs no engine."""
        if self.kept is not None:
            self.kept.end()
            return
        self.watched.expected = True
        self._rundir.cut_lifeline()
        self._hang_up(socket.SHUT_WR)
        if self.exit.wait(0.1):
            return
        answers = within(ENGINE_SECONDS, lambda: self._executor.client.kill(self.id))
        if self.exit.wait(1):
            return
        if answers and self._executor.remove(self.id) and self.exit.wait(ENGINE_SECONDS):  # also when it is paused
            return
        self.exit.tell()  # the engine does not answer: let the node's thread go
        self._let_go()

    def _let_go(self) -> None:
        self._hang_up(socket.SHUT_RDWR)

    def _hang_up(self, how: int) -> None:
        with contextlib.suppress(OSError, AttributeError):  # there is none, or it is closed
            _socket(self._attached).shutdown(how)

    def ending(self) -> Ending:
        """See `Started.ending`."""
        found = ending_of(self.watched)
        return replace(found, outside=BROKEN_OFF) if self._is_untold(found) else found

    def _is_untold(self, found: Ending) -> bool:
        """Whether the engine broke off what the command printed: it ends without its last word, and was not killed but
        by the lifeline, which we have not cut."""
        if self._last_word is None or self._last_word.heard or self.watched.expected or found.out_of_memory:
            return False
        return (self._rundir.path / CUT).exists() or not (found.outside or found.code in _KILLED)

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
