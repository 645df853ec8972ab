"""How the driver reaches kernels: by unix sockets in the run directory, or by TCP where these do not cross.

An engine that runs in a virtual machine shares folders but no sockets. Found out once per engine by a container
that listens on a socket, and remembered in the user's cache folder.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

from .caches import recall, remember
from .containers import Engine
from .rundir import INSIDE, RunDir

if TYPE_CHECKING:
    from docker import APIClient

PROBE_SECONDS = 20.0

_LISTEN = f"""
import socket
listener = socket.socket(socket.AF_UNIX)
listener.bind("{INSIDE}/k-1")
listener.listen()
listener.settimeout({PROBE_SECONDS})
listener.accept()[0].sendall(b"dagbook")
"""


def transport_of(client: APIClient, engine: Engine, image: str, asked: str) -> str:
    """`ipc` or `tcp`. `asked` (ipc, tcp or auto) is overridden by DAGBOOK_TRANSPORT."""
    asked = os.environ.get("DAGBOOK_TRANSPORT") or asked
    if asked in ("ipc", "tcp"):
        return asked
    name = f"transport-{engine.id}".replace(":", "").replace("/", "")
    known = recall(name)
    if known not in ("ipc", "tcp"):
        known = "ipc" if _sockets_cross(client, engine, image) else "tcp"
        remember(name, known)
    return str(known)


def _sockets_cross(client: APIClient, engine: Engine, image: str) -> bool:
    from docker.types import Mount

    rundir = RunDir.make()
    host = client.create_host_config(
        mounts=[Mount(INSIDE, str(rundir.path), type="bind")], network_mode="none", auto_remove=True
    )
    try:
        command = ["python3", "-c", _LISTEN]
        created = client.create_container(
            image, command=command, entrypoint=[], user=engine.user, network_disabled=True, host_config=host
        )
        try:
            client.start(created["Id"])
            return _answers(rundir, client, created["Id"])
        finally:
            with contextlib.suppress(Exception):
                client.remove_container(created["Id"], force=True)
    finally:
        rundir.remove()


def _answers(rundir: RunDir, client: APIClient, container: str) -> bool:
    import time

    from docker.errors import APIError

    end = time.monotonic() + PROBE_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(PROBE_SECONDS)
            caller.connect(str(rundir.path / "k-1"))
            return caller.recv(16) == b"dagbook"
        if (rundir.path / "k-1").exists():
            time.sleep(0.05)
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as caller:
                caller.connect(str(rundir.path / "k-1"))
                return caller.recv(16) == b"dagbook"
            return False
        try:
            client.inspect_container(container)
        except APIError:
            return False
        time.sleep(0.02)
    return False
