"""A JupyterLab server with settings, data and workspaces of its own, which can be killed and started again."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
    "XDG_CACHE_HOME": "cache",
}
_START_SECONDS = 60


class Server:
    """Answers at `url` for who has the `token`, also after it was started again, and shows `folder`."""

    def __init__(self, place: Path) -> None:
        self.url = f"http://127.0.0.1:{_free_port()}"
        self.token = secrets.token_hex(16)
        self.folder = place / "notebooks"
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None
        self.folder.mkdir()
        quiet = place / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
        quiet.parent.mkdir(parents=True)
        quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')

    def start(self) -> None:
        """Start it, and return when it answers."""
        words = ["--no-browser", "--allow-root", "--expose-app-in-browser", "--ip=127.0.0.1"]
        words += ["--ServerApp.port_retries=0", "--JupyterNotebookApp.expose_app_in_browser=True"]
        words += [f"--port={self.url.rsplit(':', 1)[1]}", f"--ServerApp.root_dir={self.folder}"]
        words += [f"--IdentityProvider.token={self.token}"]
        with (self._place / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *words],
                env=_environment(self._place),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert time.monotonic() < end, "JupyterLab did not start"
            time.sleep(0.05)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._place / "log").read_text()
        try:
            return bool(self.ask("status"))
        except (urllib.error.URLError, ConnectionError):
            return False

    def ask(self, path: str, method: str = "GET") -> Any:
        """What its REST interface answers."""
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def shut_all_down(self) -> None:
        """End all sessions, and their kernels with them."""
        for session in self.ask("sessions"):
            self.ask(f"sessions/{session['id']}", "DELETE")

    def processes(self) -> dict[int, str]:
        """All that live of what it and its kernels have started, also what outlived them, with their command lines."""
        mark = f"JUPYTER_RUNTIME_DIR={self._place}/runtime".encode()
        found = {}
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in environ.read_bytes().split(b"\0"):
                    words = environ.with_name("cmdline").read_bytes()
                    found[int(environ.parent.name)] = words.replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
        return found

    def kernels(self) -> list[int]:
        """The processes of its kernels."""
        return [pid for pid, words in self.processes().items() if f"{self._place}/runtime/kernel-" in words]

    def kill(self, kernels: bool) -> None:
        """End it as a crash does; its `kernels` at once too, or they find out that they are alone."""
        assert self._process is not None
        gone = [self._process.pid, *(self.kernels() if kernels else [])]
        for pid in gone:
            os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """End it in order, if it runs."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:  # a thread of AnyIO's at times outlives its loop, and the server waits for it
            self._process.kill()
            self._process.wait()
        self._process = None


def _environment(place: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DAGBOOK_", "JUPYTER"))}
    own = {name: str(place / folder) for name, folder in _FOLDERS.items()}
    return {
        **kept,
        **own,
        "DAGBOOK_IMAGE": os.environ.get("DAGBOOK_IMAGE", "dagbook/base:bookworm"),
        "DAGBOOK_BUILD_NETWORK": os.environ.get("DAGBOOK_BUILD_NETWORK", "host"),
        "PYTHONPATH": str(ROOT),
    }


def _free_port() -> int:
    with closing(socket.socket()) as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])
