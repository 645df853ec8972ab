"""Waiting to be a run process: the child that `spare` starts. It imports what runs need, then waits for its order.

Nothing of any run is touched before the order comes: no store, no lock, no engine. Who has started it may end, or let
go of it, at any time; then it ends too, as it does when nobody has wanted it for an hour.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from typing import Any

IDLE_SECONDS = 3600.0
NICENESS = 5  # while it imports

# In this order, so that what every run needs comes first: an order may come before all is done.
AHEAD = (
    ".host",
    ".executors.choose",
    ".executors.docker",
    ".executors.images",
    ".executors.transport",
    ".executors.process",
    ".executors.channels",
    ".records.database",
    ".records.schema",
    ".formats.notebook",
    ".formats.notebook_file",
)
AHEAD_ELSEWHERE = (
    "docker.context",
    "docker.utils.socket",
    "nbclient.exceptions",
    "jupyter_client.asynchronous.client",
    "packaging.requirements",
)


def main(parent: int) -> int:
    """Import, wait, and be the run that process `parent` orders."""
    ordered = threading.Event()
    with _silence():
        importer = threading.Thread(target=_import_ahead, args=(ordered,), name="dagbook-imports")
        importer.start()
        if not _order_comes(parent, IDLE_SECONDS):
            os._exit(0)  # wherever the imports are
        ordered.set()
        importer.join()
    from .host import main as be_a_run

    return be_a_run()


def _import_ahead(ordered: threading.Event) -> None:
    if sys.platform == "linux":  # where a priority is a thread's; elsewhere the run itself would keep it
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.nice(0) + NICENESS)
    for step in _steps():
        if ordered.is_set():
            return
        with contextlib.suppress(Exception):  # what is missing or broken is told by the run that needs it
            step()
    gc.collect()
    gc.freeze()  # it stays: the run need not look at it again and again
    sys.stdout.write('{"ready": true}\n')
    sys.stdout.flush()


def _steps() -> Iterator[Any]:
    def load_driver() -> None:
        from .executors.kernel import load_driver

        load_driver()

    yield from (lambda name=name: import_module(name, __package__) for name in AHEAD)
    yield load_driver
    yield from (lambda name=name: import_module(name) for name in AHEAD_ELSEWHERE)


def _parent(pid: int) -> int | None:
    """A descriptor that can be read when the parent is gone; None where there is no such thing.

    A process that the parent has forked may hold our standard input open. Raises ProcessLookupError: gone already.
    """
    try:
        found = os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except (AttributeError, OSError):
        return None
    if os.getppid() != pid:  # it ended before we began, and its number is another's
        os.close(found)
        raise ProcessLookupError
    return found


def _order_comes(parent: int, seconds: float) -> bool:
    """Wait for the order; False when there will be none."""
    try:
        descriptor = _parent(parent)
    except ProcessLookupError:
        return False
    poll = select.poll()
    poll.register(0, select.POLLIN)
    if descriptor is not None:
        poll.register(descriptor, select.POLLIN)
    found = poll.poll(seconds * 1000)
    if descriptor is not None:
        os.close(descriptor)
    return any(one == 0 and event & select.POLLIN for one, event in found)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Nothing that is imported says anything in the notebook."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
