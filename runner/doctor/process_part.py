"""Nodes as processes of this machine: whether bubblewrap gives them a namespace, and what is open to them without."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec

from .findings import Finding, note, ok, trouble
from .subject import Subject


def process_part(subject: Subject) -> Iterator[Finding]:
    """The process executor: its namespace, tried by running one, and the folder in which kernels are reached."""
    from ..executors.sandbox import probed_bubblewrap

    path, why = probed_bubblewrap()
    facts = {"bubblewrap": path}
    if path:
        words = "bubblewrap works: nodes have /input, /output and a closed network; files of this machine can be read"
        yield ok("processes", words, **facts)
    elif subject.containers:
        yield ok("processes", f"{why}; it is not needed where nodes run in containers", **facts)
    else:
        words = f"{why}: nodes have no /input and /output, and see all files and the network"
        yield note("processes", words, _way_to_bubblewrap(why), **facts)
    if not subject.containers and (find_spec("venv") is None or find_spec("ensurepip") is None):
        words = "this Python cannot make environments, so --requirements work only where they are met already"
        yield note("processes", words, "On Debian and Ubuntu: apt install python3-venv", **facts)
    yield from _run_folder(subject)


def _way_to_bubblewrap(why: str) -> str:
    if sys.platform != "linux":
        return "It is for Linux. Use dagbook.input(TITLE) and relative paths, or run nodes in containers."
    if "not installed" in why:
        return "Install bubblewrap (apt or dnf install bubblewrap), or use dagbook.input(TITLE) and relative paths."
    return "User namespaces may be switched off (user.max_user_namespaces, AppArmor); containers do without."


def _run_folder(subject: Subject) -> Iterator[Finding]:
    """The folder with the kernels' sockets: made and removed as each node run does."""
    from ..executors.rundir import RunDir

    try:
        RunDir.make().remove()
    except OSError as error:
        words = f"no folder for the sockets of kernels can be made: {error}"
        yield trouble("processes", words, "Set XDG_RUNTIME_DIR or TMPDIR to a folder of yours, on a disk with room.")
