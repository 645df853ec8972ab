"""The parts of a cnvrg file as they are checked: which keys there are, and of what type.

What has no type here (`Any`) is judged by hand, for a better message, or is only kept.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from ..typed_reading import Schema, Text, Texts

TRUTHS = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}


def as_truth(value: Any) -> Any:
    """The words that are truth values in YAML 1.1, which cnvrg reads."""
    return TRUTHS.get(value.lower(), value) if isinstance(value, str) else value


Truth = Annotated[bool, Field(strict=True), BeforeValidator(as_truth)]


class Dialect(StrEnum):
    """The two ways in which cnvrg writes a flow."""

    FLOW = "flow"  # as the editor exports it
    BLUEPRINT = "blueprint"  # as its library of components has it


class TaskType(StrEnum):
    """What a task is."""

    DATA = "data"
    EXEC = "exec"
    DEPLOY = "deploy"


class Language(StrEnum):
    """In what an endpoint's function is written."""

    PYTHON = "python_3"
    R = "r_endpoint"


class Top(Schema):
    """The keys of both dialects beside the tasks."""

    tasks: list[Any]
    relations: list[Any]
    schedule: Text | None = None
    recurring: Text | None = None
    description: Any = None


class FlowTop(Top):
    """A file that begins with `flow:`."""

    flow: Text
    next_run_utc: Any = None


class BlueprintTop(Top):
    """A file that begins with `title:`."""

    title: Text
    version: Any = None
    long_description: Any = None
    author: Any = None
    author_email: Any = None
    tags: Any = None
    icon: Any = None


class Relation(Schema):
    """What leads from one task to another."""

    model_config = ConfigDict(extra="ignore")

    from_: Text = Field(alias="from")
    to: Text


class Head(Schema):
    """What each task has; the rest is not looked at."""

    model_config = ConfigDict(extra="ignore")

    title: Text
    type: TaskType


class Task(Schema):
    """What tasks of all types may have."""

    title: Text
    type: TaskType
    description: Any = None
    icon: Any = None
    top: Any = None
    left: Any = None


class DataTask(Task):
    """A dataset."""

    dataset: Text
    data_commit: Text | None = None
    data_query: Text | None = None
    use_cached: Truth = False


class Working(Task):
    """What exec and deploy tasks share."""

    computes: Texts = ()
    image: Text | None = None
    conditions: list[Any] = Field(default_factory=list)
    git_branch: Text | None = None
    git_commit: Text | None = None
    requirements: Any = None  # a truth value in a flow, in a blueprint what the machine must have
    library: Text | None = None
    library_version: Any = None
    language: Any = None
    kind: Any = None
    use_cached: Any = None
    confirmation: Any = None
    sync_type: Any = None
    input_example: Any = None
    input_schema: Any = None
    output_schema: Any = None


class ExecTask(Working):
    """A command."""

    input: Text | None = None
    command: Text | None = None
    params: Any = None
    mount_folders: Texts = ()
    periodic_sync: Truth | None = None
    restart_if_stuck: Truth | None = None
    prerun: Truth = True
    output_dir: Text | None = None
    notify_on_error: Truth | None = None
    notify_on_success: Truth | None = None
    emails: Texts = ()
    single_mode: Truth = False  # cnvrg's own name for it stands nowhere; this one is ours


class DeployTask(Working):
    """A model that is served."""

    file_name: Text
    function_name: Text
    endpoint_title: Text | None = None
    endpoint_id: Text | None = None
    env_setup: Language | None = None
    min_replica: Any = None
    max_replica: Any = None
    config_vars: Texts = ()
    accept_files: Truth = False
    command: Any = None
    prep_file: Any = None
    prep_function: Any = None
    gunicorn_config: Any = None
    flask_config: Any = None


class Param(Schema):
    """A parameter; only its keys are of interest."""

    key: Any = None
    value: Any = None
    values: Any = None  # in a blueprint
    type: Any = None


class Asked(Schema):
    """A condition, or an approval."""

    model_config = ConfigDict(extra="ignore")

    objective: Text
    target: Any = None
    task: Text | None = None
    tag_key: Text | None = None
    value: Any = None


DESCRIBING = frozenset(
    {"description", "icon", "library_version", "language", "kind", "input_example", "input_schema", "output_schema"}
)
WITHOUT_EFFECT = frozenset(
    {"use_cached", "confirmation", "sync_type", "periodic_sync"}
    | {"library", "prep_file", "prep_function", "gunicorn_config", "flask_config"}
)
