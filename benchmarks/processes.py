"""Running a command to its end: timed, bounded, and with nothing of it left afterwards."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARK = "BENCH_MARK"  # a variable that all processes of one command inherit, wherever they move to
LABEL = "bench.mark"  # the same for containers; not "dagbook...": the product's clean-up looks for those
GRACE_SECONDS = 10.0

STDOUT, STDERR = "stdout.txt", "stderr.txt"


class Failed(Exception):
    """A command did not do what it was to do; says why in one line."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended well; what it printed is in two files of its folder."""

    seconds: float
    folder: Path

    @property
    def stdout(self) -> str:
        """What it printed on standard output."""
        return (self.folder / STDOUT).read_text(encoding="utf-8", errors="replace")

    @property
    def printed(self) -> str:
        """All that it printed."""
        return self.stdout + (self.folder / STDERR).read_text(encoding="utf-8", errors="replace")


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str], limit: float) -> Finished:
    """Run `command` in `folder` and wait for it. Raises Failed for another exit code than 0, or after `limit` seconds.

    Whatever happens, Ctrl-C included, none of its processes and containers is left.
    """
    mark = secrets.token_hex(8)
    marked = {**environment, MARK: mark}
    with open(folder / STDOUT, "wb") as out, open(folder / STDERR, "wb") as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=marked,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,  # so that Ctrl-C reaches us alone, and we end it in order
        )
        try:
            code = process.wait(limit)
            seconds = time.perf_counter() - began
        except subprocess.TimeoutExpired:
            raise Failed(f"not done after {limit:g} s") from None
        finally:
            _end(process)
            end_marked(mark)
    finished = Finished(seconds, folder)
    if code:
        raise Failed(f"exit code {code}: {last_line(finished.printed)}")
    return finished


def keep_printed(folder: Path, file: Path) -> Path:
    """Copy what a command printed in `folder` to `file`, for people to read."""
    file.parent.mkdir(exist_ok=True)
    with open(file, "wb") as kept:
        for name in (STDOUT, STDERR):
            if (folder / name).is_file():
                kept.write((folder / name).read_bytes())
    return file


def last_line(text: str) -> str:
    """The last line that says something, cut to what fits a table."""
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it printed nothing"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt it as Ctrl-C would, then kill it; nothing when it has ended."""
    for number in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)


def end_marked(mark: str) -> None:
    """Kill every process and remove every container with this mark."""
    for pid in _marked(mark):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        listing = ["docker", "ps", "-aq", "--filter", f"label={LABEL}={mark}"]
        found = subprocess.run(listing, capture_output=True, text=True, timeout=30, check=True).stdout.split()
        if found:
            subprocess.run(["docker", "rm", "-f", *found], capture_output=True, timeout=60, check=True)


def _marked(mark: str) -> Iterator[int]:
    wanted = f"{MARK}={mark}".encode()
    for place in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if wanted in place.read_bytes().split(b"\0"):
                yield int(place.parent.name)
