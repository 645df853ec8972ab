"""The bell of a run: a socket by which its process tells readers that there is news, and they it.

The run process writes a byte to every connected reader after it recorded something; a reader writes a byte after it
left a command. A reader whose connection ends knows at once that the run process is gone. Nobody sends content:
what is new stands in the store, so a lost byte costs at most the fallback of one second.
"""

from __future__ import annotations

import asyncio
import contextlib
import glob
import os
import select
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

FALLBACK_SECONDS = 1.0
_PREFIX = "dagbook-"  # of the folders of sockets, before the run's id
_NAME = "bell"  # of a socket in it


class Bell:
    """The side of the process that runs `run`. `rung` is called, in the event loop, when somebody rings."""

    def __init__(self, run: str, rung: Callable[[], None]) -> None:
        self._run = run
        self._rung = rung
        self._readers: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None
        self._folder: Path | None = None
        self.path: Path | None = None  # of the socket, while it hangs

    async def hang(self) -> None:
        """Begin to listen. Where no socket can be made there is no bell, and everybody asks once a second."""
        self._folder = _short_folder(f"{_PREFIX}{self._run}-")
        path = self._folder / _NAME
        try:
            self._server = await asyncio.start_unix_server(self._connected, path=str(path))
        except OSError:
            return
        self.path = path

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: asyncio's complains when it is cancelled at the end.
        task = asyncio.get_running_loop().create_task(self._listen(reader))
        self._readers[task] = writer
        task.add_done_callback(self._gone)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while await reader.read(64):
                self._rung()

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._readers.pop(task).close()
        if not task.cancelled():
            task.exception()  # the store's troubles are told by who runs the run

    def ring(self) -> None:
        """Tell every reader that there is news. A reader that does not listen is not waited for."""
        for writer in self._readers.values():
            if writer.transport.get_write_buffer_size() == 0:
                writer.write(b"!")

    async def take_down(self) -> None:
        """Stop listening; readers see the end of their connection."""
        if self._server is not None:
            self._server.close()
        listening = list(self._readers)
        for writer in self._readers.values():
            writer.transport.abort()  # close() would wait for a reader that has been stopped and reads no more
        await asyncio.gather(*listening, return_exceptions=True)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _short_folder(prefix: str) -> Path:
    """A new folder with a short path: a socket's name may have 107 bytes at most."""
    try:
        return Path(tempfile.mkdtemp(prefix=prefix, dir=os.environ.get("XDG_RUNTIME_DIR") or None))
    except OSError:  # the variable is inherited from another user, or leads nowhere
        return Path(tempfile.mkdtemp(prefix=prefix))


def bells_of(run: str) -> list[Path]:
    """The folders that processes of this run have made, also of one that was killed before it said where."""
    return _folders(glob.escape(run))


def bells() -> dict[str, list[Path]]:
    """All such folders, by the run in their names."""
    found: dict[str, list[Path]] = {}
    for folder in _folders("*"):
        found.setdefault(folder.name.removeprefix(_PREFIX).rpartition("-")[0], []).append(folder)
    return found


def _folders(run: str) -> list[Path]:
    parents = {os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir(), tempfile.gettempdir()}
    return [folder for parent in parents for folder in Path(parent).glob(f"{_PREFIX}{run}-*")]


def take_down(run: str, folder: Path) -> None:
    """Remove the folder of a dead process of this run, and the socket in it.

    Nothing else: the path may be from a database that somebody else has written.
    """
    if not folder.name.startswith(f"{_PREFIX}{run}-"):
        return
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode):
                os.unlink(entry.path)
        os.rmdir(folder)


def _is_bell(path: Path) -> bool:
    """Whether this is a socket that a run process of this user made.

    The path may be from a database that somebody else has written, and lead to any program of this machine.
    """
    try:
        folder, place = path.parent.lstat(), path.lstat()
    except OSError:
        return False
    made_by_us = path.name == _NAME and path.parent.name.startswith(_PREFIX) and stat.S_ISDIR(folder.st_mode)
    return made_by_us and stat.S_ISSOCK(place.st_mode) and folder.st_uid == place.st_uid == os.getuid()


class Listening:
    """A reader's side: waits for news of a run, whose socket is at `path` (None: it has none any more)."""

    def __init__(self, path: str | None) -> None:
        self._socket: socket.socket | None = None
        if path and _is_bell(Path(path)):
            connection = socket.socket(socket.AF_UNIX)
            connection.setblocking(False)  # also to connect: a process that was stopped takes nobody in
            try:
                connection.connect(path)
                self._socket = connection
            except OSError:
                connection.close()

    @property
    def connected(self) -> bool:
        """False when the run process is gone or could not be reached."""
        return self._socket is not None

    def wait(self, seconds: float = FALLBACK_SECONDS, waker: socket.socket | None = None) -> None:
        """Return when there is news, when the connection ends, when `waker` can be read, or after `seconds`.

        Whom `waker` wakes has heard that the run is over in this very process: the connection ends with it, since a
        bell that is taken down while somebody reaches for it closes nothing.
        """
        waiting = select.poll()  # select() takes no descriptor above 1023
        if waker:
            waiting.register(waker, select.POLLIN)
        if self._socket:
            waiting.register(self._socket, select.POLLIN)
        ready = [descriptor for descriptor, _ in waiting.poll(seconds * 1000)]
        if waker and waker.fileno() in ready:
            self.close()
        elif ready:
            self._hear()

    def _hear(self) -> None:
        """Take what was sent; the connection is closed when the other side has ended it."""
        if self._socket is None:
            return
        try:
            gone = not self._socket.recv(4096)
        except BlockingIOError:
            gone = False
        except OSError:
            gone = True
        if gone:
            self.close()

    def ring(self) -> None:
        """Tell the run process that a command was left."""
        if self._socket:
            with contextlib.suppress(OSError):
                self._socket.send(b"!")

    def close(self) -> None:
        """End the connection."""
        if self._socket:
            self._socket.close()
            self._socket = None


def wait_for_any(ears: Iterable[Listening], seconds: float = FALLBACK_SECONDS) -> None:
    """Return when there is news of one of several runs, when a connection ends, or after `seconds`."""
    waiting, by_descriptor = select.poll(), {}
    for one in ears:
        if one._socket:
            waiting.register(one._socket, select.POLLIN)
            by_descriptor[one._socket.fileno()] = one
    for descriptor, _ in waiting.poll(seconds * 1000):
        by_descriptor[descriptor]._hear()


def ring(path: str | None) -> None:
    """Ring once, for somebody who does not stay to listen."""
    listening = Listening(path)
    listening.ring()
    listening.close()
