"""Runs that were started earlier or elsewhere: from the command line, in a notebook, by another program."""

from __future__ import annotations

from pathlib import Path

from ..formats.settings import find_store
from ..records.settling import listed
from ..records.store import Store
from .callers import told_at_the_call
from .run import Run


@told_at_the_call
def open_run(run: str = "latest", *, store: Path | str | None = None) -> Run:
    """The run with this id, or with this beginning of an id, or the latest one.

    `store` is the folder of the store; else it is found as commands find it: the setting, or the nearest `.dagbook` at
    or above the working directory. Raises PipelineError (E-RUN-UNKNOWN, E-STORE), MachineError.
    """
    opened = Store(find_store(store), create=False)
    return Run(opened, opened.find(run).id)


@told_at_the_call
def runs(*, store: Path | str | None = None, pipeline: str | None = None, most: int = 20) -> list[Run]:
    """The latest runs of a store, newest first, at most so many; of the pipeline with this name, if one is given.

    The store is found as `open_run` finds it. Raises PipelineError (E-STORE), MachineError.
    """
    opened = Store(find_store(store), create=False)
    return [Run(opened, row.id) for row in listed(opened, most, pipeline)]
