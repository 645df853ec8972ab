"""A real HTTP server on loopback whose answers a test writes itself, byte by byte where it must."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """Answers each path by its handler, and counts what was asked for and who connected."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.released = threading.Event()  # lets go of handlers that hold an answer back
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def setup(self) -> None:
                ours.connections += 1
                super().setup()

            def do_GET(self) -> None:
                ours.asked.append(self.path)
                ours.headers.append({name.lower(): value for name, value in self.headers.items()})
                try:
                    ours.answers[self.path](self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: a test's output is for its failure."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def host(self) -> str:
        """HOST:PORT, as the allowed hosts are written."""
        return f"127.0.0.1:{self._server.server_port}"

    def url(self, path: str) -> str:
        """The whole URL of a path."""
        return f"http://{self.host}{path}"

    def give(self, path: str, body: bytes, status: int = 200, length: int | None = None, **headers: str) -> None:
        """Answer `path` with this; `length` is what is announced, when it is not the truth."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(body) if length is None else length))
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(body)

        self.answers[path] = answer

    def hold(self, _: BaseHTTPRequestHandler) -> None:
        """Answer nothing, until the test is over."""
        self.released.wait(60)

    def stop(self) -> None:
        """Be gone: nobody answers at the port any more."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
