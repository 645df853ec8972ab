"""What `tests/commands.py` starts: it imports what commands import, then forks a process for each command asked for.

The child leaves `serve` with the command and runs it as the program that it is, to the end of its interpreter.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import tempfile
from importlib import import_module
from typing import Any

# Not docker and papermill_engine: where they are loaded already, dagbook takes other ways than a new process does.
NEEDED = (
    "jupyter_client.session",
    "nbclient",
    "networkx",
    "papermill",
    "requests",
    "rich.table",
    "ruamel.yaml",
    "dagbook.runner.cli_again",
    "dagbook.runner.cli_look",
    "dagbook.runner.cli_run",
    "dagbook.runner.executors.process",
    "dagbook.runner.host",
)


def load() -> None:
    """Import what most commands need."""
    from dagbook.runner.formats.nbformat_import import import_nbformat

    import_nbformat()
    for name in NEEDED:
        import_module(name)
    assert len(os.listdir("/proc/self/task")) == 1, "what has threads cannot be forked safely"
    assert tempfile.tempdir is None, "the command's TMPDIR is to count"
    gc.collect()
    gc.freeze()  # so that a child that looks for garbage need not copy every page


def serve(asked: socket.socket) -> dict[str, Any] | None:
    """Fork for each command, tell its pid and its exit code; in the child, the command; None when no more come."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        words, descriptors, _, _ = socket.recv_fds(asked, 1 << 20, 3)
        if not words:
            return None
        child = os.fork()
        if not child:
            asked.close()
            for number, descriptor in enumerate(descriptors):
                os.dup2(descriptor, number)
                os.close(descriptor)
            return dict(json.loads(words))
        for descriptor in descriptors:
            os.close(descriptor)
        asked.send(str(child).encode())
        _, status = os.waitpid(child, 0)
        try:
            asked.send(str(os.waitstatus_to_exitcode(status)).encode())
        except BrokenPipeError:  # nobody waits for it any more
            return None


def become(command: dict[str, Any]) -> None:
    """Make this process what a new one would be for the command."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(command["folder"])
    os.environ.clear()
    os.environ.update(command["env"])
    sys.argv[:] = command["words"]
    sys.path[0] = os.path.dirname(sys.argv[0])
    arm_again()


if __name__ == "__main__":
    sys.path[0] = os.path.dirname(sys.executable)  # not this folder, whose names are not there for a command
    load()
    from dagbook.runner.records.failpoints import arm_again

    wanted = serve(socket.socket(fileno=int(sys.argv[1])))
    if wanted is not None:
        become(wanted)
        from dagbook.runner.cli import main

        sys.exit(main())
