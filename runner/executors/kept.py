"""A failed node's kernel that stays: handing it over to a keeper, and what is known of it from outside.

The process of a run must be able to end while the kernel stays. So a process of its own, the keeper (`keeper.py`),
takes over what holds the node: the lifeline and the run directory with its lock. It ends everything when it is told
to, when the kernel ends, or after a time; when it is killed, the lifeline is cut and the node ends by itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..records.processes import alive, boot, child_environment, start_of
from .exits import Exit
from .rundir import RunDir

LIMIT_SECONDS = 4 * 3600.0  # for which a failed node's kernel stays when nobody ends it
END_SECONDS = 30.0  # in which a keeper ends what it keeps
READY = "kept"  # what the keeper says once everything is in its hands


@dataclass(frozen=True, slots=True)
class Kept:
    """A kernel that stays after its node failed.

    `keeper` names the process that holds it (host, pid, began); `container` is its container's id, empty for a
    process; `rundir` its run directory, with the connection file; `output` its working directory as the node sees it;
    `until` when it ends by itself, in seconds since the epoch.
    """

    keeper: Mapping[str, Any]
    container: str
    rundir: str
    transport: str
    output: str
    until: float

    @classmethod
    def of(cls, detail: Mapping[str, Any]) -> Kept:
        """The inverse of `as_json`."""
        return cls(**{name: detail[name] for name in cls.__slots__})

    def as_json(self) -> dict[str, Any]:
        """Plain data for the store."""
        return asdict(self)

    @property
    def connection(self) -> Path:
        """The kernel's connection file, with the addresses that this machine reaches."""
        return Path(self.rundir) / "attach.json"

    @property
    def here(self) -> bool:
        """Whether it is on this machine."""
        return bool(self.keeper["host"] == os.uname().nodename)

    @property
    def lives(self) -> bool:
        """Whether it is still kept, as far as this machine can tell."""
        return alive(self.keeper)

    def follow(self) -> Exit:
        """An event for its end; close it after use. It tells at once when it is gone already."""
        exit = Exit()
        if not exit.follow(int(self.keeper["pid"]), lambda: self.lives) and not self.lives:
            exit.tell()
        return exit

    def end(self, seconds: float = END_SECONDS) -> bool:
        """End kernel, container and run directory; True when all are gone, which may take up to `seconds`.

        Raises PermissionError for another user's.
        """
        exit = self.follow()
        try:
            if self.lives:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(self.keeper["pid"]), signal.SIGTERM)
            return exit.wait(seconds)
        finally:
            exit.close()


def hand_over(
    rundir: RunDir,
    exit: Exit,
    connection: Mapping[str, Any],
    *,
    container: str = "",
    lifeline: int | None = None,
    output: str = "/output",
    limit: float = LIMIT_SECONDS,
) -> Kept | None:
    """Start a keeper that holds the node of `rundir` from now on; None when that failed and nothing has changed.

    `exit` follows the node's process, `connection` is the connection info of its kernel for this machine, and
    `lifeline` a further descriptor that holds the node (the socket to its standard input).
    """
    try:
        rundir.write("attach.json", "")
        os.chmod(rundir.path / "attach.json", 0o600)
        rundir.write("attach.json", json.dumps(connection))
        keeper = _start(rundir, exit, container, lifeline, limit)
    except (OSError, ValueError):  # the node ended at this moment, or no process can be started
        return None
    if keeper is None:
        return None
    rundir.leave()
    process = {"host": os.uname().nodename, "pid": keeper, "began": start_of(keeper), "boot": boot()}
    return Kept(process, container, str(rundir.path), rundir.transport, output, round(time.time() + limit))


def _start(rundir: RunDir, exit: Exit, container: str, lifeline: int | None, limit: float) -> int | None:
    """The id of a new keeper that has everything in its hands."""
    cord, lock = rundir.held()
    lifelines = [one for one in (cord, lifeline) if one is not None]
    order = {"rundir": str(rundir.path), "container": container, "lifelines": lifelines, "pidfd": exit.pidfd}
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", f"{__package__}.keeper", json.dumps({**order, "seconds": limit})],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd="/",
        env=child_environment(),
        pass_fds=[one for one in (*lifelines, lock, exit.pidfd) if one is not None],
        start_new_session=True,
    )
    assert child.stdout is not None
    with child.stdout:
        ready = child.stdout.readline().strip() == READY
    # It is our child as long as we live, and is to leave no zombie.
    threading.Thread(target=child.wait, name=f"dagbook-keeper-{child.pid}", daemon=True).start()
    return child.pid if ready else None
