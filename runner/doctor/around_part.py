"""What is around: memory and cores, git, the way to the network, the encoding of texts."""

from __future__ import annotations

import locale
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

from ..view import size
from .findings import Finding, note, ok
from .subject import Subject

GIB = 2**30
LITTLE_MEMORY = GIB
GIT = (2, 30)
GIT_SECONDS = 5
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "PIP_CERT")


def machine_part(_subject: Subject) -> Iterator[Finding]:
    """What processes may use here, less what a control group takes away."""
    from ..executors.resources import this_machine

    there = this_machine()
    memory, cores = there.memory or 0, there.cores or 0.0
    facts = {"cores": cores, "memory_bytes": memory, "gpus": there.gpus, "all_cores": os.cpu_count()}
    words = f"{cores:g} core{'' if cores == 1 else 's'}, {size(memory)} of memory"
    words += f", {there.gpus} GPU{'' if there.gpus == 1 else 's'}" if there.gpus else ""
    if cores < (os.cpu_count() or 1):
        words += f" (a limit; the machine has {os.cpu_count()} cores)"
    if memory < LITTLE_MEMORY:
        yield note("machine", words, "A kernel takes about 60 MB; keep few at a time: --jobs 1.", **facts)
    else:
        yield ok("machine", words, **facts)


def git_part(_subject: Subject) -> Iterator[Finding]:
    """git, which nodes with --git need, and the record of what a run was made of."""
    found = shutil.which("git")
    try:
        said = subprocess.run(
            [found or "git", "--version"], capture_output=True, text=True, timeout=GIT_SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        words = "git is not here: --git does not work, and runs do not record the commit"
        yield note("git", words, "Install git.")
        return
    version = re.search(r"\d+\.\d+(?:\.\d+)*", said)
    number = tuple(map(int, version[0].split(".")[:2])) if version else (0, 0)
    words = said.strip()
    if number < GIT:
        yield note("git", f"{words} is too old for --git", f"Install git {GIT[0]}.{GIT[1]} or newer.")
    else:
        yield ok("git", words, version=version[0] if version else "")


def network_part(_subject: Subject) -> Iterator[Finding]:
    """Which variables lead the way to the network; never their values, which may hold passwords."""
    named = {name.lower() for name in os.environ if os.environ[name]}
    proxies = [name for name in _PROXIES if name in named]
    certificates = [name for name in _CERTIFICATES if os.environ.get(name)]
    lost = [name for name in certificates if not os.path.exists(os.environ[name])]
    chosen = [*proxies, *certificates]
    if lost:
        words = f"{' and '.join(lost)} name{'s' if len(lost) == 1 else ''} what is not there"
        yield note("network", words, "Unset it, or name the file with the certificates.", set=chosen)
    else:
        words = f"set: {', '.join(chosen)}" if chosen else "no proxy, no certificates of its own"
        yield ok("network", words, set=chosen)


def text_part(_subject: Subject) -> Iterator[Finding]:
    """Whether texts are UTF-8, as notebooks are."""
    encodings = {"files": locale.getpreferredencoding(False), "names": sys.getfilesystemencoding()}
    plain = {name: encoding.lower().replace("-", "").replace("_", "") for name, encoding in encodings.items()}
    if all(encoding == "utf8" for encoding in plain.values()):
        yield ok("text", "UTF-8", **encodings)
    else:
        words = ", ".join(f"{name} are {encoding}" for name, encoding in encodings.items())
        yield note("text", words, "Set LANG=C.UTF-8, or PYTHONUTF8=1.", **encodings)
