"""The connection to a kernel, with a stand-in for the kernel whose messages come when the test says so."""

from __future__ import annotations

import asyncio
import secrets
import select
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import zmq
from jupyter_client.session import Session

from dagbook.runner.executors.handshake import Line
from dagbook.runner.executors.rundir import PORTS

_SECONDS = 10


@dataclass
class Kernel:
    """A kernel's shell and iopub sockets, and the connection info that leads to them."""

    shell: zmq.Socket[bytes]
    session: Session
    connection: dict[str, Any]

    def take(self) -> tuple[list[bytes], dict[str, Any]]:
        """Who sent the next request, and the request."""
        assert self.shell.poll(_SECONDS * 1000)
        return self.session.recv(self.shell, mode=0)  # type: ignore[return-value]


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    key = secrets.token_hex(8)
    about = {"transport": "ipc", "ip": str(tmp_path / "k"), **dict(zip(PORTS, range(1, 6), strict=True))}
    connection = {**about, "key": key, "signature_scheme": "hmac-sha256", "kernel_name": ""}
    with zmq.Context() as context, context.socket(zmq.ROUTER) as shell, context.socket(zmq.PUB) as iopub:
        shell.bind(f"ipc://{tmp_path}/k-1")
        iopub.bind(f"ipc://{tmp_path}/k-2")
        yield Kernel(shell, Session(key=key.encode()), connection)


def test_a_reply_that_has_come_is_read_although_something_was_sent_before(kernel: Kernel) -> None:
    """A widget's state goes to the kernel just when the cell's reply has come: the node once waited for ever."""

    async def ask(line: Line) -> dict[str, Any]:
        client = line.client
        client.execute("")
        reply = asyncio.ensure_future(client.shell_channel.get_msg(timeout=None))
        await asyncio.sleep(0)  # it waits from here on
        sender, request = kernel.take()
        kernel.session.send(kernel.shell, "execute_reply", {"status": "ok"}, parent=request, ident=sender)
        arrived, _, _ = select.select([client.shell_channel.socket.FD], [], [], _SECONDS)
        assert arrived, "the loop, which does not go on meanwhile, would be told of it"
        client.shell_channel.send(client.session.msg("comm_msg", {"comm_id": "1", "data": {}}))
        return await asyncio.wait_for(reply, _SECONDS)

    line = Line(kernel.connection)
    try:
        assert asyncio.run(ask(line))["msg_type"] == "execute_reply"
    finally:
        line.close()
