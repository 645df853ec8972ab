"""A client of a kernel that stays after its node failed: executes code in it and shows what comes.

It asks nothing of a run or a store; `kept.Kept` says where the kernel is. Several may be connected at a time.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .handshake import RESEND_SECONDS, KernelGone, KernelSilent
from .kept import Kept
from .signal_bell import signal_bell

if TYPE_CHECKING:
    import zmq
    from jupyter_client.blocking.client import BlockingKernelClient

GREET_SECONDS = 20.0  # in which the kernel answers a first question
SILENCE_SECONDS = 5.0  # after a reply: the kernel's word that it is done may be lost, then silence says so

Show = Callable[[str, Mapping[str, Any]], None]  # a message's type (stream, display_data, error, …) and content
Ask = Callable[[str, bool], str]  # the answer to a prompt; True when it is not to be seen


@dataclass(slots=True)
class _Request:
    id: str
    idle: bool = False
    status: str | None = None

    @property
    def done(self) -> bool:
        return self.idle and self.status is not None


class Attached:
    """A connection to a kept kernel. Close it after use; the kernel stays.

    Raises KernelGone when the kernel ends or has ended, KernelSilent when it does not answer, OSError when its
    connection file cannot be read (another user's).
    """

    def __init__(self, kept: Kept) -> None:
        import zmq
        from jupyter_client.blocking.client import BlockingKernelClient

        self._kept = kept
        if not kept.lives:
            raise KernelGone
        info: Any = json.loads(kept.connection.read_text(encoding="utf-8"))
        info["key"] = info["key"].encode()
        self._context: zmq.Context[Any] = zmq.Context()
        self._context.setsockopt(zmq.RCVHWM, 0)  # a full queue would drop messages without a word
        self._client: BlockingKernelClient = BlockingKernelClient(context=self._context)
        self._client.load_connection_info(info)
        self._exit = kept.follow()
        self._client.start_channels(hb=False)
        try:
            self._greet(time.monotonic() + GREET_SECONDS)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Attached:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the kernel, which stays."""
        with contextlib.suppress(Exception):
            self._client.stop_channels()
        self._context.destroy(linger=0)
        self._exit.close()

    def execute(self, code: str, show: Show, ask: Ask | None = None) -> bool:
        """Execute `code` as one cell and `show` what comes, to its end; False when it raised an exception.

        Ctrl-C interrupts the code in the kernel; the second one is raised as KeyboardInterrupt, and leaves the kernel
        to itself. Without `ask` the code cannot ask for anything.
        """
        request = _Request(self._client.execute(code, allow_stdin=ask is not None))
        interrupted = False
        while not request.done:
            try:
                if not self._take_next(request, show, ask):
                    break
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                self.interrupt()
        return request.status == "ok"

    def interrupt(self) -> None:
        """Interrupt what the kernel runs, by a message that its control thread takes up meanwhile."""
        message = self._client.session.msg("interrupt_request", content={})
        self._client.control_channel.send(message)

    def completeness(self, code: str) -> str:
        """Whether `code` can be executed as it is: `complete`, `incomplete`, `invalid` or `unknown`."""
        reply = self._reply(self._client.is_complete(code))
        return str(reply["status"]) if reply else "unknown"

    def _greet(self, deadline: float) -> None:
        """Return when the kernel answers and what it prints is heard: a subscription takes a moment.

        Asked on the control channel too, which is answered while a cell runs.
        """
        import zmq

        asked: set[str] = set()
        iopub = self._client.iopub_channel
        while time.monotonic() < deadline:
            asked.add(self._client.kernel_info())
            message = self._client.session.msg("kernel_info_request", content={})
            asked.add(message["header"]["msg_id"])
            self._client.control_channel.send(message)
            resend = time.monotonic() + RESEND_SECONDS
            while (left := resend - time.monotonic()) > 0 and self._wait(left, (iopub.socket,)):
                while iopub.socket.poll(0, zmq.POLLIN):
                    if iopub.get_msg(timeout=0)["parent_header"].get("msg_id") in asked:
                        return
        raise KernelSilent

    def _wait(self, seconds: float | None, sockets: tuple[Any, ...]) -> bool:
        """Whether a message came within `seconds` (None: as long as it takes). Raises KernelGone."""
        import zmq

        poller = zmq.Poller()
        ends = self._exit.descriptors()
        for socket in (*sockets, *ends):
            poller.register(socket, zmq.POLLIN)
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if deadline is None else max(0, int((deadline - time.monotonic()) * 1000) + 1)
            ready = _poll(poller, left)
            if any(socket in ready for socket in sockets):
                return True
            if ready.intersection(ends):
                raise KernelGone
            if deadline is not None and time.monotonic() >= deadline:
                return False

    def _take_next(self, request: _Request, show: Show, ask: Ask | None) -> bool:
        """Wait for messages and take them; False when the kernel has replied and then said nothing for long."""
        client = self._client
        channels = (client.iopub_channel, client.shell_channel, *([client.stdin_channel] if ask else []))
        patience = SILENCE_SECONDS if request.status is not None else None
        if not self._wait(patience, tuple(channel.socket for channel in channels)):
            return False
        for channel in channels:
            while not request.done and channel.socket.poll(0):
                message = channel.get_msg(timeout=0)
                if message["parent_header"].get("msg_id") == request.id:
                    self._take(request, message, show, ask)
        return True

    def _take(self, request: _Request, message: dict[str, Any], show: Show, ask: Ask | None) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind == "status":
            request.idle = content["execution_state"] == "idle"
        elif kind == "execute_reply":
            request.status = content["status"]
        elif kind == "input_request" and ask is not None:
            self._client.input(ask(content["prompt"], bool(content["password"])))
        elif kind != "execute_input":
            show(kind, content)

    def _reply(self, asked: str) -> dict[str, Any] | None:
        """The content of the reply to a question on the shell channel; None when the kernel is busy or cannot."""
        shell = self._client.shell_channel
        deadline = time.monotonic() + 1
        while (left := deadline - time.monotonic()) > 0 and self._wait(left, (shell.socket,)):
            message = shell.get_msg(timeout=0)
            if message["parent_header"].get("msg_id") == asked:
                return dict(message["content"])
        return None


def _poll(poller: zmq.Poller, milliseconds: int | None) -> set[Any]:
    """What is readable, at most `milliseconds` later; nothing when a signal came, so that its handler gets its turn."""
    import zmq

    with signal_bell() as bell:
        for descriptor in bell:
            poller.register(descriptor, zmq.POLLIN)
        try:
            return {one for one, _ in poller.poll(milliseconds)}
        finally:
            for descriptor in bell:
                poller.unregister(descriptor)
