"""What a node's container looks like: everything it has, and everything that is kept from it."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..core.machine import Machine
from ..records.places import mounted_below
from .contract import Job
from .daemon import LABEL
from .engine_trouble import told
from .resources import engines_machine
from .rundir import INSIDE, STAND_INS, RunDir, helper_module, stand_ins
from .secret_folders import mounts_of

if TYPE_CHECKING:
    from docker import APIClient

GIB = 2**30
PIDS = 4096  # processes and threads: stops a fork bomb, not a big pool
SHARED_MEMORY = GIB  # for /dev/shm where no memory limit says how much
KEPT_LABEL = "dagbook.kept"  # its value: the run directory, which a keeper holds as long as it lives
TCP_PORTS = (5401, 5402, 5403, 5404, 5405)  # inside the container


@dataclass(frozen=True, slots=True)
class Engine:
    """What matters about an engine: its id, whether it maps users, whether it labels files."""

    id: str
    rootless: bool = False
    user_namespaces: bool = False
    selinux: bool = False
    machine: Machine = field(default_factory=Machine)  # that it runs containers on

    @classmethod
    def of(cls, client: APIClient) -> Engine:
        """Ask the engine."""
        info = told("tell what it is", client.info)
        names = {option.removeprefix("name=").split(",")[0] for option in info.get("SecurityOptions") or ()}
        machine = engines_machine(info, client.base_url)
        return cls(info.get("ID") or "unknown", "rootless" in names, "userns" in names, "selinux" in names, machine)

    @property
    def user(self) -> str:
        """Who nodes run as: the caller. In a rootless engine, root is the caller."""
        return "0:0" if self.rootless else f"{os.getuid()}:{os.getgid()}"


def container(
    client: APIClient,
    engine: Engine,
    job: Job,
    rundir: RunDir,
    environment: Mapping[str, str],
    *,
    stdin: bool,
    network: str | None,
) -> dict[str, Any]:
    """The arguments of `create_container` for one attempt of a node run; `network` is the one that it gets, if any."""
    ports = TCP_PORTS if rundir.transport == "tcp" else ()
    return {
        "image": job.runtime.digest if job.runtime.digest.startswith("sha256:") else job.runtime.reference,
        "command": [],
        "entrypoint": ["sh", f"{INSIDE}/launch"],
        **({"working_dir": job.folder} if job.folder else {}),
        "user": engine.user,
        "environment": {"USER": _user(), **environment},
        "labels": {LABEL: "", "dagbook.node_run": job.node_run, **_kept_label(job, rundir), **job.labels},
        # Not only NetworkMode none: without a network the engine starts a container a tenth of a second faster.
        "network_disabled": network is None,
        "ports": list(ports),
        "healthcheck": {"test": ["NONE"]},  # the image's would run beside the node
        "stop_signal": "SIGTERM",  # the image's may mean anything
        "stdin_open": stdin,  # closed by the engine when we are gone: a lifeline
        "host_config": client.create_host_config(**_host(client, engine, job, rundir, network, ports)),
    }


def _kept_label(job: Job, rundir: RunDir) -> dict[str, str]:
    """From the start on: labels cannot be added when the node has failed."""
    return {KEPT_LABEL: str(rundir.path) if job.keep_failed else ""}  # an image may have that label, too


def _host(
    client: APIClient, engine: Engine, job: Job, rundir: RunDir, network: str | None, ports: tuple[int, ...]
) -> dict[str, Any]:
    memory = job.memory
    settings: dict[str, Any] = {
        "auto_remove": True,
        "init": True,
        "mounts": _mounts(job, rundir),
        "network_mode": network or "none",
        "port_bindings": dict.fromkeys(ports, ("127.0.0.1", None)),
        "read_only": True,
        "tmpfs": {"/tmp": "rw,exec,nosuid,nodev,mode=1777" + (f",size={memory}" if memory else "")},
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges", *(["label=disable"] if engine.selinux else [])],
        "ipc_mode": "private",
        "shm_size": memory // 2 if memory else SHARED_MEMORY,
        "pids_limit": PIDS,
        "log_config": {"type": "none", "config": {}},
    }
    if engine.user_namespaces:
        settings["userns_mode"] = "host"
    if memory:
        settings.update(mem_limit=memory, memswap_limit=memory)
    if job.cpus:
        settings["nano_cpus"] = int(job.cpus * 1e9)
    if job.gpus:
        settings["device_requests"] = [{"Driver": "", "Count": job.gpus, "Capabilities": [["gpu"]]}]
    return settings


def _mounts(job: Job, rundir: RunDir) -> list[Any]:
    """All by the `Mounts` form: with `Binds`, a folder that was renamed meanwhile is silently replaced by an
    empty one; here the start fails."""
    from docker.types import Mount

    mounts = [
        Mount(INSIDE, str(rundir.path), type="bind"),
        Mount(f"{INSIDE}/lib/dagbook.py", str(helper_module()), type="bind", read_only=True),
        Mount(f"{INSIDE}/{STAND_INS}", str(stand_ins()), type="bind", read_only=True),
        Mount("/output", str(job.output), type="bind"),
    ]
    shown = (*job.mounts, *mounts_of(job, rundir))
    for one in shown:
        mounts.append(Mount(one.target, str(one.source), type="bind", read_only=one.read_only))
        # Engines before version 25 close a folder, and leave open what is mounted below it.
        for inner in mounted_below(one.source) if one.read_only else ():
            target = f"{one.target}/{inner.relative_to(one.source.resolve())}"
            mounts.append(Mount(target, str(inner), type="bind", read_only=True))
    return mounts


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
