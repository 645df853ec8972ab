"""The keeper: a small process that holds a failed node's kernel until somebody ends it; started by `kept.hand_over`.

It imports next to nothing while it waits. The lock of the run directory is among the descriptors that it was given:
as long as it lives, nobody takes the directory or the container for a leftover.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

GONE_SECONDS = 10.0  # from the cut of the lifeline until the node's process is gone


def keep(order: Mapping[str, Any]) -> None:
    """Hold what `order` gives until a signal, the kernel's end or the end of its time; then end everything."""
    told, tell = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: os.write(tell, b"x"))
    waiting = select.poll()
    waiting.register(told, select.POLLIN)
    if order["pidfd"] is not None:
        waiting.register(order["pidfd"], select.POLLIN)
    elif order["container"]:  # its engine runs in a machine of its own
        threading.Thread(target=_wait_for_container, args=(order["container"], tell), daemon=True).start()
    _say_ready()
    waiting.poll(order["seconds"] * 1000)
    _end(order)


def _say_ready() -> None:
    """Answer who started us, and let go of the pipe to it."""
    from .kept import READY

    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (1, 2):
        os.dup2(nothing, number)
    os.close(nothing)


def _end(order: Mapping[str, Any]) -> None:
    for lifeline in order["lifelines"]:
        os.close(lifeline)
    if order["pidfd"] is not None:
        gone = select.poll()
        gone.register(order["pidfd"], select.POLLIN)
        if not gone.poll(GONE_SECONDS * 1000) and not order["container"]:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(order["pidfd"], signal.SIGKILL)
    if order["container"]:
        _remove(order["container"])
    shutil.rmtree(Path(order["rundir"]), ignore_errors=True)


def _remove(container: str) -> None:
    """See the container gone; it removes itself, unless it is paused or its engine is slow."""
    from docker.errors import DockerException

    from ..core.errors import MachineError
    from .daemon import connect

    with contextlib.suppress(DockerException, MachineError, OSError):
        client = connect()
        with contextlib.suppress(DockerException):  # it is gone, or going
            client.remove_container(container, force=True, v=True)
        client.wait(container, condition="removed")


def _wait_for_container(container: str, tell: int) -> None:
    from docker.errors import DockerException

    from ..core.errors import MachineError
    from .daemon import connect

    with contextlib.suppress(DockerException, MachineError, OSError):
        client = connect()
        client.timeout = None  # type: ignore[assignment]
        client.wait(container)
    os.write(tell, b"x")


if __name__ == "__main__":
    keep(json.loads(sys.argv[1]))
