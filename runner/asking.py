"""How a run that waits for people says whom it asks, and what they type to decide."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import view
from .core.errors import PipelineError
from .core.lifecycle import NodeRun, State
from .records.follow import Follower


@dataclass(frozen=True, slots=True)
class Question:
    """The pending runs of one node: one word decides on all of them."""

    runs: tuple[NodeRun, ...]

    @property
    def title(self) -> str:
        """The node's title."""
        return self.runs[0].node

    @property
    def words(self) -> str:
        """`publish [C=1] waits for leah or yochay`, or `publish, 3 runs, waits for …`."""
        first = self.runs[0]
        name = view.label(first) if len(self.runs) == 1 else f"{first.node}, {len(self.runs)} runs,"
        return f"{name} {first.reason}"

    @property
    def ids(self) -> str:
        """The ids by which one of several is decided alone; empty for a single one."""
        return ", ".join(run.id for run in self.runs) if len(self.runs) > 1 else ""

    def command(self, run: str, verb: str = "approve") -> str:
        """What decides in a terminal: `dagbook approve 10c7e5ad publish --by leah`."""
        return f"dagbook {verb} {run} {shlex.quote(self.title)} --by {self._user}"

    def magic(self, run: str) -> str:
        """What decides in the notebook: `%pipeline_approve publish --by leah --run 10c7e5ad`."""
        return f"%pipeline_approve {shlex.quote(self.title)} --by {self._user} --run {run}"

    @property
    def _user(self) -> str:
        """The first of those who may decide."""
        return shlex.quote(str((self.runs[0].detail.get("approvers") or ["USER"])[0]))


def questions(runs: Iterable[NodeRun]) -> list[Question]:
    """What is asked of people now: a question for each node with pending runs."""
    pending: dict[str, list[NodeRun]] = {}
    for run in runs:
        if run.state is State.PENDING_APPROVAL:
            pending.setdefault(run.node, []).append(run)
    return [Question(tuple(found)) for found in pending.values()]


def store_words(follower: Follower) -> str:
    """` --store PATH` where a command typed here would look into another store; else empty."""
    from .formats.settings import find_store

    folder = follower.store.folder.resolve()
    try:
        if find_store().resolve() == folder:
            return ""
    except PipelineError:  # the settings of this place are broken; the path is right all the same
        pass
    near = folder.is_relative_to(Path.cwd())
    return f" --store {shlex.quote(os.path.relpath(folder) if near else str(folder))}"


def next_steps(follower: Follower) -> list[str]:
    """For a run that nobody runs while it waits: the commands that decide, and the one that goes on."""
    run, at = follower.row.id, store_words(follower)
    lines = []
    for asked in questions(follower.so_far.node_runs.values()):
        lines.append(f"approve: {asked.command(run)}{at}")
        lines.append(f"reject:  {asked.command(run, 'reject')}{at}")
        lines += [f"         for one of them alone name it: {asked.ids}"] if asked.ids else []
    return [*lines, f"go on:   dagbook resume {run}{at}"]
