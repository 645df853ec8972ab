"""Asking the Docker engine over its unix socket, without the docker package, which takes longer to import than to ask.

A run in which all is up to date asks what the engine is, which images are there, which containers were left, and
nothing else. `Client` answers that; for anything else it imports the package, and is its client.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from docker import APIClient

USUAL_SOCKET = "/var/run/docker.sock"


class Refused(OSError):
    """The engine did not answer with what was asked for."""


class Client:
    """A client of the engine at a unix socket; `whole` makes the docker package's, when it is needed.

    Raises OSError when no engine answers in `seconds`.
    """

    base_url = "http+docker://localhost"  # as the package calls a unix socket

    def __init__(self, path: str, whole: Callable[[], APIClient], seconds: float) -> None:
        self._path = path
        self._make = whole
        self._lock = threading.Lock()
        self._whole: APIClient | None = None
        self._info = self._ask("/info", seconds)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._package(), name)

    def _package(self) -> APIClient:
        with self._lock:
            if self._whole is None:
                self._whole = self._make()
            return self._whole

    @property
    def timeout(self) -> float | None:
        """Seconds that a call may take."""
        return self._package().timeout

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._package().timeout = seconds  # type: ignore[assignment]

    def info(self) -> dict[str, Any]:
        """What the engine is, as it said in the beginning."""
        return dict(self._info)

    def inspect_image(self, image: str) -> dict[str, Any]:
        """See `APIClient.inspect_image`; raises what that raises."""
        try:
            return dict(self._ask(f"/images/{quote(image, safe='/:@')}/json"))
        except (OSError, ValueError):
            return dict(self._package().inspect_image(image))  # type: ignore[no-untyped-call]

    def image_id(self, image: str, seconds: float = 5.0) -> str | None:
        """The id of an image that is on the engine; None where it is not. Raises OSError when nothing is answered."""
        try:
            return str(self._ask(f"/images/{quote(image, safe='/:@')}/json", seconds)["Id"])
        except Refused:
            return None

    def containers(self, all: bool = False, filters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """See `APIClient.containers`."""
        asked = urlencode({"all": int(all), "filters": json.dumps(_listed(filters or {}))})
        try:
            return list(self._ask(f"/containers/json?{asked}"))
        except (OSError, ValueError):
            return list(self._package().containers(all=all, filters=filters))

    def events(self, since: int, filters: Mapping[str, Any], decode: bool = True) -> Stream:
        """See `APIClient.events`; always decoded. Raises OSError."""
        asked = urlencode({"since": since, "filters": json.dumps(_listed(filters))})
        return Stream(*self._send(f"/events?{asked}", None))

    def close(self) -> None:
        """Give back what it holds."""
        with self._lock:
            if self._whole is not None:
                self._whole.close()

    def _ask(self, path: str, seconds: float = 60.0) -> Any:
        connection, answer = self._send(path, seconds)
        with connection, answer:
            return json.load(answer)

    def _send(self, path: str, seconds: float | None) -> tuple[socket.socket, Any]:
        """Ask with HTTP/1.0: the answer is not cut into chunks, and ends with the connection."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(seconds)
            connection.connect(self._path)
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode("ascii"))
            answer = connection.makefile("rb")
            if answer.readline().split(b" ")[1:2] != [b"200"]:
                raise Refused(f"the engine does not answer {path}")
            while answer.readline() not in (b"\r\n", b"\n", b""):
                pass
            return connection, answer
        except BaseException:
            connection.close()
            raise


class Stream:
    """What the engine tells from now on, one object after the other, until `close`."""

    def __init__(self, connection: socket.socket, answer: Any) -> None:
        self._connection = connection
        self._answer = answer

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with self._connection, self._answer:
            for line in self._answer:
                yield json.loads(line)

    def close(self) -> None:
        """End it, from any thread."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)


def _listed(filters: Mapping[str, Any]) -> dict[str, list[str]]:
    return {
        name: [str(one) for one in (value if isinstance(value, list) else [value])] for name, value in filters.items()
    }


def usual_socket() -> str | None:
    """The socket of the engine that `docker` talks to where nobody has chosen another; None where somebody has."""
    if any(os.environ.get(name) for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")):
        return None
    settings = os.path.join(os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker"), "config.json")
    try:
        with open(settings, encoding="utf-8") as file:
            if json.load(file).get("currentContext", "default") != "default":
                return None
    except FileNotFoundError:
        pass
    except (OSError, ValueError, AttributeError):
        return None
    return socket_in_use()


def socket_in_use() -> str:
    """The usual socket, or a rootless engine's where only that is there."""
    rootless = f"{os.environ.get('XDG_RUNTIME_DIR', '/nowhere')}/docker.sock"
    return rootless if not os.path.exists(USUAL_SOCKET) and os.path.exists(rootless) else USUAL_SOCKET
