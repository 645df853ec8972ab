"""What people write: a pipeline of nodes and edges, with its parameters.

One definition gives checking, YAML and JSON Schema. Everything here is frozen; a changed node is a new node.
What the machine makes of it (node runs, routes, events) stands in `lifecycle`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from .errors import PipelineError, Place, problem
from .names import clean_title, slug_of
from .values import Value, check_name, check_value, from_json, to_json

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


class Kind(StrEnum):
    """What a node is made of."""

    CELL = "cell"  # the body of a %%pipeline_node cell, run in a kernel
    COMMAND = "command"  # a shell script, run as the container's process
    NOTEBOOK = "notebook"  # a whole notebook, run in a kernel


class OnError(StrEnum):
    """What a failed node means for the others."""

    STOP_NEXT = "stop-next"  # what does not depend on it goes on
    STOP_ALL = "stop-all"  # everything is cancelled
    CONTINUE = "continue"  # its dependents run without it


class ExecutorName(StrEnum):
    """Where node runs run."""

    AUTO = "auto"  # docker when it is usable, else process
    DOCKER = "docker"  # a container per node run
    PROCESS = "process"  # a process of this machine, in a namespace where bubblewrap works


def seconds_of(text: str | float) -> float:
    """Seconds meant by `10`, `30s`, `10m`, `2h`, `1d`. Raises PipelineError (E-VALUE) for all else."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", str(text))
    if not match or float(match[1]) <= 0:
        raise PipelineError(
            problem(
                "E-VALUE",
                what=f"{text!r} is not a duration",
                hint="Write 30s, 10m, 2h or a number of seconds.",
            )
        )
    return float(match[1]) * _SECONDS.get(match[2] or "s", 1)


def bytes_of(text: str | int) -> int:
    """Bytes meant by `512m`, `2g`, `1024`, in Docker's letters. Raises PipelineError (E-VALUE) for all else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([bkmgt]?)(?:i?b)?", str(text).lower())
    if not match or float(match[1]) * _BYTES[match[2]] < 6 * 2**20:
        raise PipelineError(
            problem(
                "E-VALUE",
                what=f"{text!r} is not an amount of memory",
                hint="Write 512m, 2g or the like (6m at least).",
            )
        )
    return int(float(match[1]) * _BYTES[match[2]])


def cpus_of(text: str | float) -> float:
    """Cores meant by `0.5` or `2`. Raises PipelineError (E-VALUE) unless 0 < cores <= 4096."""
    try:
        cores = float(text)
    except ValueError:
        cores = 0.0
    if not 0 < cores <= 4096:
        raise PipelineError(
            problem("E-VALUE", what=f"{text!r} is not a number of cores", hint="Write 0.5, 1, 2 or the like.")
        )
    return cores


def check_image(image: str) -> str:
    """`image` itself, when it can be an image reference. Raises PipelineError (E-IMAGE-REF)."""
    if why := _image_fault(image):
        raise PipelineError(problem("E-IMAGE-REF", image=image[:120], why=why))
    return image


def _image_fault(image: str) -> str:
    if not image:
        return "it is empty"
    if re.search(r"\s", image):
        return "it holds white space"
    name, _, digest = image.partition("@")
    if digest and not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        return "a digest is sha256: and 64 hexadecimal digits"
    path, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        path, tag = name, ""
    if tag and not re.fullmatch(r"\w[\w.-]{0,127}", tag, re.ASCII):
        return f"{tag!r} is not a tag"
    if path != path.lower() and "." not in path.split("/")[0]:
        return "its name holds capital letters"
    part = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
    host = r"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?/)?"
    if not re.fullmatch(f"{host}{part}(?:/{part})*", path):
        return f"{path!r} is not a repository name"
    return ""


def _check_parameters(params: dict[str, Any]) -> dict[str, Any]:
    return {check_name(name): check_value(name, value) for name, value in params.items()}


def _check_grid(grid: dict[str, list[Any]]) -> dict[str, list[Any]]:
    for name, values in grid.items():
        if not values:
            raise PipelineError(problem("E-GRID-EMPTY", name=name, text=""))
        check_value(check_name(name), values)
    return grid


def _decode(data: Any) -> Any:
    return {k: from_json(v) for k, v in data.items()} if isinstance(data, dict) else data


def _encode(params: dict[str, Any]) -> dict[str, Any]:
    return {name: to_json(value) for name, value in params.items()}


Title = Annotated[str, AfterValidator(clean_title)]
Parameters = Annotated[
    dict[str, Any], BeforeValidator(_decode), AfterValidator(_check_parameters), PlainSerializer(_encode)
]
Grid = Annotated[dict[str, list[Any]], BeforeValidator(_decode), AfterValidator(_check_grid), PlainSerializer(_encode)]


class Written(BaseModel):
    """What all models share: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Node(Written):
    """One step of a pipeline, as it was written.

    `after` names the nodes before it. `params` are single values; each key of `grid` is an axis of values, and
    the node runs once per combination. `timeout` is in seconds, `memory` in bytes, `cpus` in cores.
    None stands for "as the pipeline or the settings say".
    """

    title: Title
    kind: Kind = Kind.CELL
    source: str = ""
    path: str | None = None
    after: tuple[Title, ...] = ()
    gather: tuple[Title, ...] = ()  # those of `after` whose runs are handed over all at once
    image: Annotated[str, AfterValidator(check_image)] | None = None
    requirements: tuple[str, ...] | None = None
    prerun: str | None = None
    kernel: str | None = None
    params: Parameters = Field(default_factory=dict)
    uses: tuple[str, ...] = ()  # pipeline parameters taken by name
    grid: Grid = Field(default_factory=dict)
    cpus: Annotated[float, BeforeValidator(cpus_of)] | None = None
    memory: Annotated[int, BeforeValidator(bytes_of)] | None = None
    env: dict[str, str] = Field(default_factory=dict)
    timeout: Annotated[float, BeforeValidator(seconds_of)] | None = None
    retries: int | None = Field(default=None, ge=0, le=100)
    on_error: OnError | None = None
    network: bool | None = None
    executor: ExecutorName | None = None
    cell: int | None = None  # position in the notebook it was read from, 1-based
    cell_id: str | None = None

    @property
    def slug(self) -> str:
        """The folder name: its artifact is mounted at /input/<slug>."""
        return slug_of(self.title)

    @property
    def place(self) -> Place:
        """Where the node is defined, for messages."""
        return Place(cell=self.cell, node=self.title)


class Defaults(Written):
    """What a pipeline says for all its nodes; a node's own word wins."""

    image: Annotated[str, AfterValidator(check_image)] | None = None
    requirements: tuple[str, ...] | None = None
    prerun: str | None = None
    kernel: str | None = None
    executor: ExecutorName | None = None
    network: bool | None = None
    timeout: Annotated[float, BeforeValidator(seconds_of)] | None = None
    retries: int | None = Field(default=None, ge=0, le=100)
    on_error: OnError | None = None
    cpus: Annotated[float, BeforeValidator(cpus_of)] | None = None
    memory: Annotated[int, BeforeValidator(bytes_of)] | None = None
    env: dict[str, str] = Field(default_factory=dict)


class Pipeline(Written):
    """A pipeline: nodes in definition order, the code that every kernel node starts with, the parameters."""

    name: str = "pipeline"
    nodes: tuple[Node, ...] = ()
    shared: tuple[str, ...] = ()
    parameters: Parameters = Field(default_factory=dict)
    defaults: Defaults = Defaults()
    language: str = "python"

    def node(self, title: str) -> Node:
        """The node with this title, slug, or title up to case and spacing. Raises KeyError."""
        found = self._by_name.get(title)
        return found or self._by_name[slug_of(title)]

    @cached_property
    def _by_name(self) -> dict[str, Node]:
        return {node.slug: node for node in self.nodes} | {node.title: node for node in self.nodes}

    def parameters_of(self, node: Node) -> dict[str, Value]:
        """The node's single-valued parameters, those taken from the pipeline filled in."""
        taken = {name: self.parameters[name] for name in node.uses if name in self.parameters}
        return {**taken, **node.params}
