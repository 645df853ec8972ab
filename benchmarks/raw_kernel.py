"""The fastest that a kernel in a container can be driven: only its messages, nothing around them.

    python -m benchmarks.raw_kernel IMAGE NOTEBOOK

starts an ipykernel in a container as closed as a node's, sends each cell of the notebook when the one before it is
done, and prints how long the cells took, and everything together, as JSON.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .processes import LABEL, MARK

BOOT_SECONDS = 60.0
PORTS = ("shell_port", "iopub_port", "stdin_port", "hb_port", "control_port")


def main(image: str, notebook: str) -> None:
    """Run the notebook's cells and print the seconds."""
    sources = ["".join(cell["source"]) for cell in json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]]
    began = time.perf_counter()
    with _kernel(image) as connection:
        client = _connected(connection)
        before = time.perf_counter()
        for source in sources:
            _execute(client, source)
        cells = time.perf_counter() - before
        client.stop_channels()
    figures = {"cells_s": cells, "total_s": time.perf_counter() - began, "cells": len(sources)}
    sys.stdout.write(json.dumps(figures) + "\n")


@contextmanager
def _kernel(image: str) -> Iterator[dict[str, Any]]:
    """A kernel that has bound its sockets; gives its connection as this machine sees it."""
    folder = Path(tempfile.mkdtemp(prefix="raw", dir="/tmp"))  # short: a socket's path has at most 107 bytes
    scheme = {"key": secrets.token_hex(32), "signature_scheme": "hmac-sha256"}
    ports = {port: number for number, port in enumerate(PORTS, 1)}
    info: dict[str, Any] = {"transport": "ipc", "kernel_name": "", **scheme, **ports}
    (folder / "c.json").write_text(json.dumps({**info, "ip": "/dag/k"}), encoding="utf-8")
    options = ["--rm", "--init", "--network", "none", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"]
    options += [
        "--user",
        f"{os.getuid()}:{os.getgid()}",
        "-e",
        "HOME=/tmp",
        "--label",
        f"{LABEL}={os.environ.get(MARK, '')}",
    ]
    mounts = ["-v", f"{folder}:/dag", "-v", f"{Path.cwd()}:/output", "-w", "/output"]
    kernel = ["python3", "-m", "ipykernel_launcher", "-f", "/dag/c.json", "--HistoryManager.enabled=False"]
    started = ["docker", "run", "-d", *options, *mounts, image, *kernel]
    container = subprocess.run(started, check=True, capture_output=True, text=True).stdout.strip()
    try:
        deadline = time.monotonic() + BOOT_SECONDS
        while not all((folder / f"k-{number}").exists() for number in range(1, 6)):
            if time.monotonic() > deadline:
                raise TimeoutError("the kernel has not bound its sockets")
            time.sleep(0.002)
        yield {**info, "ip": str(folder / "k")}
    finally:
        subprocess.run(["docker", "rm", "-f", container], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def _connected(connection: dict[str, Any]) -> Any:
    from jupyter_client.blocking.client import BlockingKernelClient

    client = BlockingKernelClient()
    info: Any = {**connection, "key": connection["key"].encode()}
    client.load_connection_info(info)
    client.start_channels(stdin=False, hb=False)
    client.wait_for_ready(timeout=BOOT_SECONDS)
    return client


def _execute(client: Any, source: str) -> None:
    """Send a cell; return when it has been answered and all its output is there. Raises RuntimeError."""
    request = client.execute(source)
    while True:
        reply = client.get_shell_msg(timeout=BOOT_SECONDS)
        if reply["parent_header"].get("msg_id") == request:
            break
    while True:
        message = client.get_iopub_msg(timeout=BOOT_SECONDS)
        mine = message["parent_header"].get("msg_id") == request
        if mine and message["content"].get("execution_state") == "idle":
            break
    if reply["content"]["status"] != "ok":
        raise RuntimeError(f"the cell failed: {reply['content'].get('evalue')}")


if __name__ == "__main__":
    main(*sys.argv[1:])
