"""A broken engine in front of the machine's: it answers some requests wrongly or not at all, and passes on the rest."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

MACHINE = "/var/run/docker.sock"
EVER = 10**6
_PIECE = 65_536


@dataclass
class Fault:
    """What happens to a request whose `METHOD /path` matches, `times` times, after the first `after` ones.

    `answer` is a status, or None: the connection is cut when the engine's answer has come to `bytes` (0: none of it).
    """

    request: str
    answer: int | None = None
    times: int = 1
    bytes: int = 0
    after: int = 0
    seen: int = field(default=0, init=False)

    def is_meant(self, request: str) -> bool:
        """Whether it happens to this request, which is counted."""
        if not re.search(self.request, request):
            return False
        self.seen += 1
        return self.after < self.seen <= self.after + self.times


class BrokenEngine:
    """Listens at `host`; `requests` are all that came. Give `faults` before the run begins."""

    def __init__(self, folder: Path) -> None:
        self.host = f"unix://{folder}/docker.sock"
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self._lock = threading.Lock()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(f"{folder}/docker.sock")
        self._listening.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            head, rest = _head_of(client)
            if not head:
                return
            request = head.split(b" HTTP/")[0].decode()
            with self._lock:
                self.requests.append(request)
                fault = next([one for one in self.faults if one.is_meant(request)].__iter__(), None)
            if fault and fault.answer:
                client.sendall(_refusal(fault.answer))
                client.shutdown(socket.SHUT_WR)
                while client.recv(_PIECE):
                    pass
            elif not fault or fault.bytes:
                _pass_on(client, _to_close(head) + rest, fault.bytes if fault else None)


def _head_of(client: socket.socket) -> tuple[bytes, bytes]:
    """The head of a request, and what came with it of its body."""
    read = b""
    while b"\r\n\r\n" not in read:
        piece = client.recv(_PIECE)
        if not piece:
            return b"", b""
        read += piece
    head, _, rest = read.partition(b"\r\n\r\n")
    return head, rest


def _to_close(head: bytes) -> bytes:
    """The head so that one connection is one request, as long as it is not to become a stream of both sides."""
    lines = head.split(b"\r\n")
    if not any(line.lower().startswith(b"upgrade:") for line in lines):
        lines = [line for line in lines if not line.lower().startswith(b"connection:")] + [b"Connection: close"]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _refusal(status: int) -> bytes:
    body = b'{"message": "broken on purpose"}'
    words = f"HTTP/1.1 {status} Broken\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{words}Connection: close\r\n\r\n".encode() + body


def _pass_on(client: socket.socket, sent: bytes, most: int | None) -> None:
    """Both ways until the engine has said all, or `most` bytes of it."""
    with socket.socket(socket.AF_UNIX) as engine:
        engine.connect(MACHINE)
        engine.sendall(sent)
        threading.Thread(target=_forward, args=(client, engine), daemon=True).start()
        told = 0
        while piece := engine.recv(_PIECE):
            client.sendall(piece if most is None else piece[: most - told])
            told += len(piece)
            if most is not None and told >= most:
                break
        for side in (client, engine):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)


def _forward(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def broken_engine(*faults: Fault) -> Iterator[BrokenEngine]:
    """One that listens, with these faults."""
    folder = Path(tempfile.mkdtemp(prefix="broken"))
    made = BrokenEngine(folder)
    made.faults += faults
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)
