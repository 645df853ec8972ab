"""The parts of the API call that creates a pipeline. Its keys are written with hyphens or with underscores."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from ...core.dialect import EdgeMerge, OnChildError, SearchKind
from ..typed_reading import Text, Texts
from .scalars import Command, Seconds, Truth, Whole, as_word, as_word_with_dashes, as_word_with_underscores
from .schemas import AnyNode, Part, Rules


class Call(Part):
    """The call; its nodes, edges and parameters are read one by one, for their places."""

    title: Text = Field(default="pipeline", min_length=1)
    nodes: tuple[Any, ...]
    edges: tuple[Any, ...]
    parameters: dict[str, Any] = Field(default_factory=dict)
    project: Text | None = None
    tags: Any = None


class RuntimeConfig(Part):
    """How an execution is watched."""

    no_output_timeout: Seconds = None
    autorestart: Truth | None = None


class SearchConfig(Part):
    """How many executions a task has."""

    engine: Any = None
    execution_count: Whole | None = Field(default=None, ge=1)
    execution_batch_size: Any = None
    optimization_target_metric: Text | None = None
    optimization_target_value: float | None = None


class Template(Part):
    """What an execution or a task is made of."""

    step: Text | None = None
    commit: Text | None = None
    image: Text | None = None
    command: Command | None = None
    inputs: dict[str, Texts] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)
    environment: Text | None = None
    environment_variables: dict[str, Text] = Field(default_factory=dict)
    environment_variable_groups: Any = None
    runtime_config: RuntimeConfig = RuntimeConfig()
    inherit_environment_variables: Any = None
    time_limit: Seconds = None
    stop_condition: Text | None = None
    tags: Any = None
    priority: Any = None
    type: Annotated[SearchKind, BeforeValidator(as_word_with_underscores)] = SearchKind.GRID
    on_child_error: Annotated[OnChildError | None, BeforeValidator(as_word_with_dashes)] = None
    maximum_queued_executions: Whole | None = Field(default=None, ge=1)
    stop_expression: Text | None = None
    allow_reuse: Any = None
    configuration: SearchConfig = SearchConfig()


class CallExecution(AnyNode):
    """An execution or a task: by template, or an earlier one that is taken again."""

    template: Any = None
    reuse_execution_id: Any = None
    mimic: Any = None
    edge_merge_mode: Annotated[EdgeMerge | None, BeforeValidator(as_word)] = None


class EndpointConfig(Part):
    """Whether an endpoint is served."""

    enabled: Truth = True


class CallDeployment(AnyNode):
    """A deployment by its id."""

    deployment: Text = Field(min_length=1)
    commit: Text | None = None
    endpoint_configurations: dict[str, EndpointConfig] = Field(default_factory=dict)
    aliases: Any = None


class CallEdge(Part):
    """An edge in six parts."""

    source_node: Text
    source_type: Text
    source_key: Text
    target_node: Text
    target_type: Text
    target_key: Text
    configuration: Any = None


class CallParameter(Part):
    """A parameter of the pipeline: what it gives, and its value."""

    config: Any = None
    expression: Any = None


class Expression(Part):
    """A value, or several, by a style and its rules."""

    style: Any
    rules: Rules
