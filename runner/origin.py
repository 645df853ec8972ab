"""Where the dagbook that runs here was installed from, as pip says it: what another machine installs to have the same.

pip notes it beside the package (`direct_url.json`, PEP 610), unless the package came from an index.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from urllib.request import url2pathname

from .records.git_asked import git_about

NAME = "dagbook"
_SSH_FORM = re.compile(r"^(?:[\w.-]+@)?([\w.-]+):(?!//)(.+)$")  # git@host:owner/name.git


def requirement(path: Sequence[str] | None = None) -> str | None:
    """What pip installs on any machine to have this dagbook: `dagbook==1.2`, `dagbook @ git+https://…`.

    None when only this machine has it: a checkout that was never pushed anywhere, a wheel on its disk. `path` is
    where packages are looked for (None: sys.path).
    """
    installed = _installed(path)
    if installed is None:
        return None
    noted = installed.read_text("direct_url.json")
    if noted is None:
        return f"{NAME}=={installed.version}"
    url = _anywhere(json.loads(noted))
    return f"{NAME} @ {url}" if url else None


def how_to_install() -> str:
    """The end of `pip install …` that brings this dagbook to another Python of this machine, or up to date."""
    return shlex.quote(requirement() or _here() or NAME)


def _installed(path: Sequence[str] | None) -> metadata.Distribution | None:
    """The distribution that an installer has made; what building leaves in a checkout (`.egg-info`) is none."""
    found = metadata.distributions(name=NAME, path=list(sys.path if path is None else path))
    return next((one for one in found if one.read_text("INSTALLER")), None)


def _here() -> str | None:
    """The folder or file of this machine that it was installed from."""
    installed = _installed(None)
    noted = installed.read_text("direct_url.json") if installed else None
    place = url2pathname(urlsplit(json.loads(noted)["url"]).path) if noted else ""
    return place if place and Path(place).exists() else None


def _anywhere(noted: dict[str, dict[str, str]]) -> str | None:
    """The URL from which every machine can install it."""
    url = str(noted["url"])
    if "dir_info" in noted:
        remote = _remote_of(url2pathname(urlsplit(url).path))
        return f"git+{remote}" if remote else None
    if "vcs_info" in noted:
        vcs = noted["vcs_info"]
        public = _public(url)
        return f"{vcs['vcs']}+{public}@{vcs['commit_id']}" if public else None
    return _public(url)


def _remote_of(folder: str) -> str | None:
    """Where the checkout was cloned from."""
    try:
        with git_about(Path(folder)) as git:
            return _public(os.fsdecode(git.ask("remote", "get-url", "origin")).strip())
    except (OSError, subprocess.SubprocessError):
        return None


def _public(url: str) -> str | None:
    """The URL without what only its owner may know; None for one that leads nowhere from another machine."""
    if found := _SSH_FORM.match(url):
        return f"https://{found[1]}/{found[2]}"  # a job has no key of ssh
    parts = urlsplit(url)
    if parts.scheme == "ssh":
        return url
    if parts.scheme not in ("http", "https"):
        return None
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
