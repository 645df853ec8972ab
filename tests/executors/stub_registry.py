"""A registry on loopback that refuses what is pulled from it: by a login, for want of a platform, or in the middle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

_TYPE = "application/vnd.docker.distribution.manifest"
_CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["x"]}}).encode()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _other_platform() -> tuple[str, bytes]:
    platform = {"architecture": "s390x", "os": "linux"}
    one = {"mediaType": f"{_TYPE}.v2+json", "size": 2, "digest": _digest(b"{}"), "platform": platform}
    listed = {"schemaVersion": 2, "mediaType": f"{_TYPE}.list.v2+json", "manifests": [one]}
    return f"{_TYPE}.list.v2+json", json.dumps(listed).encode()


def _unfinished() -> tuple[str, bytes]:
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(_CONFIG)}
    layer: dict[str, Any] = {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": 10**6}
    layer["digest"] = _digest(b"layer")
    made = {"schemaVersion": 2, "mediaType": f"{_TYPE}.v2+json", "config": {**config, "digest": _digest(_CONFIG)}}
    return f"{_TYPE}.v2+json", json.dumps({**made, "layers": [layer]}).encode()


class _Handler(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        name = self.path.split("/")[2]
        if name == "guarded":
            self._say(401, "application/json", b'{"errors":[{"code":"UNAUTHORIZED"}]}')
        elif "/manifests/" in self.path:
            self._say(200, *(_unfinished() if name == "cut" else _other_platform()))
        elif self.path.endswith(_digest(_CONFIG)):
            self._say(200, "application/octet-stream", _CONFIG)
        elif "/blobs/" in self.path:
            self._say(200, "application/octet-stream", b"half of it", length=10**6)
            self.close_connection = True
        else:
            self._say(200, "application/json", b"{}")

    def _say(self, status: int, kind: str, data: bytes, length: int = 0) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="stub"')
        self.send_header("Content-Type", kind)
        self.send_header("Docker-Content-Digest", _digest(data))
        self.send_header("Content-Length", str(length or len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *_words: object) -> None:
        pass


@contextmanager
def stub_registry() -> Iterator[str]:
    """Its HOST:PORT; it has the repositories `guarded`, `foreign` (for another platform) and `cut`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
