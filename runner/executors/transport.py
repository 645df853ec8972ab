"""How the driver reaches kernels: by unix sockets in the run directory, or by TCP where these do not cross.

An engine that runs in a virtual machine shares folders but no sockets. Found out once per engine by a container
that reads from the run directory, and remembered in the user's cache folder.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .caches import recall, remember
from .containers import Engine
from .daemon import LABEL
from .engine_trouble import asked, told
from .pulse import within
from .rundir import INSIDE, RunDir

if TYPE_CHECKING:
    from docker import APIClient

PROBE_SECONDS = 10.0

# A FIFO and a unix socket are alike in this: both live in the kernel of the machine, the file is but their name.
# A shell is all that it takes to read one; a node's image need not have more.
_READ = f"read -r word <{INSIDE}/alive; exit $word"
_WORD = 47


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
    """Whether what this process writes into a mounted folder's FIFO reaches a container; found out by starting one."""
    from docker.types import Mount

    rundir = RunDir.make()
    try:
        rundir.open_lifeline(f"{_WORD}\n".encode())
        mounts = [Mount(INSIDE, str(rundir.path), type="bind")]
        created = client.create_container(
            image,
            entrypoint=["sh", "-c", _READ],
            command=[],
            user=engine.user,
            labels={LABEL: "probe"},
            network_disabled=True,
            host_config=client.create_host_config(mounts=mounts, network_mode="none"),
        )
        try:
            client.start(created["Id"])
            return asked(lambda: _code(client, created["Id"])) == _WORD
        finally:
            within(PROBE_SECONDS, lambda: asked(lambda: client.remove_container(created["Id"], force=True, v=True)))
    finally:
        rundir.remove()


def _code(client: APIClient, container: str) -> int | None:
    """The exit code of a container; None when it did not end in time (nobody reads what we wrote)."""
    from requests.exceptions import ConnectionError, Timeout

    try:
        return int(client.wait(container, timeout=int(PROBE_SECONDS))["StatusCode"])
    except Timeout:
        return None
    except ConnectionError as error:
        if "timed out" in str(error):  # while the answer was read, which had begun
            return None
        raise
