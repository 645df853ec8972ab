"""How the driver reaches kernels: by unix sockets in the run directory, or by TCP where these do not cross.

An engine that runs in a virtual machine shares folders but no sockets. Found out once per engine by a container
that reads from the run directory, and remembered in the user's cache folder.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .caches import recall, remember
from .containers import Engine
from .engine_trouble import BrokenOff, told
from .rundir import INSIDE, RunDir
from .trial import Silent, said

if TYPE_CHECKING:
    from docker import APIClient

PROBE_SECONDS = 10.0

# A FIFO and a unix socket are alike in this: both live in the kernel of the machine, the file is but their name.
# A shell is all that it takes to read one; a node's image need not have more.
_READ = f"read -r word <{INSIDE}/alive; echo read $word"
_WORD = "word"


def transport_of(client: APIClient, engine: Engine, image: str, wanted: str) -> str:
    """`ipc` or `tcp`. `wanted` (ipc, tcp or auto) is overridden by DAGBOOK_TRANSPORT.

    Raises MachineError (E-DOCKER-FAILED) when the engine fails: what it did not answer is nothing to remember.
    """
    wanted = os.environ.get("DAGBOOK_TRANSPORT") or wanted
    if wanted in ("ipc", "tcp"):
        return wanted
    name = f"transport-{engine.id}".replace(":", "").replace("/", "")
    known = recall(name)
    if known not in ("ipc", "tcp"):
        cross = told("run a container that tries out sockets", lambda: sockets_cross(client, engine, image))
        known = "ipc" if cross else "tcp"
        remember(name, known)
    return str(known)


def sockets_cross(client: APIClient, engine: Engine, image: str) -> bool:
    """Whether what this process writes into a mounted folder's FIFO reaches a container; found out by starting one.

    Raises BrokenOff, and what the engine's package raises.
    """
    from docker.types import Mount

    rundir = RunDir.make()
    try:
        rundir.open_lifeline(f"{_WORD}\n".encode())
        mounts = [Mount(INSIDE, str(rundir.path), type="bind")]
        heard = said(client, image, _READ, user=engine.user, label="probe", seconds=PROBE_SECONDS, mounts=mounts)
    except Silent:  # nobody reads what we wrote
        return False
    finally:
        rundir.remove()
    if "read" not in heard:
        raise BrokenOff("it broke off its answer")
    return _WORD in heard.split()
