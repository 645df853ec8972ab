"""Asking the engine over its socket: as the docker package would, and by the package for all that it cannot."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.executors.asking import Client, usual_socket

CHOICES = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG")


class FakeEngine:
    """Answers what it is told to at a unix socket, and keeps what it was asked."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.asked: list[str] = []
        self.answers: dict[str, Any] = {"/info": {"ID": "fake"}}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            path = connection.makefile("rb").readline().split()[1].decode()
            self.asked.append(path)
            found = self.answers.get(path.partition("?")[0])
            status, body = ("404 Not Found", b"") if found is None else ("200 OK", json.dumps(found).encode() + b"\n")
            connection.sendall(f"HTTP/1.0 {status}\r\nContent-Type: application/json\r\n\r\n".encode() + body)
            if path.startswith("/events"):
                self.open = connection  # goes on until the client hangs up
            else:
                connection.shutdown(socket.SHUT_RDWR)
                connection.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    made = FakeEngine(tmp_path / "socket")
    yield made
    made.close()


class Package:
    """Stands for the docker package's client."""

    timeout: float | None = 1.0
    closed = False

    def inspect_image(self, image: str) -> dict[str, str]:
        return {"Id": f"{image} by the package"}

    def version(self) -> str:
        return "the package's"

    def close(self) -> None:
        self.closed = True


def client_of(engine: FakeEngine) -> tuple[Any, list[Package]]:
    made: list[Package] = []

    def whole() -> Any:
        made.append(Package())
        return made[-1]

    return Client(engine.path, whole, 5.0), made


def test_what_the_socket_answers_needs_no_package(engine: FakeEngine) -> None:
    engine.answers |= {"/images/a/b:c/json": {"Id": "1"}, "/containers/json": [{"Id": "2"}]}
    client, made = client_of(engine)
    assert client.info() == {"ID": "fake"}
    assert client.inspect_image("a/b:c") == {"Id": "1"}
    assert client.containers(all=True, filters={"label": ["x=y", "z"]}) == [{"Id": "2"}]
    assert "all=1" in engine.asked[-1]
    assert made == []


def test_what_it_does_not_answer_is_the_packages(engine: FakeEngine) -> None:
    client, made = client_of(engine)
    assert client.inspect_image("none") == {"Id": "none by the package"}
    assert client.version() == "the package's"
    client.timeout = None
    client.close()
    assert len(made) == 1
    assert made[0].timeout is None
    assert made[0].closed


def test_events_come_until_they_are_closed(engine: FakeEngine) -> None:
    engine.answers["/events"] = {"Action": "die"}
    client, _ = client_of(engine)
    stream = client.events(since=1, filters={"type": "container"})
    events = iter(stream)
    assert next(events) == {"Action": "die"}
    stream.close()
    assert list(events) == []


def test_where_no_engine_is_it_raises(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Client(str(tmp_path / "none"), lambda: pytest.fail("not asked"), 5.0)


@pytest.fixture
def nothing_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in CHOICES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


def test_the_usual_socket_is_asked_where_nothing_else_was_chosen(nothing_chosen: Path) -> None:
    assert usual_socket()
    nothing_chosen.write_text("{}")
    assert usual_socket()


@pytest.mark.parametrize("variable", CHOICES[:4])
def test_an_engine_that_a_variable_chooses_is_the_packages(
    nothing_chosen: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    assert usual_socket() is None


@pytest.mark.parametrize("text", ['{"currentContext": "far"}', "{", "[]"])
def test_an_engine_that_a_context_chooses_is_the_packages(nothing_chosen: Path, text: str) -> None:
    nothing_chosen.write_text(text)
    assert usual_socket() is None


ASKS = """
import sys
from dagbook.runner.executors.containers import Engine
from dagbook.runner.executors.daemon import LABEL, Events, connect
client = connect()
assert Engine.of(client).id
assert client.inspect_image(sys.argv[1])["Id"].startswith("sha256:")
client.containers(all=True, filters={"label": [LABEL]})
events = Events(client)
events.close()
assert "docker" not in sys.modules
assert client.version()["ApiVersion"]
assert "docker" in sys.modules
client.close()
"""


@pytest.mark.container
def test_a_real_engine_is_asked_without_the_package() -> None:
    image = os.environ.get("DAGBOOK_IMAGE", "dagbook/base:bookworm")
    variables = {name: value for name, value in os.environ.items() if name not in CHOICES}
    subprocess.run([sys.executable, "-P", "-W", "error", "-c", ASKS, image], check=True, env=variables)
