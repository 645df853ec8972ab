"""Deciding on pending node runs, for people: from the command line, a magic, and later the board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .core.errors import PipelineError, problem
from .core.lifecycle import Answered, NodeRun, RunState, State
from .formats.commands import going_on
from .records.bell import ring
from .records.decisions import Decision, Decisions, asked_of, check_approver
from .records.processes import alive, user_name
from .records.run_rows import ListedRun
from .records.settling import end_waiting, settle
from .records.store import Store


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided, now or before, of the pending node runs that were meant. `lives`: the run's process does."""

    run: str
    approved: bool
    decisions: tuple[tuple[Decision, bool], ...]  # each with whether it was made just now
    lives: bool
    store: Path
    outermost: str  # the run to go on with

    @property
    def as_wanted(self) -> bool:
        """True when what holds now is what was asked for."""
        return all(one.approved is self.approved for one, _ in self.decisions)

    def lines(self) -> list[str]:
        """A line for each node run, and what to do next."""
        told = []
        for one, new in self.decisions:
            before = "" if new else ", before you"
            told.append(f"{one.node_run}: {one.word} by {one.by}{before}.")
        if not self.lives and any(one.approved for one, _ in self.decisions):
            told.append(f"Nobody runs it now. Go on with: {going_on(self.store, self.outermost)}")
        return told

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON."""
        listed = [
            {"id": one.node_run, "decision": one.word, "by": one.by, "how": one.how, "new": new}
            for one, new in self.decisions
        ]
        return {"run": self.run, "decided": listed, "running": self.lives}


_LOOKED_THROUGH = 100  # runs, the latest ones


def waiting_run(store: Store, node: str) -> str:
    """The run in which `node` waits for an approval; the latest run when it waits in none.

    Raises PipelineError (E-USAGE) when it waits in several.
    """
    may_wait = (RunState.RUNNING, RunState.PENDING_APPROVAL)
    open_runs = [row for row in store.latest(_LOOKED_THROUGH) if row.state in may_wait and not row.inside]
    found = [row.id for row in open_runs if _waits(store, row, node)]
    if len(found) > 1:
        what = f'"{node}" waits in {len(found)} runs: {", ".join(found)}'
        raise PipelineError(problem("E-USAGE", what=what, hint=f"Name the one that is meant: --run {found[0]}"))
    return found[0] if found else "latest"


def _waits(store: Store, row: ListedRun, node: str) -> bool:
    try:
        return bool(asked_of(store.state_of(row.id).node_runs.values(), node))
    except PipelineError:
        return False


def decide(store: Store, wanted: str, node: str, approved: bool, by: str | None, how: str) -> Decided:
    """Approve or reject what `node` means in the run `wanted`: all its pending runs, or one by its id.

    `by` is who decides (None: the user of this process). Every decision is final: where somebody was faster, theirs
    holds. Raises PipelineError (E-RUN-UNKNOWN, E-NOT-PENDING, E-NOT-APPROVER); then nothing is decided.
    """
    row = store.run(wanted)
    settle(store, row)
    row = store.run(row.id)
    pending = asked_of(store.state_of(row.id).node_runs.values(), node)
    user = by or user_name()
    for run in pending:
        check_approver(run, user)
    if pending[0].detail.get("nested"):
        return _decide_within(store, row, pending, approved, user, how)
    decisions = Decisions(store, row.id)
    decided = tuple(decisions.decide(run.id, run.created.plan, approved, user, how) for run in pending)
    row = store.run(row.id)  # its process may have ended meanwhile
    lives = alive(row.process)
    ring(row.process.get("bell"))
    rejected = next((one for one, _ in decided if not one.approved), None)
    if rejected and not lives:
        answer = Answered(rejected.node_run, False, rejected.by, rejected.how, rejected.plan)
        title = next(run.node for run in pending if run.id == rejected.node_run)
        end_waiting(store, row, RunState.REJECTED, f'{rejected.by} rejected "{title}"', answer)
    return Decided(row.id, approved, decided, lives, store.folder, row.outermost)


def _decide_within(
    store: Store, row: ListedRun, asking: Sequence[NodeRun], approved: bool, user: str, how: str
) -> Decided:
    """Decide on all that waits in the runs that these node runs are. Raises as `decide`."""
    decided: list[tuple[Decision, bool]] = []
    for run in asking:
        within = str(run.detail["nested"]["run"])
        pending = [one for one in store.state_of(within).node_runs.values() if one.state is State.PENDING_APPROVAL]
        for one in pending:
            check_approver(one, user)
        for title in dict.fromkeys(one.node for one in pending):
            decided += decide(store, within, title, approved, user, how).decisions
    return Decided(row.id, approved, tuple(decided), alive(store.find(row.id).process), store.folder, row.outermost)
