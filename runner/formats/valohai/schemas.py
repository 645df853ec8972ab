"""The parts of a `valohai.yaml` as they are checked: which keys there are, and of what type.

What only people or Valohai's own pages read has no type (`Any`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from ...core.dialect import ArgumentType, EdgeMerge, OnChildError, SearchKind, Several, Style
from ..typed_reading import Schema, Text, Texts
from .scalars import (
    Command,
    KeepWord,
    Number,
    Seconds,
    Truth,
    Whole,
    as_list,
    as_none,
    as_word,
    as_word_with_dashes,
    as_word_with_underscores,
)


class Part(Schema):
    """A mapping whose keys are written with hyphens; a key with nothing behind it counts as absent."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, data: Any) -> Any:
        return {name: value for name, value in data.items() if value is not None} if isinstance(data, dict) else data


class Parameter(Part):
    """A parameter of a step, or what an override says of one."""

    name: Text = Field(min_length=1)
    type: Annotated[ArgumentType, BeforeValidator(as_word)] = ArgumentType.STRING
    default: Any = None
    optional: Truth = False
    min: Number | None = None
    max: Number | None = None
    choices: Annotated[tuple[Any, ...], BeforeValidator(as_list)] = ()
    pass_as: Text | None = None
    pass_true_as: Text | None = None
    pass_false_as: Text | None = None
    multiple: Annotated[Several | None, BeforeValidator(as_none)] = None
    multiple_separator: Text = ","
    widget: Any = None
    category: Any = None
    description: Any = None


class Input(Part):
    """An input of a step, or what an override says of one."""

    name: Text = Field(min_length=1, max_length=64)
    default: Texts = ()
    optional: Truth = False
    filename: Text | None = None
    keep_directories: KeepWord = "none"
    download: Any = None
    description: Any = None


class Variable(Part):
    """An environment variable."""

    name: Text = Field(min_length=1)
    default: Text | None = None
    optional: Truth = True
    description: Any = None


class Bounds(Part):
    """The least and the most of something."""

    min: Number | None = Field(default=None, gt=0)
    max: Number | None = Field(default=None, gt=0)


class Resources(Part):
    """What a step asks of its machine; memory is in megabytes."""

    cpu: Bounds = Bounds()
    memory: Bounds = Bounds()
    devices: dict[str, Annotated[Number, Field(ge=1)]] = Field(default_factory=dict)


class Overridable(Part):
    """What a node may say otherwise than its step."""

    image: Text | None = Field(default=None, min_length=1)
    command: Command | None = None
    parameters: tuple[Parameter, ...] = ()
    inputs: tuple[Input, ...] = ()
    mounts: Annotated[tuple[Any, ...], BeforeValidator(as_list)] = ()
    environment: Text | None = None
    environment_variables: tuple[Variable, ...] = ()
    runtime_config_preset: Text | None = None
    autorestart: Truth | None = None


class StepBody(Overridable):
    """What an execution runs; image and command are missing where the step is defined elsewhere."""

    name: Text = Field(default="", min_length=1)
    outputs: Any = None
    environment_variable_groups: Any = None
    cache_volumes: Any = None
    resources: Resources = Resources()
    time_limit: Seconds = None
    no_output_timeout: Seconds = None
    stop_condition: Text | None = None
    upload_store: Any = None
    source_path: Text | None = None
    description: Any = None
    category: Any = None
    icon: Any = None


class Step(StepBody):
    """A step as it is defined."""

    name: Text = Field(min_length=1)
    image: Text = Field(min_length=1)  # here it must be said
    command: Command


class Rules(Part):
    """The rules of one parameter of a task."""

    value: Any = None
    items: Annotated[tuple[Any, ...], BeforeValidator(as_list)] = ()
    start: Number | None = None
    end: Number | None = None
    step: Number | None = None
    count: Whole | None = Field(default=None, ge=1)
    base: Number = 10
    min: Number | None = None
    max: Number | None = None
    distribution: Text | None = None
    seed: Whole | None = None
    integerify: Truth = False
    numberify: Any = None


class Varied(Part):
    """A parameter that a task varies."""

    name: Text = Field(min_length=1)
    style: Annotated[Style, BeforeValidator(as_word)]
    rules: Rules


class TaskWords(Part):
    """How the executions of a task are chosen, and what a failed one means."""

    type: Annotated[SearchKind, BeforeValidator(as_word_with_underscores)] = SearchKind.GRID
    execution_count: Whole | None = Field(default=None, ge=1)
    execution_batch_size: Any = None
    maximum_queued_executions: Whole | None = Field(default=None, ge=1)
    optimization_target_metric: Text | None = None
    optimization_target_value: Number | None = None
    engine: Any = None
    on_child_error: Annotated[OnChildError | None, BeforeValidator(as_word_with_dashes)] = None
    reuse_children: Any = None


class Task(TaskWords):
    """A blueprint: a step, and how its parameters are varied."""

    name: Text = Field(min_length=1)
    step: Text = Field(min_length=1)
    parameters: tuple[Varied, ...] = ()
    parameter_sets: tuple[dict[str, Any], ...] = ()
    stop_condition: Text | None = None
    description: Any = None


class NodeType(StrEnum):
    """What a node of a pipeline is."""

    EXECUTION = "execution"
    TASK = "task"
    DEPLOYMENT = "deployment"


class OnErrorWord(StrEnum):
    """What a failed node means."""

    STOP_ALL = "stop-all"
    STOP_NEXT = "stop-next"
    CONTINUE = "continue"
    RETRY = "retry"


class ActionWords(Part):
    """An action of a node, its words not looked at yet."""

    when: Texts = Field(min_length=1)
    test: Texts = Field(default=(), alias="if")
    then: Texts = Field(min_length=1)


class AnyNode(Part):
    """What all nodes of a pipeline have."""

    name: Text = Field(min_length=1)
    type: Annotated[NodeType, BeforeValidator(as_word)]
    on_error: Annotated[OnErrorWord, BeforeValidator(as_word_with_dashes)] = OnErrorWord.STOP_ALL
    actions: tuple[ActionWords, ...] = ()


class ExecutionNode(AnyNode):
    """A node that runs a step, or for a task many times; what its step or its task is stands beside it."""

    step: Text | None = Field(default=None, min_length=1)
    task: Text | None = Field(default=None, min_length=1)
    commit: Text | None = None
    override: Overridable | None = None
    edge_merge_mode: Annotated[EdgeMerge | None, BeforeValidator(as_word)] = None


class DeploymentNode(AnyNode):
    """A node that deploys."""

    deployment: Text = Field(min_length=1)
    endpoints: Texts = ()
    aliases: Any = None


class Target(Part):
    """A parameter of a pipeline, and which parameters of nodes it gives."""

    name: Text = Field(min_length=1)
    default: Any = None
    value: Any = None  # what older files call the default
    target: Text | None = None
    targets: Texts = ()
    category: Any = None
    description: Any = None


class EdgeWords(Part):
    """An edge as a mapping."""

    source: Text
    target: Text
    configuration: Any = None


class PipelineFrame(Part):
    """A pipeline; its nodes, edges and parameters are read one by one, for their places."""

    name: Text = Field(min_length=1)
    nodes: tuple[Any, ...]
    edges: tuple[Any, ...]
    parameters: tuple[Any, ...] = ()
    reuse_executions: Any = None


class File(Part):
    """A file that a deployment gets."""

    name: Text
    path: Text
    description: Any = None


class Endpoint(Part):
    """What a deployment serves."""

    name: Text = Field(pattern=r"^[a-z][a-z0-9-]+$")
    image: Text = Field(min_length=1)
    server_command: Command | None = None
    wsgi: Text | None = None
    port: Annotated[Number, Field(ge=1025, le=65535)] = 8000
    files: tuple[File, ...] = ()
    description: Any = None
    resources: Any = None
    tolerations: Any = None
    node_selector: Any = None
    shared_volumes: Any = None
    workspace_volume: Any = None


class Deployment(Part):
    """A deployment target."""

    name: Text = Field(min_length=1)
    defaults: Any = None
