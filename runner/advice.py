"""What to do about a failure whose cause is how nodes run: a package, a file or a program that is not there, a folder
that cannot be written, a network that is closed. The user's exception stays what it is; this is a line below it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from .core.errors import nearest
from .core.usual_imports import USUAL_IMPORTS
from .executors.containers import PIDS, SHARED_MEMORY
from .executors.contract import Failure, Job, Mount, Outcome
from .executors.exits import amount

# Packages that are imported under another name than they are installed under.
_PACKAGES = {
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "git": "GitPython",
    "jwt": "PyJWT",
    "PIL": "pillow",
    "psycopg2": "psycopg2-binary",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
_MODULE = re.compile(r"No module named '([\w.]+)'")
_NAMED = re.compile(r"name '(\w+)' is not defined")
_NO_PATH = re.compile(r"\[Errno 2\][^']*: '([^']+)'")
_READ_ONLY = re.compile(r"\[Errno 30\]")
_REFUSED_PATH = re.compile(r"\[Errno 13\][^']*: '(/[^']*)'")
_UNREACHED = re.compile(
    r"name resolution|Name or service not known|nodename nor servname|Network is unreachable|Connection refused"
    r"|Failed to establish a new connection|getaddrinfo failed"
)
_OF_THE_NETWORK = ("URLError", "ConnectionError", "ConnectError", "ConnectionRefusedError", "gaierror", "MaxRetryError")
_MOST_NAMES = 1000


def advice(job: Job, outcome: Outcome, closed: bool) -> str:
    """What would help an attempt that has failed, in one or two sentences; empty where nothing is known.

    `closed` says that the node reaches no network.
    """
    if outcome.failure is None or not outcome.failure.name:
        return _of_a_command(job, outcome)
    for look in (_package, _name, _variable, _file, _place, _network(closed), _memory, _limit):
        if found := look(job, outcome.failure):
            return found
    return _of_a_command(job, outcome)


def _package(job: Job, failure: Failure) -> str:
    found = _MODULE.search(failure.message) if failure.name == "ModuleNotFoundError" else None
    if not found:
        return ""
    module = found[1].partition(".")[0]
    where = job.runtime.reference
    return (
        f"{module} is not in {where}: add --requirements {_PACKAGES.get(module, module)} to the node, "
        "or name an --image that has it. A module of your own is found when it lies beside the notebook."
    )


def _name(job: Job, failure: Failure) -> str:
    found = _NAMED.search(failure.message) if failure.name == "NameError" else None
    if not found:
        return ""
    if line := USUAL_IMPORTS.get(found[1]):
        return f"A node sees its own cell and the %%pipeline_shared cells: write `import {line}` in one of them."
    return (
        f"A node sees its own cell and the %%pipeline_shared cells, not the notebook's variables: define {found[1]} "
        f"there, take it as a parameter (--param {found[1]}=VALUE), or read it from /input."
    )


def _variable(job: Job, failure: Failure) -> str:
    name = failure.message.strip("'\"")
    if failure.name != "KeyError" or not name.startswith(("INPUT_", "DATA_", "DAGBOOK_", "CNVRG_")):
        return ""
    ours = [known for known in job.environment if known.startswith(("INPUT_", "DATA_", "DAGBOOK_", "CNVRG_"))]
    ours += [mount.variable for mount in job.mounts if mount.variable]
    return f"There is no variable {name}. {nearest(name, ours)} Only nodes in --after give variables."


def _file(job: Job, failure: Failure) -> str:
    found = _NO_PATH.search(failure.message)
    if not found or failure.name not in ("FileNotFoundError", "OSError"):
        return ""
    path = found[1]
    if path.startswith("/input/"):
        return _of_an_input(job, path)
    if left := list(_left_by_others(job, path)):
        return f"It is among what is before the node: open({left[0]!r})."
    shown = _shown_project(job, path)
    if shown:
        return f"The project's files are under /code: write {shown!r}."
    if path.startswith("/") and os.path.lexists(path):
        return (
            f"{path} is on this machine, and a node does not see it: put it into the notebook's folder (then it is "
            "under /code), or show it with %pipeline_data."
        )
    return ""


def _left_by_others(job: Job, path: str) -> Iterable[str]:
    """Where files of that name lie that nodes before this one have left."""
    if path.startswith("/"):
        return
    for mount in job.mounts:
        if mount.target.startswith("/input/"):
            yield from (f"{mount.target}/{name}" for name in _names_in(mount) if name == os.path.normpath(path))


def _of_an_input(job: Job, path: str) -> str:
    """What there is where a file was looked for in vain."""
    mount = next((one for one in job.mounts if path == one.target or path.startswith(f"{one.target}/")), None)
    if mount is None:
        known = sorted(one.target for one in job.mounts if one.target.startswith("/input/"))
        if not known:
            return "There is nothing under /input: what comes before a node is named in its --after."
        return f"Under /input is what --after names: {', '.join(known)}."
    names = list(_names_in(mount))
    wanted = path.removeprefix(mount.target).strip("/")
    if not names:
        return f"{mount.target} holds nothing."
    return f"{mount.target} has no {wanted}. {nearest(wanted, names)}"


def _names_in(mount: Mount) -> Iterable[str]:
    """Files below a mount, by their path in it; of very many the first ones found."""
    left = _MOST_NAMES
    for folder, _, files in os.walk(mount.source):
        for file in files:
            if (left := left - 1) < 0:
                return
            yield os.path.relpath(os.path.join(folder, file), mount.source)


def _shown_project(job: Job, path: str) -> str:
    code = next((mount.source for mount in job.mounts if mount.target == "/code"), None)
    if code is None or path.startswith("/") or ".." in Path(path).parts:
        return ""
    return f"/code/{path.removeprefix('./')}" if os.path.lexists(code / path) else ""


def _place(job: Job, failure: Failure) -> str:
    read_only = failure.name == "OSError" and _READ_ONLY.search(failure.message)
    refused = _REFUSED_PATH.search(failure.message) if failure.name == "PermissionError" else None
    if not read_only and not (refused and refused[1].startswith(("/input", "/code", "/data"))):
        return ""
    return "A node can write its working directory (/output, its artifact) and /tmp; everything else is read-only."


def _network(closed: bool) -> Callable[[Job, Failure], str]:
    def look(job: Job, failure: Failure) -> str:
        concerned = failure.name in _OF_THE_NETWORK or failure.name.endswith(("ConnectionError", "ConnectTimeout"))
        if not closed or not concerned or not _UNREACHED.search(failure.message):
            return ""
        return "The node has no network: add --network to it, or take what it fetches as a dataset (%pipeline_data)."

    return look


def _memory(job: Job, failure: Failure) -> str:
    if failure.name != "MemoryError" or job.memory is None:
        return ""
    return "Give the node more --memory."


def _limit(job: Job, failure: Failure) -> str:
    """Limits of containers that Python tells by the system's words alone."""
    if not job.runtime.digest.startswith("sha256:"):
        return ""
    if "can't start new thread" in failure.message or failure.name == "BlockingIOError":
        return f"A node has at most {PIDS} processes and threads at a time."
    if "[Errno 28]" in failure.message:
        return f"{_of_memory(job)} What is large goes to /output, which is on the disk."
    if "[Errno 24]" in failure.message:
        return "Close files when they are read or written: with open(…) as file."
    return ""


def _of_memory(job: Job) -> str:
    shared = amount(job.memory // 2 if job.memory else SHARED_MEMORY)
    half = f", half of --memory {amount(job.memory)}" if job.memory else "; --memory gives more, its half"
    return f"/tmp and /dev/shm are memory; /dev/shm has {shared}{half}."


def _of_a_command(job: Job, outcome: Outcome) -> str:
    if outcome.reason.startswith("out of memory"):
        return "Give the node more --memory, or let it take less at a time."
    if "(SIGBUS)" in outcome.reason and job.runtime.digest.startswith("sha256:"):
        return f"It is so where shared memory is full: {_of_memory(job)}"
    if job.script and outcome.exit_code == 127:
        return (
            f"A program that it calls is not in {job.runtime.reference}: name an --image that has it, or install it "
            "with --prerun."
        )
    return ""
