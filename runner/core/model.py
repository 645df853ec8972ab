"""What people write: a pipeline of nodes and edges, with its parameters.

One definition gives checking, YAML and JSON Schema. Everything here is frozen; a changed node is a new node.
What the machine makes of it (node runs, routes, events) stands in `lifecycle`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from .artifact_names import check_artifact_name
from .dialect import (
    Action,
    Argument,
    Datums,
    Dialect,
    EdgeMerge,
    Search,
    Secret,
    Serving,
    Setup,
    Slot,
    Transform,
)
from .edge import Condition, Edge, Port, Title, Titles
from .errors import PipelineError, Place, problem
from .names import slug_of
from .notify import Notify
from .quantities import bytes_of, check_image, cpus_of, seconds_of
from .spot import Spot
from .values import Value, check_key, check_name, check_value, from_json, to_json
from .written import Written

ANYBODY = "*"  # an approver whom everybody is


def who_decides(approvers: Sequence[str]) -> str:
    """Those who may decide, in words: `leah or yochay`, `anybody`."""
    return "anybody" if ANYBODY in approvers else " or ".join(approvers)


class Kind(StrEnum):
    """What a node is made of."""

    CELL = "cell"  # the body of a %%pipeline_node cell, run in a kernel
    COMMAND = "command"  # a shell script, run as the container's process
    NOTEBOOK = "notebook"  # a whole notebook, run in a kernel
    DATA = "data"  # a dataset: a local path or a URL, shown at /data/<name>; nothing runs
    DEPLOY = "deploy"  # a model that is served; until dagbook serves models it only says what it would serve
    PIPELINE = "pipeline"  # another pipeline, run as a run of its own: what a notebook node is that defines nodes


WITHOUT_WORK = frozenset({Kind.DATA, Kind.DEPLOY, Kind.PIPELINE})  # nothing of these runs in an executor


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


def _check_parameters(params: dict[str, Any]) -> dict[str, Any]:
    return {check_key(name): check_value(name, value) for name, value in params.items()}


def _check_grid(grid: dict[str, list[Any]]) -> dict[str, list[Any]]:
    for name, values in grid.items():
        if not values:
            raise PipelineError(problem("E-GRID-EMPTY", name=name, text=""))
        check_value(check_key(name), values)
    return grid


def _decode(data: Any) -> Any:
    return {k: from_json(v) for k, v in data.items()} if isinstance(data, dict) else data


def _encode(params: dict[str, Any]) -> dict[str, Any]:
    return {name: to_json(value) for name, value in params.items()}


WHERE = frozenset({"cell", "cell_id", "defined", "code_at"})  # fields that tell where a node was read from
UNNAMED = "pipeline"  # what a pipeline is called that nobody named
FARTHEST = 100_000  # pixels from the top and from the left of a picture

Parameters = Annotated[
    dict[str, Any], BeforeValidator(_decode), AfterValidator(_check_parameters), PlainSerializer(_encode)
]
Grid = Annotated[dict[str, list[Any]], BeforeValidator(_decode), AfterValidator(_check_grid), PlainSerializer(_encode)]


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
    after: Titles = ()
    gather: Titles = ()  # those of `after` whose runs are handed over all at once
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
    single: bool = False  # ignores its parents' permutations and artifacts
    when: tuple[Condition, ...] = ()
    approve: tuple[str, ...] = ()  # who may let it start; empty: nobody is asked
    notify: Notify | None = None  # of which of its ends people are told
    edges: tuple[Edge, ...] = ()  # those into this node that were written with it (--input)
    cache: bool | None = None  # False: an earlier result never stands for it
    gpus: int | None = Field(default=None, ge=0)
    compute: tuple[str, ...] | None = None  # compute templates, tried in order
    git: str | None = None  # url@ref: a repository, cloned to /cnvrg
    url: str | None = None  # a data node's source, when it is no local path
    pin: str | None = None  # a data node's version: the sha256 that it must have
    dataset: str | None = (
        None  # a data node's source, when it is a dataset of the store: NAME, NAME@BRANCH, NAME@COMMIT
    )
    # A data node's source, when it is what earlier node runs left: RUN/NODE of the store, side by side.
    artifacts: tuple[Annotated[str, AfterValidator(check_artifact_name)], ...] = ()
    query: str | None = None  # which of the dataset's files: a saved query or a glob
    dialect: Dialect | None = None  # the contract by which it runs; None: dagbook's own
    command_lines: tuple[int, ...] = ()  # `source` is several commands, each to succeed: how many lines each has
    slots: tuple[Slot, ...] = ()
    edge_merge: EdgeMerge | None = None
    arguments: tuple[Argument, ...] = ()
    transform: Transform | None = None
    secrets: tuple[Secret, ...] = ()
    actions: tuple[Action, ...] = ()
    search: Search | None = None
    datums: Datums | None = None
    setup: Setup | None = None
    serving: Serving | None = None
    publishes: str | None = None  # the dataset of the store to which each success is committed: NAME@BRANCH
    silence: Annotated[float, BeforeValidator(seconds_of)] | None = None  # seconds without output that end it
    stop: str | None = None  # an expression over metadata that ends it early, as a success
    unresolved: tuple[str, ...] = ()  # why it cannot run here; an error only when it is to run
    origin: dict[str, Any] = Field(default_factory=dict)  # what only its own system knows of it, for the way back
    top: int | None = Field(default=None, ge=0, le=FARTHEST)  # where its card stands in a picture, in pixels;
    left: int | None = Field(default=None, ge=0, le=FARTHEST)  # None: as the layout says
    cell: int | None = None  # position in the notebook it was read from, 1-based
    cell_id: str | None = None
    defined: Spot | None = None  # the call that defined it, when a program has built the pipeline
    code_at: Spot | None = None  # where the first line of its source stands, when that is part of a program

    @model_validator(mode="after")
    def _named_as_in_code(self) -> Self:
        if self.kind in (Kind.CELL, Kind.NOTEBOOK, Kind.PIPELINE):  # there they become variables
            for name in (*self.params, *self.grid):
                check_name(name)
        return self

    @property
    def slug(self) -> str:
        """The folder name: its artifact is mounted at /input/<slug>."""
        return slug_of(self.title)

    @property
    def place(self) -> Place:
        """Where the node is defined, for messages."""
        if self.defined:
            return Place(file=self.defined.file, line=self.defined.line, node=self.title)
        return Place(cell=self.cell, node=self.title)


class Compute(Written):
    """A compute template (`[compute.NAME]` in dagbook.toml): what it gives where the node itself says nothing."""

    image: Annotated[str, AfterValidator(check_image)] | None = None
    cpus: Annotated[float, BeforeValidator(cpus_of)] | None = None
    memory: Annotated[int, BeforeValidator(bytes_of)] | None = None
    gpus: int | None = Field(default=None, ge=0)
    executor: ExecutorName | None = None


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
    secrets: tuple[Secret, ...] = ()
    cache: bool | None = None
    gpus: int | None = Field(default=None, ge=0)
    compute: tuple[str, ...] | None = None
    git: str | None = None


class Pipeline(Written):
    """A pipeline: nodes in definition order, the code that every kernel node starts with, the parameters.

    `targets` leads a parameter to parameters of nodes that are called otherwise, or where nothing takes it by name.
    """

    name: str = UNNAMED
    nodes: tuple[Node, ...] = ()
    shared: tuple[str, ...] = ()
    parameters: Parameters = Field(default_factory=dict)
    defaults: Defaults = Defaults()
    language: str = "python"
    edges: tuple[Edge, ...] = ()  # those that stand by themselves (%pipeline_edge)
    targets: dict[str, tuple[tuple[Title, str], ...]] = Field(default_factory=dict)
    schedule: str | None = None  # a date and time at which it is to run, as YYYY-MM-DDTHH:MM
    recurring: str | None = None  # cron
    origin: dict[str, Any] = Field(default_factory=dict)  # what only its own system knows of it, for the way back

    @cached_property
    def all_edges(self) -> tuple[Edge, ...]:
        """Every edge of Valohai's kinds, wherever it was written."""
        return (*(edge for node in self.nodes for edge in node.edges), *self.edges)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with these fields changed; what was worked out from the original is worked out anew."""
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied

    def node(self, title: str) -> Node:
        """The node with this title, slug, or title up to case and spacing. Raises KeyError."""
        found = self._by_name.get(title)
        return found or self._by_name[slug_of(title)]

    @cached_property
    def _by_name(self) -> dict[str, Node]:
        return {node.slug: node for node in self.nodes} | {node.title: node for node in self.nodes}

    def parameters_of(self, node: Node) -> dict[str, Value]:
        """The node's parameters that are no grid: those taken from the pipeline, its own, those that edges fill."""
        if not (node.uses or self.all_edges or self.targets):  # thousands of nodes are asked for this several times
            return dict(node.params)
        taken = {name: self.parameters[name] for name in node.uses if name in self.parameters}
        taken |= {name: self.parameters[given] for name, given in self._given_by_target.get(node.slug, ())}
        edges = (edge for edge in self.edges_into(node.title) if edge.target_port is Port.PARAMETER)
        filled = {edge.target_key: f"{{{{ {edge.source}.{edge.source_key} }}}}" for edge in edges}
        return {**node.params, **taken, **filled} if self.targets else {**taken, **node.params, **filled}

    @cached_property
    def _given_by_target(self) -> dict[str, list[tuple[str, str]]]:
        """By slug of a node: its parameters that a parameter of the pipeline gives, each with the name of that one."""
        found: dict[str, list[tuple[str, str]]] = {}
        for given, targets in self.targets.items():
            for title, name in targets:
                if given in self.parameters:
                    found.setdefault(slug_of(title), []).append((name, given))
        return found

    def edges_into(self, title: str) -> tuple[Edge, ...]:
        """The edges of Valohai's kinds that end at the node, but for those that begin there too."""
        return self._edges_by_target.get(slug_of(title), ())

    @cached_property
    def _edges_by_target(self) -> dict[str, tuple[Edge, ...]]:
        found: dict[str, tuple[Edge, ...]] = {}
        for edge in self.all_edges:
            target = slug_of(edge.target)
            if slug_of(edge.source) != target:
                found[target] = (*found.get(target, ()), edge)
        return found
