"""Receivers of notices on loopback: a web hook and a mail server, which keep what they are sent."""

from __future__ import annotations

import email
import email.policy
import json
import queue
import socketserver
import threading
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE = 60.0  # seconds that a test waits for a message before it fails


class Hook:
    """Takes what apprise's json:// posts: `next` waits for a message. While `answers` is clear it does not answer."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.answers.set()
        self.status = 200
        self.paths: list[str] = []
        self._came: queue.Queue[dict[str, Any]] = queue.Queue()
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                ours.paths.append(self.path)
                ours._came.put(sent)
                ours.answers.wait()
                try:
                    self.send_response(ours.status)
                    self.end_headers()
                except OSError:  # who asked has gone
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: a test's output is for its failure."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def url(self, path: str = "/hook", more: str = "") -> str:
        """Its address, as apprise is told it."""
        return f"json://leah:pass-word-1@127.0.0.1:{self._server.server_port}{path}{more}"

    @property
    def shown(self) -> str:
        """As much of its address as may be shown."""
        return f"json://127.0.0.1:{self._server.server_port}"

    def next(self) -> dict[str, Any]:
        """The next message: title, message, type."""
        return self._came.get(timeout=PATIENCE)

    def rest(self) -> list[dict[str, Any]]:
        """The messages that have come and nobody has looked at."""
        return [self._came.get() for _ in range(self._came.qsize())]

    def close(self) -> None:
        """Take it down."""
        self.answers.set()
        self._server.shutdown()
        self._server.server_close()


class MailServer:
    """Takes mail, as far as a sender needs it to: `next` waits for one, with those to whom it was sent."""

    def __init__(self) -> None:
        self._came: queue.Queue[tuple[tuple[str, ...], EmailMessage]] = queue.Queue()
        came = self._came

        class Session(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                recipients: list[str] = []
                self._say("220 here")
                while line := self.rfile.readline():
                    verb, _, rest = line.decode().strip().partition(" ")
                    if verb.upper() == "RCPT":
                        recipients.append(rest[rest.index("<") + 1 : rest.index(">")])
                    if verb.upper() == "DATA":
                        self._say("354 go on")
                        came.put((tuple(recipients), self._message()))
                    if verb.upper() == "QUIT":
                        self._say("221 bye")
                        return
                    self._say("250 fine")

            def _message(self) -> EmailMessage:
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line.removeprefix(b"."))
                found = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
                assert isinstance(found, EmailMessage)
                return found

            def _say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Session)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def url(self, to: str) -> str:
        """The URL that writes to `to` through it."""
        return f"mailto://127.0.0.1:{self._server.server_address[1]}?from=dagbook@example.org&to={to}"

    def next(self) -> tuple[tuple[str, ...], EmailMessage]:
        """The next mail: who got it, and what."""
        return self._came.get(timeout=PATIENCE)

    def close(self) -> None:
        """Take it down."""
        self._server.shutdown()
        self._server.server_close()
