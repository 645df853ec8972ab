"""Which processes live: the run process that a store names may be gone, and its number taken by another."""

from __future__ import annotations

import getpass
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..formats.own_code import child_environment as child_environment  # for those who know it from here


def user_name() -> str:
    """Who runs this process; the number where it has no name (a container started with any user)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def alive(process: Mapping[str, Any]) -> bool:
    """True when the run process that `RunRow.process` names still lives, as far as this machine can tell."""
    pid = int(process.get("pid") or 0)
    if pid == 0:
        return False  # it waits for a decision, and nobody runs it meanwhile: on any machine
    if process.get("host") != os.uname().nodename:
        return True  # another machine's: not ours to judge
    if process.get("boot", boot()) != boot():
        return False  # the machine has started anew since, and numbers and times with it
    return start_of(pid) == process.get("began")


def boot() -> str | None:
    """What tells this start of the machine from all others; None where that is not known."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


def start_of(pid: int) -> str | None:
    """What tells this process from a later one with the same number: its start time; None when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return _start_without_proc(pid)
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def _start_without_proc(pid: int) -> str | None:
    if Path("/proc/self").exists():
        return None
    import subprocess  # macOS has no /proc

    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    plain = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}  # the time is told the same way from every terminal
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=plain).stdout.strip()
    state, _, began = found.partition(" ")
    return None if not found or state.startswith("Z") else began.strip()


def hear_of_children() -> None:
    """See how processes end that this one starts, also where whoever started this one let that be ignored."""
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:  # it is inherited, by bubblewrap too
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
