"""Runs the real command line, each command in a process of its own, which need not import everything anew.

Two thirds of a short command are imports, and the tests run many hundreds. So one process for all tests of a worker
imports (`tests/forking.py`), and forks for each command. A command is started as users start it where there is no
fork, where an interpreter is to start otherwise (a variable PYTHON… or LC_…), where two are run at once, and
everywhere with COLD=1.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

Ended = subprocess.CompletedProcess[str]


def run(words: Sequence[str], folder: Path, env: Mapping[str, str], timeout: float) -> Ended:
    """Run a command of dagbook's in `folder` and wait for it. Raises TimeoutExpired as `subprocess.run` does."""
    if _can_fork(env) and _turn.acquire(blocking=False):
        try:
            return _forked(words, folder, env, timeout)
        finally:
            _turn.release()
    return subprocess.run(
        words,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        env=env,
        check=False,
    )


class _Forking:
    """The process that forks, and the socket by which it is asked."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.env = _for_interpreters(os.environ)
        program = str(Path(__file__).with_name("forking.py"))
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, program, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    def number(self) -> int:
        """The next number that it tells: a pid, or an exit code."""
        told = self.socket.recv(100)
        assert told, "the process that forks for commands has ended"
        return int(told)

    def end(self) -> None:
        """Let it end, which it does when the command that it waits for has ended; both are gone afterwards."""
        self.socket.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


_turn = threading.Lock()
_forking: _Forking | None = None


def _for_interpreters(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(("PYTHON", "LANG", "LC_"))}


def _can_fork(env: Mapping[str, str]) -> bool:
    if sys.platform != "linux" or os.environ.get("COLD"):
        return False
    return _for_interpreters(env) == (_forking.env if _forking else _for_interpreters(os.environ))


def _forked(words: Sequence[str], folder: Path, env: Mapping[str, str], timeout: float) -> Ended:
    global _forking
    if _forking is None:
        _forking = _Forking()
        atexit.register(_stop)
    child = 0
    try:
        with contextlib.ExitStack() as ours:
            readers = []
            with contextlib.ExitStack() as theirs:
                given = [os.open(os.devnull, os.O_RDONLY)]
                theirs.callback(os.close, given[0])
                for _ in ("standard output", "standard error"):
                    read, write = os.pipe()
                    ours.callback(os.close, read)
                    theirs.callback(os.close, write)
                    readers.append(read)
                    given.append(write)
                command = {"words": list(words), "folder": str(folder), "env": dict(env)}
                socket.send_fds(_forking.socket, [json.dumps(command).encode()], given)
            child = _forking.number()
            out, err = _read(readers, words, timeout)
        return subprocess.CompletedProcess(words, _forking.number(), out, err)
    except BaseException:
        if child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, 9)
        _stop()
        raise


def _stop() -> None:
    global _forking
    if _forking is not None:
        _forking.end()
        _forking = None
        atexit.unregister(_stop)


def _read(descriptors: Sequence[int], words: Sequence[str], timeout: float) -> list[str]:
    """All that comes from each until nobody can write there any more, as text."""
    end = time.monotonic() + timeout
    found = dict.fromkeys(descriptors, b"")
    with selectors.DefaultSelector() as waiting:
        for descriptor in descriptors:
            waiting.register(descriptor, selectors.EVENT_READ)
        while waiting.get_map():
            for key, _ in waiting.select(max(end - time.monotonic(), 0)):
                piece = os.read(key.fd, 1 << 16)
                found[key.fd] += piece
                if not piece:
                    waiting.unregister(key.fd)
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(words, timeout)
    return [text.decode().replace("\r\n", "\n").replace("\r", "\n") for text in found.values()]
