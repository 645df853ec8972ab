"""The scheduler: events in, facts and actions out. No clock, no file, no await.

The engine tells what happened (`Begin`, `Found`, `Answer`, `AttemptRuns`, `AttemptAsks`, `AttemptEnded`, `RetryDue`,
`Cancel`); the scheduler answers with the facts to record and then the actions to perform. Which node runs come to be
is found by `expansion`; here is decided what becomes of each. The run ends when nothing is left to happen, and refuses
to end while a node run is unaccounted for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from .events import (
    Answer,
    AttemptAsks,
    AttemptEnded,
    AttemptRuns,
    Begin,
    Cancel,
    Decision,
    Earlier,
    End,
    Event,
    Found,
    Look,
    RetryDue,
    Start,
    TryLater,
)
from .expansion import Birth, Expansion
from .lifecycle import (
    BROKEN,
    PASSED,
    Answered,
    Changed,
    Fact,
    Kept,
    NodeRun,
    Pictured,
    Resumed,
    RunChanged,
    RunSoFar,
    RunState,
    State,
    Tagged,
)
from .model import OnError, Pipeline, who_decides
from .reuse import Candidate, choose
from .rules import Rules
from .waiting import Waiting

FIRST_BACK_OFF, LONGEST_BACK_OFF = 1.0, 60.0  # seconds; doubled from attempt to attempt
_OVER = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.REJECTED})


class Scheduler:
    """Decides the course of one run.

    `jobs` node runs are under way at most. `on_error` is the pipeline's rule; a node's own wins. Titles in `reused`
    are not run: of what `earlier` holds for their node runs, by id and the newest first, one result stands for each
    (`reuse`). Node runs of the titles in `looks` are looked up before they start. `run` is the state so far.

    To resume, give the state that the run had (`run`) and the ids of the node runs in it whose results are still
    there (`intact`): those of them that passed on the same plan are kept, but for the titles in `forced`.
    `contents` is part of that plan: by title what lies behind a definition's words.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        jobs: int,
        on_error: OnError = OnError.STOP_NEXT,
        reused: Iterable[str] = (),
        earlier: Mapping[str, Sequence[Candidate]] | None = None,
        *,
        looks: Collection[str] = (),
        max_runs: int | None = None,
        run: RunSoFar | None = None,
        intact: Collection[str] = (),
        forced: Collection[str] = (),
        binds: bool = True,
        contents: Mapping[str, str] | None = None,
    ) -> None:
        self.run = run or RunSoFar()
        self._nodes = {node.title: node for node in pipeline.nodes}
        self._rules = Rules(pipeline, on_error, frozenset(reused))
        self._earlier = earlier or {}
        self._looks = frozenset(looks)
        self._intact = frozenset(intact)
        self._forced = frozenset(forced)
        self._binds = binds
        self._expansion = Expansion(pipeline, self.run, max_runs, binds, contents)
        self._waiting = Waiting(jobs)
        self._decided: deque[NodeRun] = deque()  # ended for good, their children not yet created
        self._open = 0  # node runs that have not ended for good
        self._why: dict[str, str] = {}  # why no earlier result stands for a queued node run
        self._stopping: RunChanged | None = None
        self._decision = Decision()

    def handle(self, event: Event) -> Decision:
        """What follows from `event`. Raises IllegalChange for an event that cannot be."""
        self._decision = decision = Decision()
        match event:
            case Begin():
                self._begin(event)
            case Found():
                self._found(event)
            case Answer():
                self._answer(event)
            case AttemptRuns():
                self._waiting.goes_on(event.id)
                self._change(event.id, State.RUNNING, attempt=event.attempt, detail=event.detail)
            case AttemptAsks():
                self._ask(event)
            case AttemptEnded():
                self._end_attempt(event)
            case RetryDue():
                self._retry(event.id)
            case Cancel():
                self._stop(RunChanged(RunState.CANCELLED, event.reason))
            case Tagged() | Pictured():
                self._tell(event)
        self._follow()
        self._fill()
        self._finish()
        return decision

    def under_way(self) -> frozenset[str]:
        """Ids of the node runs whose attempts are being run."""
        return self._waiting.attempts()

    def queued(self) -> Iterator[NodeRun]:
        """The node runs that wait for room, in the order in which they will start."""
        return (self.run.node_runs[id] for id in self._waiting.queue)

    def only_waits(self) -> bool:
        """True when nothing can happen any more until somebody decides on a pending node run."""
        return self._waiting.only_for_people()

    def _begin(self, event: Begin) -> None:
        if event.resumed_by:
            self._tell(Resumed(event.resumed_by))
        self._tell(RunChanged(RunState.RUNNING))
        for birth in self._expansion.roots():
            self._create(birth)

    # facts

    def _tell(self, fact: Fact) -> None:
        self.run.apply(fact)
        self._decision.facts.append(fact)

    def _change(
        self, id: str, state: State, reason: str = "", attempt: int = 0, detail: Mapping[str, Any] | None = None
    ) -> None:
        self._tell(Changed(id, state, attempt, reason, detail or {}))

    # node runs come to be

    def _create(self, birth: Birth) -> None:
        created = birth.created
        self._open += 1
        if self._keeps(birth):
            self._tell(Kept(created.id))
            self._decide(self.run.node_runs[created.id])
            return
        self._tell(created)
        run = self.run.node_runs[created.id]
        if birth.state is State.WAITING:  # while planning: only the run decides
            run.reason = birth.reason
            self._decide(run)
        elif birth.state and self._verdict(run)[0] in (None, State.CACHED):  # no result stands for what may not be
            detail = {"warnings": list(birth.warnings)} if birth.warnings else None
            self._change(created.id, birth.state, birth.reason, detail=detail)
            self._after_failure(run, birth.state)
            self._decide(run)
        else:
            self._admit(run)

    def _keeps(self, birth: Birth) -> bool:
        """True when a run of before passed on the same plan and its result is still there."""
        past = self.run.past.get(birth.created.id)
        if past is None or birth.state or birth.created.node in self._forced:
            return False
        same = past.created.plan == birth.created.plan and bool(birth.created.plan)
        return same and past.state in PASSED and past.id in self._intact

    def _admit(self, run: NodeRun) -> None:
        """Send a new node run on: to a person, to the queue, or straight to where its parents' fate puts it."""
        verdict, reason = self._verdict(run)
        if verdict is None:
            approvers = self._nodes[run.node].approve
            if approvers and not self._approved(run):
                detail = {"plan": run.created.plan, "approvers": list(approvers)}
                self._change(run.id, State.PENDING_APPROVAL, f"waits for {who_decides(approvers)}", detail=detail)
                self._waiting.pending.add(run.id)
            else:
                self._enqueue(run)
            return
        if verdict is State.CACHED:
            self._reuse(run, reason)
        else:
            self._change(run.id, verdict, reason)
        self._decide(run)

    def _reuse(self, run: NodeRun, reason: str) -> None:
        """Let an earlier result stand for a node run that is not to run; in a plan a missing one is foreseen."""
        found = choose(self._earlier.get(run.id, ()), run.created, self.run.node_runs)
        if found:
            self._restore(run, found, reason)
        elif self._binds:
            self._change(run.id, State.FAILED, f'E-NO-EARLIER: no earlier run left a result of "{run.node}" here')
        else:
            self._change(run.id, State.CACHED, reason, detail={"foreseen": True})

    def _approved(self, run: NodeRun) -> bool:
        """True when somebody said yes to this plan of it before the run was resumed: a decision is final."""
        return run.answer is not None and run.answer.approved

    def _enqueue(self, run: NodeRun) -> None:
        self._change(run.id, State.QUEUED)
        if run.node in self._looks:
            self._waiting.looking.add(run.id)
            self._decision.actions.append(Look(run.id))
        else:
            self._waiting.queue.append(run.id)

    def _found(self, event: Found) -> None:
        """An earlier result stands for the node run, or it takes its place in the queue."""
        if event.id not in self._waiting.looking:
            return  # the run is being stopped
        self._waiting.looking.discard(event.id)
        run = self.run.node_runs[event.id]
        if event.earlier:
            self._restore(run, event.earlier, event.why)
            self._decide(run)
        else:
            self._why[event.id] = event.why
            self._waiting.queue.append(event.id)

    def _restore(self, run: NodeRun, found: Earlier, reason: str) -> None:
        self._change(run.id, State.CACHED, reason, detail=found.detail)
        for fact in found.logged(run.id):
            self._tell(fact)

    def _answer(self, event: Answer) -> None:
        """A person's decision; nothing else moves a pending node run on but the end of the run."""
        run = self.run.node_runs.get(event.id)
        if run is None or event.id not in self._waiting.pending or event.plan != run.created.plan:
            return
        self._waiting.pending.discard(event.id)
        self._tell(Answered(event.id, event.approved, event.by, event.how, event.plan))
        if event.approved:
            self._enqueue(run)
            return
        reason = f'{event.by} rejected "{run.node}"'
        self._change(event.id, State.REJECTED, reason)
        self._decide(run)
        self._stop(RunChanged(RunState.REJECTED, reason))

    def _ask(self, event: AttemptAsks) -> None:
        """The attempt of a pipeline waits for people: as with a node that asks, all else goes on."""
        if event.id in self._waiting.attempts():
            if self.run.node_runs[event.id].state is State.PENDING_APPROVAL:
                self._change(event.id, State.RUNNING, attempt=event.attempt)
            self._waiting.asks(event.id)
            self._change(event.id, State.PENDING_APPROVAL, event.reason, event.attempt, event.detail)

    def _verdict(self, run: NodeRun) -> tuple[State | None, str]:
        if self._stopping:
            return State.CANCELLED, self._stopping.reason
        return self._rules.verdict(run, self.run.node_runs)

    # node runs end

    def _decide(self, run: NodeRun) -> None:
        self._open -= 1
        self._decided.append(run)

    def _follow(self) -> None:
        """Create the node runs that waited for what was decided; a loop, since fates travel down long chains."""
        while self._decided:
            for birth in self._expansion.after(self._decided.popleft()):
                self._create(birth)

    def _end_attempt(self, event: AttemptEnded) -> None:
        run = self.run.node_runs[event.id]
        tried = event.attempt - run.tried_before
        if self._waiting.goes_on(event.id):
            self._change(event.id, State.RUNNING, attempt=event.attempt)
        self._waiting.under_way.discard(event.id)
        ended = event.state is State.CANCELLED and self._stopping
        self._change(event.id, event.state, ended.reason if ended else event.reason, event.attempt, event.detail)
        if event.state in BROKEN:
            if not self._stopping and tried <= self._rules.retries(run.node):
                seconds = min(FIRST_BACK_OFF * 2 ** (tried - 1), LONGEST_BACK_OFF)
                self._waiting.backing_off.add(event.id)
                self._decision.actions.append(TryLater(event.id, seconds))
                return
            self._after_failure(run, event.state)
        self._decide(run)

    def _after_failure(self, run: NodeRun, state: State) -> None:
        if state in BROKEN and self._rules.on_error(run.node) is OnError.STOP_ALL:
            self._stop(RunChanged(RunState.FAILED, f'"{run.node}" {state.replace("_", " ")}'))

    def _retry(self, id: str) -> None:
        if id in self._waiting.backing_off:
            self._waiting.backing_off.discard(id)
            self._change(id, State.QUEUED)
            self._waiting.queue.append(id)

    def _stop(self, how: RunChanged) -> None:
        """End everything: nothing new starts, what is under way is told to end."""
        if self._stopping:
            return
        self._stopping = how
        self._decision.actions.extend(End(id) for id in sorted(self._waiting.attempts()))
        for id in self._waiting.give_up():
            self._change(id, State.CANCELLED, how.reason)
            self._decide(self.run.node_runs[id])

    # the run goes on, or ends

    def _fill(self) -> None:
        """Start queued node runs while there is room."""
        while id := self._waiting.starts():
            run = self.run.node_runs[id]
            attempt = run.attempt + 1
            why = self._why.pop(run.id, "")
            self._change(run.id, State.STARTING, attempt=attempt, detail={"why": why} if why else None)
            present = {title: id for title, id in run.created.parents.items() if self._passed(id)}
            gathered = {title: tuple(filter(self._passed, ids)) for title, ids in run.created.gathered.items()}
            self._decision.actions.append(Start(run.id, attempt, present, gathered))

    def _passed(self, id: str) -> bool:
        return self.run.node_runs[id].state in PASSED

    def _finish(self) -> None:
        if self.run.state in _OVER:
            return
        if self._open:
            asking = sorted(self._waiting.for_people())
            state = RunState.PENDING_APPROVAL if asking else RunState.RUNNING
            if self.run.state is not state and not self._stopping:
                titles = dict.fromkeys(self.run.node_runs[id].node for id in asking)
                names = ", ".join(f'"{title}"' for title in titles)
                self._tell(RunChanged(state, f"{names} waits for an approval" if asking else ""))
            return
        forgotten = self._expansion.forgotten()
        assert not forgotten, f"the run may not end: no run of {forgotten} was accounted for"
        self._tell(self._stopping or _outcome(self.run))


def _outcome(run: RunSoFar) -> RunChanged:
    """How a run ends that nobody stopped."""
    broken = {State.UPSTREAM_FAILED, *BROKEN}
    for one in run.node_runs.values():
        if one.state in broken:
            return RunChanged(RunState.FAILED, f'"{one.node}" {one.state.replace("_", " ")}')
    return RunChanged(RunState.SUCCEEDED)
