"""How a run that waits for people says whom it asks, and what they type to decide."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import view
from .core.lifecycle import NodeRun, State
from .core.model import ANYBODY
from .formats.commands import command


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

    def command(self, store: Path, run: str, verb: str = "approve") -> str:
        """What decides in a terminal: `dagbook approve 10c7e5ad publish --by leah`."""
        return command(store, verb, run, self.title, *self._by)

    def magic(self, run: str) -> str:
        """What decides in the notebook: `%pipeline_approve publish --by leah --run 10c7e5ad`."""
        return "%" + shlex.join(["pipeline_approve", self.title, *self._by, "--run", run])

    @property
    def _by(self) -> tuple[str, ...]:
        """The first of those who may decide, as it is typed; nothing where anybody may: whoever types it is known."""
        user = str((self.runs[0].detail.get("approvers") or ["USER"])[0])
        return () if user == ANYBODY else ("--by", user)


def questions(runs: Iterable[NodeRun]) -> list[Question]:
    """What is asked of people now: a question for each node with pending runs, these in the order of their routes."""
    pending: dict[str, list[NodeRun]] = {}
    for run in runs:
        if run.state is State.PENDING_APPROVAL:
            pending.setdefault(run.node, []).append(run)
    return [Question(tuple(sorted(found, key=lambda run: run.created.coordinates))) for found in pending.values()]
