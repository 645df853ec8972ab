"""A machine that lets a process open hardly any files."""

from __future__ import annotations

import subprocess
import sys

HALF_MADE = """
import asyncio, os, resource
from dagbook.runner.open_files import allow_open_files
allow_open_files(152)
free = os.dup(0)
os.close(free)
resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, free + 1))  # one more, and a loop takes three
try:
    asyncio.new_event_loop()
except OSError as error:
    print(error.strerror)
"""


def test_F36_an_event_loop_that_cannot_be_made_is_told_once() -> None:
    """Without us, Python prints a traceback besides: it throws away a loop that is half made."""
    said = subprocess.run([sys.executable, "-c", HALF_MADE], capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout == "Too many open files\n"
    assert said.stderr == ""
