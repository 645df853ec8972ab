"""A namespace for a node's process by bubblewrap: its own /input, /output, /tmp and process ids, its own network.

The rest of this machine is visible read-only; nothing is hidden but /tmp. It is no container and no boundary for
hostile code; it makes a node's paths real and its inputs safe from it.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

from .contract import Job
from .resources import gpu_devices
from .rundir import INSIDE, STAND_INS, RunDir, helper_module, stand_ins
from .secret_folders import mounts_of

# What the namespace has of its own.
_OWN = {"dev", "proc", "tmp", "dag", "input", "output", "code", "data", "pfs", "valohai", "cnvrg", "lost+found"}


def bubblewrap() -> str | None:
    """The path of a `bwrap` that works here, found out by running it once; None where there is none."""
    return probed_bubblewrap()[0]


@functools.cache
def probed_bubblewrap() -> tuple[str | None, str]:
    """The path of a `bwrap` that works here, or None, and why."""
    found = shutil.which("bwrap")
    if not found:
        return None, "bwrap is not installed"
    probe = [found, *_root(), "--unshare-pid", "--unshare-net", "--die-with-parent", "true"]
    try:
        done = subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"{found} cannot be run: {error}"
    if done.returncode == 0:
        return found, ""
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return None, f"{found} does not work here: {said[-1] if said else f'exit code {done.returncode}'}"


def _root() -> list[str]:
    options = ["--tmpfs", "/"]
    for entry in sorted(os.listdir("/")):
        path = f"/{entry}"
        if entry in _OWN:
            continue
        if os.path.islink(path):
            options += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            options += ["--ro-bind", path, path]
    return [*options, "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--dir", "/tmp/home"]


def wrap(job: Job, rundir: RunDir, command: list[str], status: int, keep: tuple[Path, ...]) -> list[str]:
    """The command line that runs `command` in a namespace made for `job`.

    `status` is the descriptor that bwrap writes the first process's id to; `keep` are folders that must stay
    visible although they lie below what the namespace has of its own (an interpreter in /tmp).
    """
    bwrap = bubblewrap()
    assert bwrap
    options = [bwrap, *_root()]
    for path in keep:
        if path.parts[1:2] and path.parts[1] in _OWN:
            options += ["--ro-bind", str(path), str(path)]
    options += ["--bind", str(rundir.path), INSIDE, "--ro-bind", str(helper_module()), f"{INSIDE}/lib/dagbook.py"]
    options += ["--ro-bind", str(stand_ins()), f"{INSIDE}/{STAND_INS}", "--bind", str(job.output), "/output"]
    for device in gpu_devices() if job.gpus else ():
        options += ["--dev-bind", device, device]
    # Outer targets first: /input/a before /input/a/b.
    for mount in sorted((*job.mounts, *mounts_of(job, rundir)), key=lambda one: one.target):
        options += ["--ro-bind" if mount.read_only else "--bind", str(mount.source), mount.target]
    # The namespace's own root too, now that everything is in it.
    options += ["--remount-ro", "/", "--chdir", "/output", "--unshare-pid", "--unshare-ipc", "--die-with-parent"]
    options += [] if job.network else ["--unshare-net"]
    # In front of the namespace's first process: nothing of this machine's terminal.
    whole = [*options, "--new-session", "--cap-drop", "ALL", "--info-fd", str(status), "--", *command]
    # One that may be kept outlives this process, but not its bwrap, which notices the end of the command: a shell is
    # the parent that bwrap dies with, and the lifeline ends them all.
    return ["sh", "-c", '"$@"; exit "$?"', "sh", *whole] if job.keep_failed else whole
