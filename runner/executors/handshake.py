"""Connecting to a started kernel: exactly as long as it takes, with no fixed wait.

jupyter_client's own `wait_for_ready` ends with 200 ms of silence, always. Here a kernel is ready when it has
answered a kernel_info request on the shell channel and that request's `idle` has come by on iopub: then both
channels work in both directions, and nothing that a cell prints can be missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from queue import Empty
from typing import TYPE_CHECKING, Any

from .exits import Exit, Started

if TYPE_CHECKING:
    import zmq.asyncio
    from jupyter_client.asynchronous.client import AsyncKernelClient

    from .rundir import RunDir

START_SECONDS = 120.0  # a kernel on a cold disk, under load; a kernel that died is noticed at once
RESEND_SECONDS = 0.25  # a subscription may arrive after the first request's messages went out
MOST_UNREAD = 100  # messages of a kernel that waits, that are taken before they can be worked on
_GLANCE_SECONDS = 0.001  # between two looks for the sockets: the longest sleep between "bound" and "connected"


class KernelGone(Exception):
    """The kernel's process ended while we waited for the kernel."""


class KernelSilent(Exception):
    """The kernel's process lives, but did not answer in the time it was given."""


def wait_for_sockets(rundir: RunDir, exit: Exit, deadline: float) -> None:
    """Return as soon as the kernel has bound its unix sockets. Raises KernelGone, KernelSilent.

    Connecting earlier would be answered by a refusal, after which ZeroMQ tries again only after a while.
    """
    while not rundir.sockets_exist():
        if exit.wait(_GLANCE_SECONDS):
            raise KernelGone
        if time.monotonic() > deadline:
            raise KernelSilent


def connect(process: Started, rundir: RunDir, ports: tuple[int, ...] | None) -> Line:
    """A line to the kernel of a started process, as soon as that answers. Raises KernelGone, KernelSilent."""
    from jupyter_core.utils import ensure_event_loop, run_sync

    deadline = time.monotonic() + START_SECONDS
    ensure_event_loop()  # where there can be none, nothing is begun that nobody would await
    if rundir.transport == "ipc":
        wait_for_sockets(rundir, process.exit, deadline)
    line = Line(rundir.connection(ports))
    try:
        line.info = run_sync(line.greet)(process.exit, deadline)
        if rundir.kernel_holds():
            line.take_slowly()
    except BaseException:
        line.close()
        raise
    return line


class Line:
    """The connection to one kernel: its client, and the ZeroMQ context that is closed with it.

    `info` is what the kernel said of itself. Made and used in the node's own thread.
    """

    info: Mapping[str, Any]

    def __init__(self, connection: Mapping[str, Any]) -> None:
        import zmq
        import zmq.asyncio
        from jupyter_client.asynchronous.client import AsyncKernelClient

        from .channels import ShellChannel

        self._context: zmq.asyncio.Context = zmq.asyncio.Context()
        # A full queue would drop messages without a word; a refused connection is tried again at once.
        self._context.setsockopt(zmq.RCVHWM, 0)
        self._context.setsockopt(zmq.SNDHWM, 0)
        self._context.setsockopt(zmq.RECONNECT_IVL, 10)
        self.client: AsyncKernelClient = AsyncKernelClient(context=self._context, shell_channel_class=ShellChannel)
        info: Any = {**connection, "key": connection["key"].encode()}
        self.client.load_connection_info(info)
        self.client.allow_stdin = False
        self.client.start_channels(stdin=False, hb=False)

    async def greet(self, exit: Exit, deadline: float) -> dict[str, Any]:
        """The kernel's kernel_info reply, when both channels work. Raises KernelGone, KernelSilent."""
        gone = asyncio.ensure_future(exit.gone())
        try:
            while time.monotonic() < deadline:
                greeting = asyncio.ensure_future(self._ask())
                await asyncio.wait({greeting, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not greeting.done():
                    greeting.cancel()
                    raise KernelGone
                if (info := greeting.result()) is not None:
                    return info
        finally:
            gone.cancel()
        raise KernelSilent

    async def _ask(self) -> dict[str, Any] | None:
        request = self.client.kernel_info()
        until = time.monotonic() + RESEND_SECONDS
        reply, idle = await asyncio.gather(
            _message(self.client.shell_channel, request, until, "kernel_info_reply"),
            _message(self.client.iopub_channel, request, until, "idle"),
        )
        return reply["content"] if reply and idle else None

    def take_slowly(self) -> None:
        """Leave what cannot be worked on yet with the kernel, which then waits instead of dropping it."""
        import zmq

        socket = self.client.iopub_channel.socket
        assert socket is not None
        socket.setsockopt(zmq.RCVHWM, MOST_UNREAD)

    def set_variables(self, variables: Mapping[str, str | None]) -> None:
        """Change the environment of a Python kernel before its first cell; None unsets. Leaves no name behind."""
        gone = [name for name, value in variables.items() if value is None]
        there = {name: value for name, value in variables.items() if value is not None}
        code = f"(lambda there, gone: (there.update({there!r}), [there.pop(name, None) for name in gone]))"
        # Requests are taken in order: no need to wait for this one.
        self.client.execute(f"{code}(__import__('os').environ, {gone!r})", silent=True, store_history=False)

    def close(self) -> None:
        """Close all sockets; unsent messages are dropped."""
        with contextlib.suppress(Exception):
            self.client.stop_channels()
        self._context.destroy(linger=0)


async def _message(channel: Any, request: str, until: float, kind: str) -> dict[str, Any] | None:
    """The message of `kind` (a message type, or an execution state) that answers `request`; None when too late."""
    while (left := until - time.monotonic()) > 0:
        try:
            message: dict[str, Any] = await channel.get_msg(timeout=left)
        except Empty:
            return None
        found = kind in (message["msg_type"], message["content"].get("execution_state"))
        if found and message["parent_header"].get("msg_id") == request:
            return message
    return None
