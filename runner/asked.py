"""What somebody wants run, as plain data, made of a pipeline and the settings in force."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import Field

from .around import Around
from .contracts.planned import with_contracts
from .core.model import Compute, Defaults, ExecutorName, OnError, Pipeline
from .core.written import Written
from .formats.mlflow_address import own_files
from .formats.nested import with_nested
from .formats.settings import Settings, setting_names


class Asked(Written):
    """What somebody wants run, as plain data; it crosses to the run process as JSON.

    `folder` is what relative paths mean; `file` the notebook, `keep_out` files and folders that are no part of the
    project snapshot. `code` is a folder, "none", or None for the notebook's folder. `nodes`, `start`, `until` and
    `force` are titles.
    """

    pipeline: Pipeline
    folder: Path
    file: Path | None = None
    text: str | None = None  # what the file held when it was read, where that is known
    keep_out: tuple[Path, ...] = ()
    executor: ExecutorName = ExecutorName.AUTO
    image: str
    build_network: str | None = None
    transport: str = "auto"
    jobs: int = 1
    ahead: int = 0  # how many node runs may be started ahead of their time
    on_error: OnError | None = None
    code: str | None = None
    max_runs: int = 10_000
    env: dict[str, str] = Field(default_factory=dict)
    computes: dict[str, Compute] = Field(default_factory=dict)  # templates by name
    origins: dict[str, str] = Field(default_factory=dict)  # where each setting comes from, as `Settings.origin`
    data_hosts: tuple[str, ...] = ()  # private hosts that datasets may be fetched from
    allowed_images: tuple[str, ...] = ()  # patterns of those that nodes may run in; none: all
    secrets: str | None = None  # the folder of secrets; None: the user's own
    secret_command: str | None = None  # prints a secret
    nodes: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    until: tuple[str, ...] = ()
    force: tuple[str, ...] = ()  # titles whose earlier results do not stand for them
    cache: bool = True
    waits: bool = True  # for people's decisions, when nothing else is left to do
    keep_failed: bool = False  # the kernel of a failed node stays, for `dagbook attach`
    started_by: str = "dagbook run"
    flags: dict[str, str] = Field(default_factory=dict)  # settings given as flags: they stand above what pipelines say
    around: Around | None = None  # of a run that is a node of another one
    codes: dict[str, str] = Field(default_factory=dict)  # of a resumed run: project snapshots of pipelines within it


def ask(pipeline: Pipeline, settings: Settings, folder: Path, **more: Any) -> Asked:
    """What is to be run of `pipeline` under these settings; `more` are further fields of `Asked`.

    A flag overrules what the pipeline says for all its nodes; a node's own word stands above both.
    """
    flags = {n: getattr(settings, n) for n in ("executor", "image") if settings.from_where(n) == f"--{n}"}
    defaults = Defaults.model_validate({**pipeline.defaults.model_dump(), **flags})
    keep_out = (*more.pop("keep_out", ()), *own_files(settings.mlflow, folder.absolute(), os.environ))
    told = with_contracts(with_nested(pipeline, folder), folder, settings.compute, settings.executor)
    return Asked(
        pipeline=told.model_copy(update={"defaults": defaults}),
        folder=folder,
        executor=ExecutorName(settings.executor),
        image=settings.image,
        build_network=settings.build_network,
        transport=settings.transport,
        jobs=settings.jobs,
        ahead=settings.ahead,
        code=settings.code,
        max_runs=settings.max_runs,
        env=dict(settings.env),
        data_hosts=tuple(settings.data_hosts),
        allowed_images=tuple(settings.allowed_images),
        secrets=settings.secrets,
        secret_command=settings.secret_command,
        computes=dict(settings.compute),
        keep_out=keep_out,
        flags={name: str(value) for name, value in flags.items()},
        origins={name: settings.from_where(name) for name in setting_names()},
        **more,
    )


def first(*values: Any) -> Any:
    """The first of `values` that is not None; None when all are."""
    return next((value for value in values if value is not None), None)
