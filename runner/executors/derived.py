"""Derived images: an image with requirements installed and a prerun script run; made once, known by content.

Made in a container as root with the build network, and committed. What the build needs of this machine (pip's
settings, indexes in folders, certificates) is mounted below a tmpfs, settings and proxies are variables of the
build script alone: nothing of it, not even a mount point, stays in the image.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import PipelineError, problem
from ..formats.git_address import without_credentials
from .caches import only_one
from .contract import Needs
from .daemon import LABEL
from .rundir import RunDir, is_held

if TYPE_CHECKING:
    from docker import APIClient

REPOSITORY = "dagbook/derived"
RECIPE = 1  # raise it when images are made differently
LINES = 15  # of the build's output, in the message of a failure

_HELD = "dagbook.build.held"  # the label that names the run directory of the build
_INSIDE = "/tmp/dagbook"  # below the build's tmpfs
_SETTINGS = (
    *("index-url", "extra-index-url", "find-links", "trusted-host", "proxy", "default-timeout", "timeout", "retries"),
    *("no-index", "prefer-binary", "only-binary", "no-binary"),
)
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "all_proxy")
_BUNDLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a derived image is made of: the base's id, pip requirements, a shell script."""

    base: str
    requirements: tuple[str, ...] = ()
    prerun: str = ""

    @property
    def key(self) -> str:
        """The image's tag: the same recipe is the same image."""
        content = json.dumps([RECIPE, self.base, self.requirements, self.prerun])
        return hashlib.sha256(content.encode()).hexdigest()[:24]


class Derived:
    """Makes derived images on one engine. `network` is the builds' network; None for the engine's default."""

    def __init__(self, client: APIClient, network: str | None) -> None:
        self._client = client
        self._network = network

    def image(self, recipe: Recipe, base: dict[str, Any], need: Needs, tell: Callable[[str], None]) -> dict[str, Any]:
        """The derived image as `inspect` shows it, made when it is not there. Raises PipelineError (E-BUILD-FAILED)."""
        with only_one(f"derived-{recipe.key}"):
            if (known := self._inspect(recipe)) is None:
                tell(f"making an image for {need.title!r}: {_summary(recipe)}")
                self._build(recipe, base, need, tell)
                known = self._inspect(recipe)
            assert known is not None
            return known

    def _inspect(self, recipe: Recipe) -> dict[str, Any] | None:
        from docker.errors import ImageNotFound

        try:
            return dict(self._client.inspect_image(f"{REPOSITORY}:{recipe.key}"))  # type: ignore[no-untyped-call]
        except ImageNotFound:
            return None

    def _build(self, recipe: Recipe, base: dict[str, Any], need: Needs, tell: Callable[[str], None]) -> None:
        rundir = RunDir.make(seen=_INSIDE)
        # Both labels: a node's container inherits the second one from its image.
        labels = [f"{LABEL}=build", f"dagbook.build={recipe.key}"]
        # We hold the recipe's lock among this user's processes, so a container of this recipe is left from a build that
        # was killed, unless a process with another lock (of another user, or with a cache of its own) builds it now.
        for left in self._client.containers(all=True, filters={"label": labels}):
            if not is_held(Path(left["Labels"].get(_HELD) or "/nowhere")):
                self._remove(left["Id"])
        try:
            rundir.open_lifeline()
            container = self._container(recipe, rundir)
            try:
                lines = self._follow(container, tell)
                code = int(self._client.wait(container)["StatusCode"])
                if code:
                    raise PipelineError(_failed(need, code, lines))
                if self._inspect(recipe) is None:  # else another was faster, and what follows from its image stands
                    self._commit(container, recipe, base)
            finally:
                self._remove(container)
        finally:
            rundir.remove()

    def _container(self, recipe: Recipe, rundir: RunDir) -> str:
        from docker.types import Mount

        outside = host_settings(rundir)
        (rundir.path / "requirements").write_text("\n".join(recipe.requirements) + "\n", encoding="utf-8")
        (rundir.path / "prerun").write_text(recipe.prerun, encoding="utf-8")
        rundir.write("build", _script(recipe, outside.variables))
        mounts = [Mount(_INSIDE, str(rundir.path), type="bind")]
        mounts += [Mount(target, source, type="bind", read_only=True) for target, source in outside.mounts.items()]
        host = self._client.create_host_config(
            network_mode=self._network or "default", mounts=mounts, init=True, tmpfs={"/tmp": "rw,exec,mode=1777"}
        )
        labels = {LABEL: "build", "dagbook.build": recipe.key, _HELD: str(rundir.path)}
        created = self._client.create_container(
            recipe.base,
            entrypoint=["sh", f"{_INSIDE}/build"],
            command=[],
            user="0:0",
            labels=labels,
            host_config=host,
            working_dir="/",
        )
        return str(created["Id"])

    def _follow(self, container: str, tell: Callable[[str], None]) -> deque[str]:
        lines: deque[str] = deque(maxlen=LINES)
        output = self._client.attach(container, stream=True, logs=False)
        self._client.start(container)
        begun = ""
        for piece in output:
            *whole, begun = (begun + piece.decode(errors="replace")).replace("\r", "\n").split("\n")
            for line in map(without_credentials, filter(str.strip, whole)):
                lines.append(line)
                tell(line)
        if begun.strip():
            lines.append(without_credentials(begun))
        return lines

    def _commit(self, container: str, recipe: Recipe, base: dict[str, Any]) -> None:
        config = dict(base.get("Config") or {})
        labels = {**(config.get("Labels") or {}), LABEL: "derived", "dagbook.base": recipe.base}
        # The build's own user and entry point must not become the image's; an empty list is not "take the build's".
        config.update(Labels=labels, Entrypoint=config.get("Entrypoint") or [], User=config.get("User") or "0:0")
        config.setdefault("Cmd", ["sh"])
        self._client.commit(container, repository=REPOSITORY, tag=recipe.key, conf=config)

    def _remove(self, container: str) -> None:
        from docker.errors import DockerException

        with contextlib.suppress(DockerException, OSError):
            self._client.remove_container(container, force=True, v=True)


def _summary(recipe: Recipe) -> str:
    parts = [", ".join(recipe.requirements)] if recipe.requirements else []
    return " and ".join([*parts, *(["the prerun script"] if recipe.prerun else [])])


def _script(recipe: Recipe, variables: dict[str, str]) -> str:
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    alive = f"{_INSIDE}/alive"
    watch = f"( exec 3<>{alive} 4<{alive} 3>&-; read -r line <&4 )"  # as in launch
    lines += ["set -e", f"( ( {watch}; kill -KILL -1 ) </dev/null >/dev/null 2>&1 & )"]
    if recipe.requirements:
        lines += [
            "export PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1",
            "python3 -m pip --version >/dev/null 2>&1 || python3 -m ensurepip",
            f"python3 -m pip install --no-cache-dir --no-input --progress-bar off -r {_INSIDE}/requirements 2>&1",
        ]
    if recipe.prerun:
        lines.append(f"sh -e {_INSIDE}/prerun 2>&1")
    return "\n".join(lines) + "\n"


def _failed(need: Needs, code: int, lines: deque[str]) -> Any:
    facts = {"what": f'node "{need.title}"', "exit_code": code, "lines": "\n".join(f"    {line}" for line in lines)}
    return problem("E-BUILD-FAILED", need.place, made="image", **facts)


@dataclass(frozen=True, slots=True)
class Outside:
    """What a build is shown of this machine: variables of its script, and mounts (target -> source)."""

    variables: dict[str, str]
    mounts: dict[str, str]


def host_settings(rundir: RunDir) -> Outside:
    """pip's settings on this machine, with every file and folder that they name mounted; proxies; certificates."""
    variables = {name: os.environ[name] for name in PROXIES if name in os.environ}
    mounts: dict[str, str] = {}
    settings = _pip_settings()
    bundle = settings.pop("cert", None) or next((os.environ[n] for n in _BUNDLES if os.environ.get(n)), None)
    lines = ["[global]"]
    for name, value in settings.items():
        words = [_mounted(word, name, mounts, rundir) for word in value.split()]
        lines.append(f"{name} = " + "\n    ".join(words))
    rundir.write("pip.conf", "\n".join(lines) + "\n")
    variables["PIP_CONFIG_FILE"] = f"{_INSIDE}/pip.conf"
    if bundle and Path(bundle).is_file():
        (rundir.path / "authority").touch()
        mounts[f"{_INSIDE}/authority"] = str(Path(bundle).resolve())
        variables.update(dict.fromkeys(_BUNDLES, f"{_INSIDE}/authority"))
    return Outside(variables, mounts)


def _pip_settings() -> dict[str, str]:
    """pip's settings as it reads them here (files and environment); the environment wins."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        command = [sys.executable, "-P", "-m", "pip", "config", "list"]  # -P: a pip.py in the user's folder is not pip
        listed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
        found: dict[str, str] = {}
        for line in listed.splitlines():  # the environment comes first
            name, _, value = line.partition("=")
            origin, _, option = name.rpartition(".")
            if origin in ("global", "install", ":env:") and option in (*_SETTINGS, "cert"):
                value = value.strip()[1:-1] if value[:1] in "'\"" else value
                found.setdefault(option, value.replace("\\n", "\n"))
        return found
    return {}


def _mounted(word: str, option: str, mounts: dict[str, str], rundir: RunDir) -> str:
    """`word` of a setting as the build sees it; a local folder or file that it names is mounted."""
    path = Path(word.removeprefix("file://"))
    if not path.is_absolute() or not path.exists():
        return word
    # The pages of an index point at files beside its folder.
    top = path.parent if option.endswith("index-url") else path
    target = next((t for t, source in mounts.items() if source == str(top)), "")
    if not target:
        target = f"{_INSIDE}/host{len(mounts)}"
        place = rundir.path / f"host{len(mounts)}"
        place.mkdir() if top.is_dir() else place.touch()
        mounts[target] = str(top)
    inside = target if top == path else f"{target}/{path.name}"
    return f"file://{inside}" if word.startswith("file://") else inside
