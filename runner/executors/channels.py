"""The channel on which requests go to a kernel and replies come back. Importing it imports jupyter_client."""

from __future__ import annotations

from typing import Any

import zmq
from jupyter_client.channels import AsyncZMQSocketChannel


class ShellChannel(AsyncZMQSocketChannel):
    """A shell channel on which something can be sent while a reply is waited for."""

    def send(self, msg: dict[str, Any]) -> None:
        """Send a message, and see that what has come meanwhile is noticed.

        jupyter_client sends past the asynchronous socket. ZeroMQ signals what comes once only, and takes that signal
        back when something is sent, so a reply that had come and was not read yet would be waited for for ever. An
        Output widget makes nbclient send just then. Asking for the events hands them to whoever waits.
        """
        super().send(msg)
        if self.socket is not None:
            self.socket.get(zmq.EVENTS)
