"""Image registries on loopback: one of a few lines that speaks the push protocol, and Debian's where it is there."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

USER, PASSWORD = "ada", "correct horse"
_BCRYPT = "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"  # of that password
_BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
DEBIANS = shutil.which("docker-registry")


@dataclass(frozen=True)
class Registry:
    """A registry that listens: HOST:PORT, and whether it asks for a login."""

    address: str
    guarded: bool

    def digest_of(self, repository: str, tag: str) -> str | None:
        """The digest that it reports for a tag; None when it has no such."""
        connection = http.client.HTTPConnection(self.address, timeout=10)
        headers = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
        if self.guarded:
            headers["Authorization"] = _BASIC
        connection.request("HEAD", f"/v2/{repository}/manifests/{tag}", headers=headers)
        answer = connection.getresponse()
        connection.close()
        return answer.headers["Docker-Content-Digest"] if answer.status == 200 else None


def login(folder: Path, address: str, password: str = PASSWORD) -> dict[str, str]:
    """What `docker login` leaves in a docker configuration; the variable that leads there."""
    folder.mkdir(exist_ok=True)
    word = base64.b64encode(f"{USER}:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {address: {"auth": word}}}))
    return {"DOCKER_CONFIG": str(folder)}


@contextmanager
def small(guarded: bool) -> Iterator[Registry]:
    """A registry that keeps in memory what is pushed to it."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.guarded = guarded
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Registry(f"127.0.0.1:{server.server_port}", guarded)
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def debians(folder: Path, guarded: bool) -> Iterator[Registry]:
    """Debian's docker-registry, with its files in `folder`."""
    assert DEBIANS
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder.mkdir()
    settings: dict[str, Any] = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    if guarded:
        (folder / "htpasswd").write_text(f"{USER}:{_BCRYPT}\n")
        settings["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    (folder / "config.yml").write_text(json.dumps(settings))  # JSON is YAML
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen([DEBIANS, "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    try:
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert child.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < end
                time.sleep(0.02)
        yield Registry(f"127.0.0.1:{port}", guarded)
    finally:
        child.kill()
        child.wait()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    guarded = False

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.kept = _Kept()


@dataclass
class _Kept:
    """Blobs and manifests by digest, manifests also by tag (REPOSITORY:TAG), uploads that are under way."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # media type and content
    uploads: dict[str, bytearray] = field(default_factory=dict)


class _Handler(BaseHTTPRequestHandler):
    """Docker's registry protocol, version 2, as far as a push needs it."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        pass

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _serve(self) -> None:
        body = self._body()  # also of a request that is refused: the connection goes on
        if self.server.guarded and self.headers.get("Authorization") != _BASIC:
            # Without the detail an engine takes it for something that may pass, and tries for a minute.
            refused = {"code": "UNAUTHORIZED", "message": "authentication required", "detail": "no login"}
            said = json.dumps({"errors": [refused]}).encode()
            return self._answer(401, said, WWW_Authenticate='Basic realm="test"', Content_Type="application/json")
        path, _, query = self.path.partition("?")
        parts = path.removeprefix("/v2/").rsplit("/", 2)
        if path == "/v2/":
            return self._answer(200, b"{}")
        if parts[1] == "manifests":
            return self._manifest(parts[0], parts[2], body)
        if "/blobs/uploads" in path:
            return self._upload(path, query, body)
        found = self.server.kept.blobs.get(parts[2])
        if found is None:
            return self._answer(404)
        return self._answer(200, found, Docker_Content_Digest=parts[2])

    def _upload(self, path: str, query: str, body: bytes) -> None:
        kept = self.server.kept
        repository, _, name = path.partition("/blobs/uploads/")
        if self.command == "POST":
            name = f"u{len(kept.uploads)}"
            kept.uploads[name] = bytearray()
            return self._answer(
                202, Location=f"{repository}/blobs/uploads/{name}", Docker_Upload_UUID=name, Range="0-0"
            )
        kept.uploads[name] += body
        if self.command == "PATCH":
            end = str(len(kept.uploads[name]) - 1)
            return self._answer(202, Location=path, Docker_Upload_UUID=name, Range=f"0-{end}")
        content = bytes(kept.uploads[name])
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        if digest.replace(":", "%3A") not in query and digest not in query:
            return self._answer(400)
        kept.blobs[digest] = content
        return self._answer(201, Location=f"{repository}/blobs/{digest}", Docker_Content_Digest=digest)

    def _manifest(self, repository: str, name: str, body: bytes) -> None:
        kept = self.server.kept
        key = name if name.startswith("sha256:") else f"{repository}:{name}"
        if self.command == "PUT":
            digest = "sha256:" + hashlib.sha256(body).hexdigest()
            kept.manifests[key] = kept.manifests[digest] = (self.headers["Content-Type"], body)
            return self._answer(201, Docker_Content_Digest=digest)
        if key not in kept.manifests:
            return self._answer(404)
        kind, content = kept.manifests[key]
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        return self._answer(200, content, Content_Type=kind, Docker_Content_Digest=digest)

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = _serve
