"""Decisions of people: whether a pending node run may start. Each is made once, and is final.

A decision is a row of its own, so it holds whether or not the run's process lives: whoever writes it first has
decided. It is bound to the plan that was asked for; another plan of the same node run is another question.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.errors import PipelineError, nearest, problem
from ..core.lifecycle import NodeRun, State
from ..core.model import ANYBODY
from ..core.names import slug_of
from .store import Store

if TYPE_CHECKING:
    from sqlite3 import Row


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided of a node run; `at` in seconds since the epoch."""

    node_run: str
    plan: str
    approved: bool
    by: str
    how: str
    at: float

    @property
    def word(self) -> str:
        """`approved` or `rejected`."""
        return "approved" if self.approved else "rejected"


class Decisions:
    """The decisions of one run."""

    def __init__(self, store: Store, run: str) -> None:
        self._store = store
        self._run = run

    def decide(self, node_run: str, plan: str, approved: bool, by: str, how: str) -> tuple[Decision, bool]:
        """Decide, if nobody has: the decision that holds now, and whether it is this one."""
        key = (self._run, node_run, plan)
        decision = """
            insert into decisions (run, node_run, plan, approved, by, how, at) values (?, ?, ?, ?, ?, ?, ?)
            on conflict do nothing"""
        same = "select * from decisions where run = ? and node_run = ? and plan = ?"
        with self._store.writing() as rows:
            made = rows.execute(decision, (*key, int(approved), by, how, time.time())).rowcount == 1
            found = rows.execute(same, key).fetchone()
        return _decision(found), made

    def all(self) -> list[Decision]:
        """Every decision of the run, oldest first."""
        wanted = "select * from decisions where run = ? order by at"
        with self._store.reading() as rows:
            return [_decision(row) for row in rows.execute(wanted, (self._run,))]


def _decision(row: Row) -> Decision:
    return Decision(row["node_run"], row["plan"], bool(row["approved"]), row["by"], row["how"], row["at"])


def asked_of(runs: Iterable[NodeRun], wanted: str) -> list[NodeRun]:
    """The pending node runs that `wanted` means: all of a node, by title or slug, or one by its id `train#2`.

    Raises PipelineError (E-NOT-PENDING) when it means none.
    """
    known = list(runs)
    meant = [run for run in known if wanted == run.id]
    meant = meant or [run for run in known if wanted == run.node or slug_of(wanted) == slug_of(run.node)]
    pending = [run for run in meant if run.state is State.PENDING_APPROVAL]
    if pending:
        return pending
    waiting = [run.id for run in known if run.state is State.PENDING_APPROVAL]
    if meant:
        why = f'"{meant[0].node}" is not waiting for an approval: its state is {meant[0].state.replace("_", " ")}'
        if (answer := meant[0].answer) is not None:
            why += f" ({answer.by} {'approved' if answer.approved else 'rejected'} it)"
    else:
        why = f'there is no node "{wanted}" in this run'
    hint = nearest(wanted, waiting) if waiting else "Nothing waits for an approval in this run."
    raise PipelineError(problem("E-NOT-PENDING", what=why, nearest=hint))


def check_approver(run: NodeRun, user: str) -> None:
    """Raises PipelineError (E-NOT-APPROVER) unless `user` may decide on this node run."""
    listed = [str(name) for name in run.detail.get("approvers", ())]
    if ANYBODY in listed and user != ANYBODY:
        return
    if user not in listed:
        names = ", ".join(listed)
        raise PipelineError(
            problem("E-NOT-APPROVER", user=user, node_run=run.id, listed=names, nearest=nearest(user, listed))
        )
