"""Images sent to a registry, with what `docker login` left in the docker configuration."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.errors import MachineError, Problem, problem
from ..core.image_names import DOCKER_HUB, registry_of, split_image
from .streamed import steps_of

if TYPE_CHECKING:
    from docker import APIClient

SILENCE_SECONDS = 60.0  # without a word about the push, it is given up
_ANONYMOUS = {"username": "", "password": ""}
_LOGIN = ("unauthorized", "authentication", "no basic auth", "denied", "forbidden", " 401", " 403")
_REACH = (
    *("connection refused", "no such host", "timeout", "deadline exceeded", "unreachable", "no route to host"),
    *("said nothing", "server misbehaving", "connection reset", "eof"),
)
_HINTS = {
    "http response to https client": "The registry speaks plain http: name it in insecure-registries of the engine's "
    "daemon.json.",
    "certificate": "The engine does not trust its certificate: put the authority's into "
    "/etc/docker/certs.d/REGISTRY/ca.crt.",
}


@dataclass(frozen=True, slots=True)
class Pushed:
    """What the registry has now: the manifest's digest; and how many layers it did not have before."""

    digest: str
    uploaded: int


def push(client: APIClient, image: str, tell: Callable[[str], None]) -> Pushed:
    """Send REPOSITORY:TAG to its registry. Raises MachineError (E-PUSH, E-PUSH-LOGIN, E-PUSH-REACH)."""
    repository, tag = split_image(image)
    registry = registry_of(repository)
    login = _login(client, image, registry)
    said, digest, uploaded = "", "", 0

    def ask() -> Any:
        return client.push(repository, tag=tag, stream=True, decode=True, auth_config=login)

    for step in steps_of(ask, SILENCE_SECONDS):
        if "error" in step:
            raise MachineError(_refused(image, registry, str(step["error"]), login is None))
        digest = str((step.get("aux") or {}).get("Digest") or digest)
        status = str(step.get("status") or "")
        uploaded += status == "Pushed"
        if (line := f"{step.get('id', '')} {status}".strip()) not in ("", said):
            said = line
            tell(f"pushing {image}: {line}")
    if not digest:
        raise MachineError(_refused(image, registry, "the engine did not say what the registry took", login is None))
    return Pushed(digest, uploaded)


def _login(client: APIClient, image: str, registry: str) -> dict[str, str] | None:
    """None where the docker configuration has credentials for the registry, which the client then sends.

    Without any, an engine wants to be told so. Raises MachineError (E-PUSH-LOGIN) when they cannot be had.
    """
    from docker import auth
    from docker.errors import DockerException

    try:
        known = auth.get_config_header(client, auth.INDEX_NAME if registry == DOCKER_HUB else registry)
    except DockerException as error:
        raise MachineError(unusable_login(image, str(error))) from None
    return None if known else _ANONYMOUS


def unusable_login(image: str, said: str) -> Problem:
    """What is told when the docker configuration names a keeper of logins that gives none."""
    hint = "Look at credsStore and credHelpers in the docker configuration (~/.docker/config.json)."
    facts: dict[str, Any] = {"registry": registry_of(split_image(image)[0]), "image": image}
    return problem("E-PUSH-LOGIN", **facts, why=_clean(said), hint=hint)


def _refused(image: str, registry: str, said: str, with_login: bool) -> Problem:
    why, signs = _clean(said), f" {said.lower()}"
    facts: dict[str, Any] = {"registry": registry, "image": image, "why": why}
    for sign, hint in _HINTS.items():
        if sign in signs:
            return problem("E-PUSH", **facts, hint=hint)
    if any(sign in signs for sign in _LOGIN):
        command = "docker login" if registry == DOCKER_HUB else f"docker login {registry}"
        had = "The login that is kept for it was not accepted, or may not write there." if with_login else ""
        return problem("E-PUSH-LOGIN", **facts, hint=f"{had} Log in first: {command}".strip())
    if any(sign in signs for sign in _REACH):
        return problem("E-PUSH-REACH", **facts)
    return problem("E-PUSH", **facts, hint="What the registry says stands above; its log may say more.")


def _clean(said: str) -> str:
    """What was said, without what an address may carry: a login before its host, a query behind its path."""
    said = re.sub(r"(\w+://)[^/\s@\"]*@", r"\1", said.strip())
    return re.sub(r"(\w+://[^\s\"?]*)\?[^\s\":]*", r"\1", said)[:300]
