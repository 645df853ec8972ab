"""A process of this machine that a node runs in: in a namespace, or in a session of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from .command import pieces
from .exits import Ending, Exit, death
from .kept import Kept, hand_over
from .resources import Measured
from .rundir import INSIDE, RunDir

_COMPLAINT = 4096  # bytes that are read of what bwrap says


class Child:
    """A started child process, in a namespace or in a session of its own.

    Of one in a namespace it is not known yet whether that can be made: see `begins`.
    """

    def __init__(
        self,
        argv: list[str],
        variables: dict[str, str],
        folder: Path,
        wrapped: Callable[[int], list[str]] | None,
        rundir: RunDir,
    ) -> None:
        self.exit = Exit()
        self.kept: Kept | None = None
        self._rundir = rundir
        self._folder = folder
        self._init: int | None = None
        self._born = wrapped is None  # whether the node's own has begun, and not only what makes a namespace for it
        status, told = os.pipe() if wrapped else (-1, -1)
        try:
            self.popen = Measured(
                wrapped(told) if wrapped else argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=variables,
                pass_fds=[told] if wrapped else [],
                start_new_session=True,
            )
        finally:
            if wrapped:
                os.close(told)
        followed = self.exit.follow(self._first_process(status) if wrapped else self.popen.pid)
        if not followed:
            threading.Thread(target=self._wait, daemon=True).start()

    def _first_process(self, status: int) -> int:
        """The namespace's first process: when it is gone, so is everything in the namespace."""
        with open(status, encoding="utf-8") as info:
            told = ""
            for line in info:
                told += line
                if line.startswith("}"):  # not to its end: a shell around bwrap has the pipe too
                    break
            try:
                self._init = int(json.loads(told)["child-pid"])
            except (ValueError, KeyError):
                return self.popen.pid  # bwrap ended at once; its exit code tells
        return self._init

    def _wait(self) -> None:
        self.popen.wait()
        self.exit.tell()

    def streams(self) -> dict[str, IO[bytes]]:
        """What it prints, where that does not go to files."""
        found = {"stdout": self.popen.stdout, "stderr": self.popen.stderr}
        return {name: stream for name, stream in found.items() if stream is not None}

    def begins(self) -> bool:
        """Wait until the node's own has begun; False when it ended before that."""
        self._born = self._born or self._rundir.wait_for_birth(self.exit.descriptors())
        return self._born

    def printed(self) -> Iterator[tuple[str, bytes]]:
        """What a command prints, as pairs of a stream's name and bytes; see `ending` for what bwrap says."""
        return pieces(self, self.streams()) if self._born else iter(())

    def kill(self) -> None:
        """See `Started.kill`."""
        if self.kept is not None:
            self.kept.end()
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)

    def ending(self) -> Ending:
        """See `Started.ending`."""
        code = self.popen.wait()
        code = 128 - code if code < 0 else code
        return Ending(code=code, outside="" if self._born else self._unborn(code))

    def _unborn(self, code: int) -> str:
        """Why there was no namespace: nothing of the node's has run."""
        assert self.popen.stderr is not None
        os.set_blocking(self.popen.stderr.fileno(), False)
        said = self.popen.stderr.read(_COMPLAINT) or b""
        lines = said.decode(errors="replace").strip().splitlines()
        return f"its namespace could not be made: {lines[-1] if lines else f'bwrap {death(code)}'}"

    def keep(self) -> Mapping[str, Any] | None:
        """See `Started.keep`."""
        output = "/output" if self._rundir.seen == INSIDE else str(self._folder)
        self.kept = hand_over(self._rundir, self.exit, self._rundir.connection(), output=output)
        return self.kept.as_json() if self.kept else None

    def let_go(self) -> None:
        """Give back what it held here of a process that a keeper has now."""
        threading.Thread(target=self.popen.wait, daemon=True).start()  # it is our child all the same
        self.exit.close()
        for stream in self.streams().values():
            stream.close()

    def close(self) -> None:
        """Wait until it is gone, and give back what it held here."""
        self.popen.wait()
        if self._init is not None:
            self.exit.wait(10)
        self.exit.close()
        for stream in self.streams().values():
            stream.close()
