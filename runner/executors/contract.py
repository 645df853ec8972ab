"""What the engine asks of an executor, and what it gets back.

An executor prepares once (`prepare`: is the machine fit, are images and kernels there), then runs node runs
(`run`), each in a coroutine of its own. Cancelling that coroutine is cancelling the work: its `finally` leaves
no process, container, socket or temporary folder behind. The engine calls `close` when the run is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..core.errors import Place, Problem
from ..core.model import Kind
from ..core.values import Value
from ..records.secret_values import SecretValues

if TYPE_CHECKING:
    from .gate import Gate


@dataclass(frozen=True, slots=True)
class Needs:
    """What one node asks of the machine, gathered before anything starts.

    `requirements` are pip requirement specifiers, one each (files already read); `prerun` is the text of a shell
    script; `memory` is in bytes, `cpus` in cores; `source` is all code of the node, for checks.
    `kernel` is the kernelspec's name asked for, None for "Python, or the only one there is".
    """

    title: str
    kind: Kind
    image: str | None = None
    requirements: tuple[str, ...] = ()
    prerun: str = ""
    kernel: str | None = None
    language: str = "python"
    cpus: float | None = None
    memory: int | None = None
    gpus: int | None = None
    network: bool = False
    source: str = ""
    place: Place = field(default_factory=Place)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a node will run on, settled by `prepare`: the image (or interpreter) and the kernel in it.

    `reference` is what was asked for, in people's words; `digest` pins what it is now (image id; for a process, a
    digest of interpreter and installed packages). `launch` is the kernel's command line as the kernelspec says it,
    with `{connection_file}` in it; empty for "ipykernel of the image's python3". `language` as papermill knows it.
    `repo_digest` is the base image's NAME@sha256:… where it came from a registry, for the record.
    """

    reference: str
    digest: str
    kernel: str = "python3"
    language: str = "python"
    launch: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    repo_digest: str = ""


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder or file of this machine shown to the node at `target`, read-only unless said otherwise.

    `variable` names the environment variable that tells the node where it is (INPUT_PREPARE).
    """

    source: Path
    target: str
    read_only: bool = True
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt of one node run, all decided: nothing is left to look up.

    `id` is unique in the store and safe in a container's name. `notebook` is the notebook to execute (kind cell and
    notebook) and `record` where the executed one is written, also when it fails; a command's `script` gives a
    one-cell record. `output` is the fresh folder behind /output, which is also the working directory.
    `folder` is where a command starts; None is what the image says. `json_tags`: each line on stdout that is one JSON
    object logs its members. `labels` go on containers. `keep_failed`: when a cell raises, kernel and container stay
    (see `kept`). `secrets` are for the node alone; what it shows goes through `hiding`.
    """

    id: str
    node_run: str
    title: str
    kind: Kind
    runtime: Runtime
    record: Path
    output: Path
    notebook: Path | None = None
    script: str = ""
    parameters: Mapping[str, Value] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    cpus: float | None = None
    memory: int | None = None
    gpus: int | None = None
    network: bool = False
    keep_failed: bool = False
    folder: str | None = "/output"
    json_tags: bool = False
    secrets: SecretValues = field(default_factory=SecretValues, repr=False)
    warnings: tuple[str, ...] = ()  # found while the job was made; told with the outcome


# What a node run says while it runs. Executors call the reporter from any thread.


@dataclass(frozen=True, slots=True)
class Started:
    """The kernel answers (or the command runs): starting -> running."""


@dataclass(frozen=True, slots=True)
class CellStarted:
    """Cell `index` (0-based, in the notebook as it was given: the cell that papermill injects does not count) of
    `cells` begins."""

    index: int
    cells: int


@dataclass(frozen=True, slots=True)
class Output:
    """One output message of cell `index` in nbformat's shape (`output_type` stream, display_data, execute_result,
    error), or `{"output_type": "clear", "wait": bool}`, or `{"output_type": "update", "display_id": …, "data": …,
    "metadata": …}`. A display that may be updated carries `display_id` in its `transient`."""

    index: int
    message: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Logged:
    """A tag (`step` None) or a point of a metric, logged by the node."""

    name: str
    value: Value
    step: float | None = None


@dataclass(frozen=True, slots=True)
class LoggedImage:
    """An image logged by the node, one of a series as a metric's points are; `file` holds it, beside the record."""

    name: str
    step: float
    file: Path


Report = Started | CellStarted | Output | Logged | LoggedImage
Reporter = Callable[[Report], None]


@dataclass(frozen=True, slots=True)
class Failure:
    """The exception that ended a node: its name and message, the traceback as the kernel coloured it (ANSI), and the
    failing cell's position in the node's notebook (0-based; None for a command)."""

    name: str
    message: str
    traceback: tuple[str, ...] = ()
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended by itself: `ok`, or why not in words (`reason`: the user's exception in one line, "out of
    memory (limit 256 MiB)", "the kernel was killed by signal 9"). `lost` means that the work vanished for a cause
    outside of it (container removed, engine gone), so that trying again makes sense. Times in seconds. `kept` tells, as
    plain JSON, where the kernel of a failed node stays (`kept.Kept` reads it); None when nothing stays."""

    ok: bool
    reason: str = ""
    failure: Failure | None = None
    exit_code: int | None = None
    lost: bool = False
    started_after: float = 0.0  # from the call of run until the kernel answered
    ended_after: float = 0.0  # from the last cell's end until the process was gone
    warnings: tuple[str, ...] = ()
    used: Mapping[str, float] = field(default_factory=dict)  # cpu_s, memory_bytes: as far as it is known
    kept: Mapping[str, Any] | None = None


class Executor(Protocol):
    """Where node runs run. Made by `executors.choose`, used by the engine alone."""

    name: str

    @property
    def closes_network(self) -> bool:
        """Whether a node that does not ask for the network has none; known after `prepare`."""
        ...

    @property
    def holds(self) -> frozenset[Kind]:
        """Of which nodes attempts can be started ahead, to wait at a gate; known after `prepare`."""
        ...

    def prepare(self, needs: Sequence[Needs], tell: Callable[[str], None]) -> tuple[dict[str, Runtime], list[Problem]]:
        """Find or make what the nodes need, before the first one starts; blocking, called in a thread.

        Returns a runtime per node title, and the findings. `tell` is given a line of progress for long work
        (pulling, building). Raises MachineError when the machine as a whole cannot do it.
        """
        ...

    async def run(self, job: Job, report: Reporter, gate: Gate | None = None) -> Outcome:
        """Run one attempt to its end. Cancelling the coroutine ends the work, at once and wholly.

        With a `gate` the attempt is started ahead: `job` is what it is expected to be, `report` is not called, and
        when its kernel is ready it waits at the gate for the job that was decided and for whom to tell.
        Raises NotHeld, or whatever else went wrong, when it did not come as far as that.
        """
        ...

    async def close(self) -> None:
        """Finish what `run` left for later (removing containers); nothing of ours is left behind afterwards."""
        ...
