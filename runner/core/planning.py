"""Planning: the node runs that a run would have, as far as they are known before it.

A plan is the scheduler, with every attempt taken to succeed at once. What such a node run would log is not known, so
what depends on that is told of once, as left to the run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .events import Action, Answer, AttemptEnded, Begin, Earlier, Event, Found, Look, Start
from .lifecycle import NodeRun, RunSoFar, State
from .model import Kind, Pipeline
from .reuse import Candidate
from .scheduler import Scheduler
from .upstream import any_foreseen

Looker = Callable[[RunSoFar, NodeRun], tuple[Earlier | None, str]]


@dataclass(slots=True)
class Planned:
    """What a run would do: the node runs, why each that runs is not taken from an earlier run, who is asked first."""

    run: RunSoFar
    why: dict[str, str] = field(default_factory=dict)
    asks: dict[str, str] = field(default_factory=dict)

    @property
    def known(self) -> list[NodeRun]:
        """The node runs that there would be for certain."""
        return [run for run in self.run.node_runs.values() if run.state not in (State.WAITING, State.SKIPPED)]

    @property
    def routes(self) -> int:
        """How many routes there would be: known node runs that no child's route carries on."""
        carried_on = {id for run in self.run.node_runs.values() for id in run.created.parents.values()}
        return sum(run.id not in carried_on for run in self.known)

    @property
    def unknown(self) -> list[str]:
        """The titles of the nodes of which only the run decides how often, and on what, they run."""
        return list(dict.fromkeys(run.node for run in self.run.node_runs.values() if run.state is State.WAITING))


def planner(
    pipeline: Pipeline,
    reused: Iterable[str] = (),
    earlier: Mapping[str, Sequence[Candidate]] | None = None,
    most: int | None = None,
    looks: Collection[str] = (),
    look: Looker | None = None,
) -> Planned:
    """The run in which everything succeeds: what `dagbook plan` lists.

    `earlier` is what may stand for the node runs of the titles in `reused`, by id; where nothing does, it is only
    foreseen that something will. `look` is asked for the earlier result of a
    node run of the titles in `looks` whose inputs are known.
    Stops early, with more than `most` node runs, when there would be more.
    """
    scheduler = Scheduler(pipeline, jobs=1, reused=reused, earlier=earlier, looks=looks if look else (), binds=False)
    planned = Planned(scheduler.run)
    to_do: deque[Action] = deque(_handle(scheduler, planned, Begin()))
    while to_do:
        action = to_do.popleft()
        if isinstance(action, Start):
            # A dataset has no tags; but where results are looked up, what it holds is a question for the run.
            data = pipeline.node(scheduler.run.node_runs[action.id].node).kind is Kind.DATA
            foreseen = not data or look is not None
            ended = AttemptEnded(action.id, action.attempt, State.SUCCEEDED, detail={"foreseen": foreseen})
            to_do.extend(_handle(scheduler, planned, ended))
        elif isinstance(action, Look) and look:
            to_do.extend(_handle(scheduler, planned, _looked(scheduler.run, planned, action.id, look)))
        if most is not None and len(scheduler.run.node_runs) > most:
            break
    return planned


def _handle(scheduler: Scheduler, planned: Planned, event: Event) -> list[Action]:
    """Hand an event on, and take every approval that is asked for as given."""
    decision = scheduler.handle(event)
    actions = list(decision.actions)
    for id, run in list(scheduler.run.node_runs.items()) if scheduler.only_waits() else ():
        if run.state is State.PENDING_APPROVAL:
            planned.asks[id] = run.reason
            actions += _handle(scheduler, planned, Answer(id, True, "", "", run.created.plan))
    return actions


def _looked(run: RunSoFar, planned: Planned, id: str, look: Looker) -> Found:
    node_run = run.node_runs[id]
    if title := any_foreseen(run.node_runs, node_run.created.before()):
        planned.why[id] = f'"{title}" runs before it'
        return Found(id)
    earlier, why = look(run, node_run)
    planned.why[id] = why
    return Found(id, earlier, why)
