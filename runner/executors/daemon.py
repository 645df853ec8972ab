"""The Docker engine, as the executor uses it: one client, and one stream of its events for all containers of a run.

Containers remove themselves (AutoRemove), so that a killed run leaves none behind; how each one ended is learnt
from the engine's events, which come before the removal: exit code, lack of memory, and whether somebody outside
killed it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from ..core.errors import MachineError, problem
from .asking import Client, socket_in_use, usual_socket
from .exits import Ending, Exit
from .pulse import SILENT_SECONDS, Pulse

if TYPE_CHECKING:
    from docker import APIClient

ANSWER_SECONDS = 5.0  # in which an engine must answer the first question
CALL_SECONDS = 60.0  # for any later call
PATIENCE = 4  # how often events are asked for that break off at once, before containers are asked for instead
QUICK_SECONDS = 2.0
FACTS_SECONDS = 5.0  # in which the engine tells how a container ended

_STOPPED = (128 + 3, 128 + 9, 128 + 15)  # exit codes of what an engine stopped: by SIGQUIT, SIGKILL, SIGTERM

LABEL = "dagbook"
RUN_LABEL = "dagbook.run"


def connect() -> APIClient:
    """A client of the engine that `docker` would talk to. Raises MachineError (E-DOCKER-DOWN)."""
    if "docker" not in sys.modules and (path := usual_socket()):
        with contextlib.suppress(OSError, ValueError):  # the package tells why
            return cast("APIClient", Client(path, _connect, ANSWER_SECONDS))
    return _connect()


def _connect() -> APIClient:
    import docker
    from docker.errors import DockerException

    where = address()
    try:
        client = docker.APIClient(**_settings(where), timeout=int(ANSWER_SECONDS), version="auto", num_pools=64)
        client.timeout = CALL_SECONDS  # type: ignore[assignment]
    except (DockerException, OSError) as error:
        raise MachineError(
            problem("E-DOCKER-DOWN", where=where, why=_why(error), hint=_hint(where, _why(error)))
        ) from None
    return client


def answers(seconds: float) -> bool:
    """Whether the engine answers in so many seconds."""
    import docker

    try:
        docker.APIClient(**_settings(address()), timeout=max(1, round(seconds)), version="auto").close()
    except Exception:  # refused, timed out, or broken off: of whichever package the error is
        return False
    return True


def address() -> str:
    """Where the engine is that `docker` would talk to: a URL such as unix:///var/run/docker.sock."""
    from docker.context import ContextAPI

    if host := os.environ.get("DOCKER_HOST"):
        return host
    with contextlib.suppress(Exception):  # an unreadable context is the docker command's business
        context = ContextAPI.get_current_context()
        if context is not None and context.name != "default" and context.Host:
            return str(context.Host)
    return f"unix://{socket_in_use()}"


def _settings(where: str) -> dict[str, Any]:
    from docker.utils import kwargs_from_env

    settings: dict[str, Any] = dict(kwargs_from_env())
    return {**settings, "base_url": settings.get("base_url", where) if os.environ.get("DOCKER_HOST") else where}


_SILENT = "it did not answer in time"


def _why(error: BaseException) -> str:
    text = str(error)
    for sign, words in (
        ("FileNotFoundError", "there is no such socket"),
        ("ConnectionRefused", "nothing listens there"),
        ("PermissionError", "this user may not use it"),
        ("timed out", _SILENT),
        ("Connection aborted", "it broke off its answer"),
    ):
        if sign in text:
            return words
    return text[:200]


def _hint(where: str, why: str) -> str:
    path = where.removeprefix("unix://")
    if where.startswith("unix://") and os.path.exists(path) and not os.access(path, os.R_OK | os.W_OK):
        return "Add yourself to the socket's group (often: docker) and log in anew, or use a rootless engine."
    if why == _SILENT:
        restart = "It hangs: restart Docker (sudo systemctl restart docker, or Docker Desktop)"
        return f"{restart}. Without it: --executor process."
    start = "Start Docker (sudo systemctl start docker, or Docker Desktop)"
    return f"{start}, or install it (docs.docker.com/engine/install). Without it: --executor process."


@dataclass
class Watched:
    """What the engine's events told about one container."""

    exit: Exit
    code: int | None = None
    out_of_memory: bool = False
    outside: str = ""
    engine_away: bool = False  # while it ran
    expected: bool = False  # we asked for its end ourselves
    untold_since: float | None = None  # from when on the engine answers no question about it
    let_go: Callable[[], None] = lambda: None  # ends the wait for what it prints, where no engine will
    ended: threading.Event = field(default_factory=threading.Event)
    removed: threading.Event = field(default_factory=threading.Event)


class Events:
    """Follows the engine's events about our containers, in a thread of its own."""

    def __init__(self, client: APIClient) -> None:
        self._client = client
        self._filters = {"type": "container", "label": LABEL}
        self._watched: dict[str, Watched] = {}
        self._since = time.time() - 60  # the engine's clock may be another one
        self._closed = threading.Event()
        self._stream: Any = None
        self._thread = threading.Thread(target=self._follow, name="dagbook-docker-events", daemon=True)
        self._thread.start()
        self.given_up = False  # the engine is silent
        self._pulse = Pulse(answers, self._is_needed, self._give_up)

    def watch(self, container: str, exit: Exit, let_go: Callable[[], None]) -> Watched:
        """Follow a container; called after it was created and before it is started."""
        watched = self._watched[container] = Watched(exit, let_go=let_go)
        return watched

    def _is_needed(self) -> bool:
        return any(not watched.ended.is_set() for watched in list(self._watched.values()))

    def _give_up(self) -> None:
        """Let the attempts end whose engine is silent: nobody will say how their containers end."""
        self.given_up = True
        for watched in list(self._watched.values()):
            if not watched.ended.is_set():
                _lose(watched, f"the Docker engine has not answered for {SILENT_SECONDS:g} s")

    def forget(self, container: str) -> None:
        """Follow it no longer."""
        self._watched.pop(container, None)

    def close(self) -> None:
        """Stop following."""
        self._closed.set()
        self._pulse.close()
        if self._stream is not None:
            with contextlib.suppress(Exception):
                self._stream.close()
        self._thread.join(2)

    def _follow(self) -> None:
        broken_off = 0  # how often one after the other, without a word
        while not self._closed.is_set():
            began = time.monotonic()
            try:
                self._stream = self._client.events(since=int(self._since), filters=self._filters, decode=True)
                for event in self._stream:
                    if "id" not in event:  # what it says instead of events
                        continue
                    self._since = event.get("time", self._since)
                    self._take(event)
                    broken_off = 0
            except Exception:  # the engine went away, or close() closed the stream under us
                if self._closed.is_set():
                    return
            for watched in list(self._watched.values()):
                watched.engine_away = watched.engine_away or not watched.ended.is_set()
            broken_off = broken_off + 1 if time.monotonic() - began < QUICK_SECONDS else 0
            if broken_off >= PATIENCE:
                self._look_after()
            # An engine that restarts: ask again; what it can still tell since then comes too.
            self._closed.wait(0.5)

    def _look_after(self) -> None:
        """Events do not come, so ask for each container: of one that is gone nobody knows how it ended.

        An engine that answers nothing at all is the pulse's business; one that answers, but not this, is given as long.
        """
        from docker.errors import NotFound

        for container, watched in list(self._watched.items()):
            if watched.ended.is_set():
                continue
            try:
                state = self._client.inspect_container(container)["State"]
            except NotFound:
                watched.outside = "the Docker engine broke off its events, and did not tell how the container ended"
                watched.removed.set()
            except Exception:
                watched.untold_since = watched.untold_since or time.monotonic()
                if time.monotonic() - watched.untold_since >= SILENT_SECONDS:
                    _lose(watched, f"the Docker engine has told nothing of the container for {SILENT_SECONDS:g} s")
                continue
            else:
                watched.untold_since = None
                if state.get("Status") not in ("exited", "dead"):
                    continue
                watched.code = int(state["ExitCode"])
                watched.out_of_memory = bool(state.get("OOMKilled"))
            watched.ended.set()
            watched.exit.tell()

    def _take(self, event: dict[str, Any]) -> None:
        watched = self._watched.get(event.get("id", ""))
        if watched is None:
            return
        action = event.get("Action", "")
        attributes = event.get("Actor", {}).get("Attributes", {})
        if action == "oom":
            watched.out_of_memory = True
        elif action in ("kill", "stop") and not watched.expected and _deadly(attributes):
            watched.outside = "the container was stopped from outside"
        elif action == "die":
            watched.code = int(attributes.get("exitCode", -1))
            watched.ended.set()
            watched.exit.tell()
        elif action == "destroy":
            watched.removed.set()
            watched.ended.set()
            watched.exit.tell()


def _lose(watched: Watched, why: str) -> None:
    """Let the attempt end: nobody will say how its container does."""
    watched.outside = why
    watched.ended.set()
    watched.exit.tell()
    watched.let_go()


def _deadly(attributes: dict[str, str]) -> bool:
    return attributes.get("signal", "9") in ("9", "15", "3", "KILL", "TERM", "SIGKILL", "SIGTERM")


def ending_of(watched: Watched) -> Ending:
    """How a container ended that is gone; waits a moment for the engine to say it."""
    if not watched.ended.wait(FACTS_SECONDS):
        return Ending(outside="the Docker engine no longer knows the container")
    if watched.code == 137 and not (watched.expected or watched.outside or watched.out_of_memory):
        watched.removed.wait(0.5)  # what killed it is told beside the end, and may come after it
    outside = watched.outside
    if watched.code in _STOPPED and watched.engine_away and not watched.out_of_memory:
        outside = outside or "the Docker engine was restarted, and ended the container"
    if watched.code is None and not watched.expected:
        outside = outside or "the container was removed from outside"
    return Ending(watched.code, watched.out_of_memory, outside)
