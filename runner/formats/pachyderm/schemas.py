"""The fields of a Pachyderm pipeline spec. Those that only Pachyderm itself obeys are typed loosely and kept."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from ..typed_reading import Schema, Text
from .amounts import Code, Cores, Duration, Flag, Memory, Number, Words

Kept = Any  # whatever is there


class Project(Schema):
    """The project of a pipeline."""

    name: Text


class PipelineName(Schema):
    """Who the pipeline is."""

    name: Text
    project: Project | None = None


class SecretSpec(Schema):
    """A secret for the command."""

    name: Text
    key: Text | None = None
    mount_path: Text | None = None
    env_var: Text | None = None


class TransformSpec(Schema):
    """What is run, and in which image."""

    image: Text | None = None
    cmd: Words = ()
    err_cmd: Words = ()
    env: dict[str, Text] = Field(default_factory=dict)
    secrets: tuple[SecretSpec, ...] = ()
    stdin: Words | None = None
    err_stdin: Words | None = None
    accept_return_code: tuple[Code, ...] = ()
    user: Text | None = None
    working_dir: Text | None = None
    datum_batching: Flag = False
    image_pull_secrets: Kept = None
    debug: Kept = None
    dockerfile: Kept = None
    memory_volume: Kept = None


class TriggerSpec(Schema):
    """When a branch moves."""

    branch: Text | None = None
    all: Kept = None
    rate_limit_spec: Kept = None
    size: Kept = None
    commits: Kept = None
    cron_spec: Kept = None


class PfsSpec(Schema):
    """Files of a repository."""

    repo: Text
    name: Text | None = None
    project: Text | None = None
    repo_type: Text | None = None
    branch: Text | None = None
    commit: Text | None = None
    glob: Text | None = None
    join_on: Text = ""
    outer_join: Flag = False
    group_by: Text = ""
    lazy: Flag = False
    empty_files: Flag = False
    s3: Flag = False
    trigger: TriggerSpec | None = None
    propagation_spec: Kept = None
    reference: Kept = None


class CronSpec(Schema):
    """A repository that gains a file at each tick."""

    name: Text
    spec: Text
    repo: Text | None = None
    project: Kept = None
    commit: Kept = None
    overwrite: Kept = None
    start: Kept = None


class InputSpec(Schema):
    """One input; just one of these is said."""

    pfs: PfsSpec | None = None
    cron: CronSpec | None = None
    union: tuple[InputSpec, ...] | None = None
    cross: tuple[InputSpec, ...] | None = None
    join: tuple[InputSpec, ...] | None = None
    group: tuple[InputSpec, ...] | None = None
    atom: PfsSpec | None = None  # what pfs was called before
    git: Kept = None


class Parallelism(Schema):
    """How many workers there are."""

    constant: Number = 0
    coefficient: Kept = None
    strategy: Kept = None


class GpuSpec(Schema):
    """How many GPUs of which type."""

    type: Text | None = None
    number: Number = 0


class Resources(Schema):
    """What a worker needs, or may have at most."""

    cpu: Cores = 0.0
    memory: Memory = 0
    gpu: GpuSpec | None = None
    disk: Kept = None


class ServiceSpec(Schema):
    """A pipeline that is a server."""

    internal_port: Kept = None
    external_port: Kept = None
    ip: Kept = None
    type: Kept = None


class SpoutSpec(Schema):
    """A pipeline that takes no input and never ends."""

    service: ServiceSpec | None = None


class Reprocess(StrEnum):
    """Which datums a job does again."""

    UNTIL_SUCCESS = "until_success"
    EVERY_JOB = "every_job"


class Spec(Schema):
    """A pipeline."""

    schema_: Kept = Field(default=None, alias="$schema")
    pipeline: PipelineName
    transform: TransformSpec | None = None
    input: InputSpec | None = None
    description: Text | None = None
    parallelism_spec: Parallelism | None = None
    datum_timeout: Duration = 0.0
    job_timeout: Duration = 0.0
    datum_tries: Number = 0
    resource_requests: Resources | None = None
    resource_limits: Resources | None = None
    output_branch: Text | None = None
    egress: Kept = None
    s3_out: Flag = False
    service: ServiceSpec | None = None
    spout: SpoutSpec | None = None
    reprocess_spec: Reprocess | None = None
    salt: Text = ""
    tf_job: Kept = None
    metadata: Kept = None
    datum_set_spec: Kept = None
    chunk_spec: Kept = None  # what datum_set_spec was called before
    sidecar_resource_requests: Kept = None
    sidecar_resource_limits: Kept = None
    autoscaling: Kept = None
    scheduling_spec: Kept = None
    tolerations: Kept = None
    pod_spec: Kept = None
    pod_patch: Kept = None
    determined: Kept = None
    maximum_expected_uptime: Kept = None
    update: Kept = None
    reprocess: Kept = None
    dry_run: Kept = None
    spec_commit: Kept = None
    inputs: Kept = None  # from here on: of old versions
    standby: Kept = None
    cache_size: Kept = None
    enable_stats: Kept = None
    hashtree_spec: Kept = None
    max_queue_size: Kept = None
    scale_down_threshold: Kept = None
    incremental: Kept = None
    batch: Kept = None


NO_EFFECT = (
    "metadata",
    "datum_set_spec",
    "chunk_spec",
    "sidecar_resource_requests",
    "sidecar_resource_limits",
    "autoscaling",
    "scheduling_spec",
    "tolerations",
    "pod_spec",
    "pod_patch",
    "determined",
    "maximum_expected_uptime",
    "update",
    "reprocess",
    "dry_run",
    "spec_commit",
    "standby",
    "cache_size",
    "enable_stats",
    "hashtree_spec",
    "max_queue_size",
    "scale_down_threshold",
    "incremental",
    "batch",
)  # of a spec; kept as they are
NO_EFFECT_IN_TRANSFORM = ("image_pull_secrets", "debug", "dockerfile", "memory_volume")
