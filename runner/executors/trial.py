"""A container that runs a few lines of shell and is gone: how images and engines are asked what they are like.

It removes itself when it ends, also when nobody is there any more. Nobody has vouched for its image: it may swallow
what it is asked, answer without end, or not at all.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .daemon import LABEL

if TYPE_CHECKING:
    from docker import APIClient
    from docker.types import Mount

MOST_BYTES = 4 * 2**20
MEMORY = 2**30
PIDS = 256
TRIAL_LABEL = "dagbook.trial"
OLD_SECONDS = 600.0  # after which nobody listens to one any more, whatever the engine's clock says


class Endless(Exception):
    """It says too much."""


class Silent(Exception):
    """It takes too long to say it."""


def said(
    client: APIClient, image: str, script: str, *, user: str, label: str, seconds: float, mounts: Sequence[Mount] = ()
) -> str:
    """What the script says in a container of the image, as `user`; what of it was heard where the engine broke it off.

    Raises Endless, Silent, and what the engine's package raises.
    """
    from docker.errors import APIError
    from docker.types import LogConfig
    from requests.exceptions import RequestException

    host = client.create_host_config(
        auto_remove=True,
        network_mode="none",
        mem_limit=MEMORY,
        pids_limit=PIDS,
        read_only=True,
        tmpfs={"/tmp": "rw,exec,nosuid,nodev,mode=1777"},
        cap_drop=["ALL"],  # root without them: it reads no more than a node could
        security_opt=["no-new-privileges"],
        log_config=LogConfig(type="none"),  # what it says goes nowhere but here
        mounts=list(mounts),
    )
    created = client.create_container(
        image,
        entrypoint=["sh", "-c", script],
        command=[],
        user=user,
        labels={LABEL: label, TRIAL_LABEL: ""},
        network_disabled=True,
        host_config=host,
        healthcheck={"test": ["NONE"]},
    )
    try:
        attached = client.attach_socket(created["Id"], params={"stream": 1, "stdout": 1})
        try:
            client.start(created["Id"])
            return _heard(attached, seconds).decode(errors="replace")
        finally:
            attached.close()
    finally:
        with contextlib.suppress(APIError, RequestException):  # gone, or going; it removes itself
            client.remove_container(created["Id"], force=True, v=True)


def old(client: APIClient) -> list[str]:
    """The ids of those that do not end, and whose process was killed while it listened."""
    found = client.containers(all=True, filters={"label": TRIAL_LABEL})
    return [one["Id"] for one in found if time.time() - one["Created"] > OLD_SECONDS]


def _heard(attached: Any, seconds: float) -> bytes:
    from docker.utils.socket import frames_iter

    connection: socket.socket = getattr(attached, "_sock", attached)
    connection.settimeout(None)
    overdue = threading.Event()

    def hang_up() -> None:
        overdue.set()
        connection.shutdown(socket.SHUT_RDWR)

    late = threading.Timer(seconds, hang_up)
    late.daemon = True
    late.start()
    heard = b""
    try:
        for _, data in frames_iter(attached, tty=False):  # type: ignore[no-untyped-call]
            heard += data
            if len(heard) > MOST_BYTES:
                raise Endless
    finally:
        late.cancel()
    if overdue.is_set():
        raise Silent
    return heard
