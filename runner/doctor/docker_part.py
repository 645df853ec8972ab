"""The Docker engine and the image that nodes run in: asked, and tried by a container."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..core.errors import MachineError
from ..executors.containers import Engine
from .findings import Finding, note, ok, trouble
from .subject import Subject

if TYPE_CHECKING:
    from docker import APIClient

    from ..executors.image_contents import Seen

REGISTRY_SECONDS = 5  # in which a registry is to say whether it has an image
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}  # as kernels call them, and as images do


def docker_part(subject: Subject) -> Iterator[Finding]:
    """The engine, then the image, then a container of it; nothing of it where nodes are to be processes."""
    executor, origin = subject.settings.executor, subject.settings.from_where("executor")
    if executor == "process":
        subject.why_not = f"executor is {executor} ({origin})"
        yield ok("docker", f"not asked, because {subject.why_not}")
        return
    from ..executors.daemon import connect

    began = time.monotonic()
    try:
        client = connect()
    except MachineError as error:
        found = error.problems[0]
        yield _lacking(subject, "docker", found.message, found.hint)
        return
    with contextlib.closing(client):
        engine = Engine.of(client)
        if client.base_url.startswith("http+docker://"):  # over a unix socket
            subject.engine_root = str(client.info().get("DockerRootDir") or "")
        yield from _engine(client, engine, time.monotonic() - began)
        yield from _image(subject, client, engine)


def _lacking(subject: Subject, part: str, why: str, fix: str, **facts: Any) -> Finding:
    """Containers are not to be had: a problem for who asked for them by name, else nodes are processes."""
    subject.containers, subject.why_not = False, why.partition(": ")[0]
    return (trouble if subject.wants_containers else note)(part, why, fix, **facts)


def _engine(client: APIClient, engine: Engine, seconds: float) -> Iterator[Finding]:
    from ..executors.daemon import address

    info: dict[str, Any] = client.info()
    version: dict[str, Any] = client.version()
    podman = any("podman" in str(one.get("Name")).lower() for one in version.get("Components") or ())
    facts = {
        "engine": "Podman" if podman else "Docker",
        "version": info.get("ServerVersion"),
        "api": version.get("ApiVersion"),
        "address": address(),
        "rootless": engine.rootless,
        "storage": info.get("Driver"),
        "cgroups": info.get("CgroupVersion"),
        "answers_s": round(seconds, 2),
    }
    parts = [f"{facts['engine']} {facts['version']}", f"API {facts['api']}", str(facts["storage"])]
    words = ", ".join([*parts, *(["rootless"] if engine.rootless else [])])
    yield ok("docker", f"{words}, at {facts['address']}", **facts)
    limits = [line.removeprefix("WARNING: ") for line in info.get("Warnings") or () if "support" in line]
    if limits:
        fix = "Limits that nodes ask for (--memory, --cpus) are not kept; see the engine's documentation on cgroups."
        yield note("docker", f"the engine says: {'; '.join(limits)}", fix)


def _image(subject: Subject, client: APIClient, engine: Engine) -> Iterator[Finding]:
    """The default image: here, or to be had; what is in it; whether a container of it starts and is reached."""
    reference = subject.settings.image
    base, why = inspected(client, reference)
    if base is None:
        if not why and not (why := registry_lacks(client, reference)):
            subject.containers = True
            yield ok("image", f"{reference} is not here yet; its registry has it, and the first run pulls it")
            return
        yield _lacking(subject, "image", f"{reference} is not here and cannot be pulled: {why}", _other_image(client))
        return
    facts = {"image": reference, "id": base.get("Id"), "size": base.get("Size")}
    fault, contents = _contents(subject, client, reference, base)
    if fault:
        fix = "Choose another image: --image, DAGBOOK_IMAGE, or image = in dagbook.toml."
        yield _lacking(subject, "image", f"{reference}: {fault}", fix, **facts)
        return
    wanted, got = _machine_of(client), base.get("Architecture")
    if wanted and got and wanted != got:
        fix = f"Pull the one for {wanted}: docker pull --platform linux/{wanted} {reference}"
        yield note("image", f"{reference} is made for {got}, and runs slowly on {wanted}", fix, **facts)
    else:
        yield ok("image", f"{reference}: {contents}", **facts)
    yield _container(subject, client, engine, base)


def inspected(client: APIClient, reference: str) -> tuple[dict[str, Any] | None, str]:
    """What the engine knows of an image; None where it has none, and then why it could not be asked, if so."""
    from docker.errors import DockerException, ImageNotFound

    try:
        return client.inspect_image(reference), ""  # type: ignore[no-untyped-call]
    except ImageNotFound:
        return None, ""
    except DockerException as error:
        return None, _said(error)


def registry_lacks(client: APIClient, reference: str) -> str:
    """Why the image could not be pulled, as its registry or the way there says; empty when it could. Pulls nothing."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    before, client.timeout = client.timeout, REGISTRY_SECONDS
    try:
        client.inspect_distribution(reference)  # type: ignore[no-untyped-call]
        return ""
    except DockerException as error:
        return _said(error)
    except RequestException:
        return f"its registry did not answer within {REGISTRY_SECONDS} seconds"
    finally:
        client.timeout = before


def _said(error: Exception) -> str:
    text = str(getattr(error, "explanation", None) or error).strip()
    return text if len(text) <= 200 else f"{text[:199]}…"


def _other_image(client: APIClient) -> str:
    here = sorted({tag for one in client.images() for tag in one.get("RepoTags") or () if "<none>" not in tag})
    here = [tag for tag in here if not tag.startswith("dagbook/derived:")]
    listed = f" Here are: {', '.join(here[:4])}{' …' if len(here) > 4 else ''}." if here else ""
    return f"Pull or build it, or choose another: --image, DAGBOOK_IMAGE, or image = in dagbook.toml.{listed}"


def _contents(subject: Subject, client: APIClient, reference: str, base: dict[str, Any]) -> tuple[str, str]:
    """What is wrong with what is in the image, or else what it is."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    from ..executors.images import Images

    try:
        seen = Images(client, reference, subject.settings.build_network).look(str(base["Id"]))
    except (DockerException, RequestException) as error:
        return f"no container of it starts: {_said(error)}", ""
    return _kernel_in(seen)


def _kernel_in(seen: Seen) -> tuple[str, str]:
    if seen.refused or not seen.shell:
        return seen.refused or "no sh is found in it", ""
    if seen.broken:
        return f"its python3 does not run ({seen.broken})", ""
    if seen.ipykernel:
        return "", "python3 with ipykernel is in it"
    if seen.kernels:
        return "", f"its kernels are {', '.join(sorted(seen.kernels))}"
    if seen.python:
        return "", "python3 is in it; the first run makes an image with ipykernel of it"
    return "there is neither a Jupyter kernel nor python3 in it, so it runs commands only", ""


def _machine_of(client: APIClient) -> str:
    named = str(client.info().get("Architecture") or "")
    return _MACHINES.get(named, named)


def _container(subject: Subject, client: APIClient, engine: Engine, base: dict[str, Any]) -> Finding:
    """Starts a container that mounts a folder of ours and reads from it, as every node's does."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    from ..executors.engine_trouble import BrokenOff
    from ..executors.transport import sockets_cross

    began = time.monotonic()
    try:
        cross = sockets_cross(client, engine, str(base["Id"]))
    except (DockerException, RequestException, BrokenOff, OSError) as error:
        fix = "Look at the engine's own log (journalctl -u docker), and whether `docker run` works."
        return _lacking(subject, "container", f"none could be started: {_said(error)}", fix)
    seconds = time.monotonic() - began
    subject.containers = True
    facts = {"sockets_cross": cross, "seconds": round(seconds, 2)}
    if cross:
        return ok("container", f"one started and answered through the mounted folder ({seconds:.1f} s)", **facts)
    fix = "Nothing is to be done: it is so where an engine runs in a virtual machine. Nodes can reach the network then."
    words = "one started, but unix sockets do not reach it: kernels are reached by TCP on loopback ports"
    return note("container", words, fix, **facts)
