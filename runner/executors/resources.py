"""What there is where nodes run, GPUs for a node, and what an attempt used.

The processor time and the peak of memory that an attempt used are told by the node itself as it ends: a kernel in
its farewell, a command's launcher when the command is over. Of a plain process of this machine the system tells it.
"""

from __future__ import annotations

import contextlib
import glob
import math
import os
import re
import resource
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..core.errors import MachineError, PipelineError, Problem, raise_errors
from ..core.machine import Machine, chosen, shortage
from ..core.model import WITHOUT_WORK, Compute, ExecutorName, Pipeline
from .contract import Needs

USED = "used"  # the file in the run directory that tells what was used
_LONGEST = 4096  # bytes of it that are read: a node may write there what it likes
_UNLIMITED = 2**60  # as a limit of a control group, about this means none
_DEVICES = "/dev/nvidia[0-9]*"

# After a command in a container: `times` prints its shell's and its children's processor time (user, system), then
# comes the peak of the container's memory, in the second or the first form of control groups. Elsewhere than in a
# container the control group is not the node's own.
MEASURE = """{
times
for file in /sys/fs/cgroup/memory.peak /sys/fs/cgroup/memory/memory.max_usage_in_bytes; do
    [ -r "$file" ] && read -r peak <"$file" && echo "memory $peak" && break
done
}"""


def shortages(needs: Sequence[Needs], machine: Machine) -> list[Problem]:
    """E-RESOURCE for each node that asks for more than the machine has."""
    return [
        found
        for need in needs
        for found in shortage(need.title, need.place, machine, need.cpus, need.memory, need.gpus)
    ]


def machine_of(executor: ExecutorName) -> Machine:
    """What there is where this executor runs nodes; `auto` is Docker where an engine answers, else this machine."""
    if executor is not ExecutorName.PROCESS:
        from .daemon import connect

        try:
            client = connect()
        except MachineError as error:
            if executor is ExecutorName.DOCKER:
                return Machine(absent=error.problems[0].message)
            return this_machine()
        try:
            return engines_machine(client.info(), client.base_url)
        finally:
            client.close()
    return this_machine()


def with_computes(
    pipeline: Pipeline, templates: Mapping[str, Compute], executor: ExecutorName, skipped: Collection[str] = ()
) -> tuple[Pipeline, dict[str, str]]:
    """The pipeline with what compute templates give filled in, and the template that each node got, by title.

    `executor` is for nodes that name none; nodes in `skipped` do not run. Asks the engine only when a node names a
    template. Raises PipelineError (E-COMPUTE, E-RESOURCE) with all findings.
    """
    found: list[Problem] = []
    names: dict[str, str] = {}
    nodes = []
    machines = cache(machine_of)
    for node in pipeline.nodes:
        if node.title not in skipped and node.kind not in WITHOUT_WORK:
            try:
                node, name = chosen(node, pipeline.defaults, templates, lambda named: machines(named or executor))
                names |= {node.title: name} if name else {}
            except PipelineError as error:
                found += error.problems
        nodes.append(node)
    raise_errors(found)
    return (pipeline.model_copy(update={"nodes": tuple(nodes)}) if names else pipeline), names


def resource_problems(pipeline: Pipeline, executor: ExecutorName, skipped: Collection[str] = ()) -> list[Problem]:
    """E-RESOURCE for each node whose numbers are more than there is where it would run; as `with_computes`."""
    found = []
    defaults, machines = pipeline.defaults, cache(machine_of)
    for node in pipeline.nodes:
        cpus = defaults.cpus if node.cpus is None else node.cpus
        memory = defaults.memory if node.memory is None else node.memory
        gpus = defaults.gpus if node.gpus is None else node.gpus
        if node.title in skipped or node.kind in WITHOUT_WORK or (cpus, memory, gpus) == (None, None, None):
            continue
        machine = machines(node.executor or defaults.executor or executor)
        found += shortage(node.title, node.place, machine, cpus, memory, gpus)
    return found


def engines_machine(info: Mapping[str, Any], address: str) -> Machine:
    """The machine of a Docker engine, by what it tells of itself; it need not be this one."""
    devices = [str(one.get("ID")) for one in info.get("DiscoveredDevices") or ()]
    gpus: int | None = sum(bool(re.fullmatch(r"nvidia\.com/gpu=\d+", device)) for device in devices)
    if not gpus and "nvidia" in (info.get("Runtimes") or {}):
        here = address.startswith("http+docker://")  # over a unix socket
        gpus = len(glob.glob(_DEVICES)) or None if here else None  # the engine does not say how many
    return Machine(info.get("NCPU") or None, info.get("MemTotal") or None, gpus)


def this_machine() -> Machine:
    """What processes of this machine may use: its cores and memory, less where a control group allows less."""
    cores = float(os.cpu_count() or 1)
    if sys.platform == "linux":
        cores = float(len(os.sched_getaffinity(0)))
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = [value for value in map(_number, _memory_limits()) if value is not None and value < _UNLIMITED]
    return Machine(min([cores, *_core_limits()]), int(min([memory, *limits])), len(_visible_gpus()))


def _memory_limits() -> list[str]:
    places = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
    return [text for path in places if (text := _read(path))]


def _core_limits() -> list[float]:
    quotas = [_read("/sys/fs/cgroup/cpu.max").split()]
    quotas += [[_read(f"/sys/fs/cgroup/cpu/cpu.cfs_{name}_us") for name in ("quota", "period")]]
    pairs = [[_number(text) for text in quota] for quota in quotas]
    return [pair[0] / pair[1] for pair in pairs if len(pair) == 2 and pair[0] and pair[1] and pair[0] > 0]


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None  # "max"


def _visible_gpus() -> list[str]:
    """The GPUs that a process here may use, as CUDA_VISIBLE_DEVICES names them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name for name in chosen.split(",") if name.strip() and name.strip() != "-1"]
    count = len(glob.glob(_DEVICES))
    if not count and (asking := shutil.which("nvidia-smi")):  # a machine in Windows has no such devices
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            told = subprocess.run([asking, "-L"], capture_output=True, text=True, timeout=10, check=False).stdout
            count = len(re.findall(r"(?m)^GPU \d+:", told))
    return [str(number) for number in range(count)]


def gpu_variables(gpus: int | None, *, container: bool) -> dict[str, str]:
    """The variables that show a node the GPUs it asked for: none of them for 0, nothing changed for None.

    In a container the engine gives GPUs; only hiding needs the variables, from images that ask for all by themselves.
    """
    if gpus is None or (container and gpus):
        return {}
    shown = {"CUDA_VISIBLE_DEVICES": ",".join(_visible_gpus()[:gpus])}
    return {**shown, "NVIDIA_VISIBLE_DEVICES": "void"} if container else shown


def gpu_devices() -> list[str]:
    """The device files that a process with GPUs needs."""
    return sorted(glob.glob("/dev/nvidia*"))


def read_used(folder: Path) -> dict[str, float]:
    """What the node left in the run directory on what it used: `cpu_s`, seconds of processor time, and
    `memory_bytes`, the peak; empty when it left nothing that can be read."""
    try:
        descriptor = os.open(folder / USED, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return {}
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return {}
        text = file.read(_LONGEST).decode("ascii", "replace")
    times = [60 * float(m) + float(s) for m, s in re.findall(r"\b(\d{1,9})m(\d{1,9}(?:\.\d{1,9})?)s", text)]
    found = {"cpu_s": sum(times)} if times else {}
    if memory := re.search(r"(?m)^memory (\d{1,15})$", text):
        found["memory_bytes"] = float(memory[1])
    return {name: round(value, 3) for name, value in found.items() if math.isfinite(value)}


class Measured(subprocess.Popen[bytes]):
    """A child process whose use of processor and memory is known once it was waited for."""

    _usage: resource.struct_rusage | None = None

    def wait(self, timeout: float | None = None) -> int:
        """As `Popen.wait`, without a timeout; in any number of threads."""
        assert timeout is None
        with self.__dict__.setdefault("_one_waits", threading.Lock()):
            if self.returncode is None:
                _, status, self._usage = os.wait4(self.pid, 0)
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def used(self) -> dict[str, float]:
        """`cpu_s` and `memory_bytes` of it and of all that it waited for; empty before `wait`."""
        usage = self._usage
        if usage is None:
            return {}
        unit = 1 if sys.platform == "darwin" else 1024
        return {"cpu_s": round(usage.ru_utime + usage.ru_stime, 3), "memory_bytes": float(usage.ru_maxrss * unit)}
