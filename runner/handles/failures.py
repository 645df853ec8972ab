"""What a program is told of a run that did not succeed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import view
from ..core.errors import DagbookError, Place, Problem, problem
from ..core.lifecycle import NodeRun, RunState, State
from ..failing_code import Origins
from ..formats.commands import as_seen, deciding, going_on
from ..records.follow import Follower
from ..run_error import run_error
from .callers import FAILED

if TYPE_CHECKING:
    from .run import Run


class RunFailed(DagbookError):
    """A run did not succeed: a node failed, somebody ended it or said no, or it waits for an approval.

    `run` is the run; `problems` tell of each failure the node, the file and line of your code, and its traceback.
    """

    __module__ = "dagbook"
    exit_code = FAILED

    def __init__(self, run: Run, *problems: Problem) -> None:
        super().__init__(*problems)
        self.run = run

    def __str__(self) -> str:
        return view.plain(super().__str__())

    def _render_traceback_(self) -> list[str]:
        """What a notebook prints instead of our traceback: the node's own, in its colours."""
        return [super().__str__()]


def failure_of(run: Run, follower: Follower) -> RunFailed | None:
    """What is wrong with a run that is over; None when it succeeded."""
    state = follower.so_far.state
    if state is RunState.SUCCEEDED:
        return None
    if state is RunState.PENDING_APPROVAL:
        return RunFailed(run, _pending(follower))
    failed = view.failed_first(follower.so_far)
    places = [_place(follower, one) for one in failed]
    told = run_error(follower).problems
    return RunFailed(
        run, *(replace(one, place=at) for one, at in zip(told, places, strict=False)), *told[len(places) :]
    )


def _place(follower: Follower, run: NodeRun) -> Place:
    """Where the code of a node run failed: the line of the user's file, or of a cell of a live notebook."""
    found = Origins(follower).of(run)
    file = str(found.file) if found.file else None
    if found.cell:
        return Place(file, found.cell, found.line, run.node)
    node: dict[str, Any] = next(
        (one for one in follower.row.record["pipeline"]["nodes"] if one["title"] == run.node), {}
    )
    spot = node.get("code_at") or node.get("defined") or {}
    return Place(as_seen(file) if file else spot.get("file"), None, found.file_line, run.node)


def _pending(follower: Follower) -> Problem:
    store, id = follower.store.folder, follower.row.id
    pending = [run for run in follower.so_far.node_runs.values() if run.state is State.PENDING_APPROVAL]
    commands = "\n  ".join([*(deciding(store, id, run) for run in pending), going_on(store, follower.row.outermost)])
    waiting = ", ".join(f"{view.label(run)} {run.reason}" for run in pending)
    return problem("E-PENDING", Place(node=pending[0].node), run=id, waiting=waiting, commands=commands)
