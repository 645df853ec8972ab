"""The engine: performs what the scheduler decides. The only place where things happen at the same time.

Each event is handed to the scheduler, the facts that follow are recorded, and only then the actions are performed.
An attempt is a coroutine here and a thread of its own in the executor; ending an attempt is cancelling its coroutine.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .ahead import Ahead
from .attempt import Attempts, JobMaker, Memory, Nested, News
from .core.errors import MachineError
from .core.events import (
    Action,
    Answer,
    AttemptEnded,
    Begin,
    Cancel,
    Decision,
    End,
    Event,
    Found,
    Look,
    RetryDue,
    Start,
    TryLater,
)
from .core.lifecycle import Changed, Fact, NodeRun, RunSoFar, RunState, State
from .core.model import WITHOUT_WORK, Kind
from .core.scheduler import Scheduler
from .core.upstream import NoInput
from .records.bell import FALLBACK_SECONDS, Bell
from .records.commands import take_commands
from .records.decisions import Decisions
from .records.failpoints import failpoint
from .records.room import OF_THE_MACHINE, in_words
from .records.store import Store
from .records.store_folder import StoreBusy, StoreGone

AGAIN_SECONDS = 1.0  # after which a database that another program holds is asked for again
CANCEL_SECONDS = 5.0  # for which a run that was to end waits for it


class Engine:
    """Runs one run to its end. `run()` is awaited once, in the event loop of the run's process.

    `recorded` facts of the run are in the store already. Without `waits` it stops when nothing can happen any more
    until somebody decides on a pending node run. `nested` runs the attempts of nodes that are pipelines; `heard` is
    told what was recorded, in the event loop; in `room` attempts take their turns with those of other runs. `say` tells
    people what keeps it from going on.
    """

    def __init__(
        self,
        store: Store,
        run: str,
        scheduler: Scheduler,
        jobs: JobMaker,
        memory: Memory,
        ahead: Ahead,
        *,
        recorded: int = 0,
        waits: bool = True,
        nested: Nested | None = None,
        room: asyncio.Semaphore | None = None,
        heard: Callable[[Sequence[Fact], RunSoFar], None] | None = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._heard = heard
        self._say = say
        self._store = store
        self._memory = memory
        self._waits = waits
        self._jobs = jobs
        self._ahead = ahead
        self._attempt_of = Attempts(store, jobs, memory, ahead, nested)
        self._room = room
        self._decisions = Decisions(store, run)
        self._run = run
        self._scheduler = scheduler
        self._recorded = recorded
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._attempts: dict[str, asyncio.Task[None]] = {}
        self._looks: set[asyncio.Task[None]] = set()
        self._looking = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cancelled_at: float | None = None
        self.bell = Bell(run, self.look_for_commands)

    async def run(self, resumed_by: str = "") -> RunSoFar:
        """Begin, or begin again, go on until nothing is left to happen, and return the final state."""
        self._loop = asyncio.get_running_loop()
        poll = asyncio.create_task(self._poll_commands())
        try:
            failpoint("run.begins")
            await self._go_on([Begin(resumed_by)])
            while self._goes_on():
                await self._go_on(await self._next_events())
        finally:
            poll.cancel()
            left = [*self._attempts.values(), *self._looks]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            await self._ahead.close()
        failpoint("run.ends")
        return self._scheduler.run

    def _goes_on(self) -> bool:
        if self._scheduler.run.state not in (RunState.RUNNING, RunState.PENDING_APPROVAL):
            return False
        return self._waits or not self._events.empty() or not self._scheduler.only_waits()

    def cancel(self, reason: str) -> None:
        """Ask for the end of the run; called in the event loop."""
        self._ahead.stop()
        self._cancelled_at = self._cancelled_at or time.monotonic()
        self._events.put_nowait(Cancel(reason))

    def look_for_commands(self) -> None:
        """Take up what others have asked for in the store; called in the event loop when the bell rings."""
        with contextlib.suppress(StoreBusy):  # they are looked for again
            for verb, body in take_commands(self._store, self._run):
                if verb == "cancel":
                    self.cancel(str(body.get("reason") or "cancelled"))
        if self._scheduler.run.state is RunState.PENDING_APPROVAL:
            self._look_for_answers()

    def _look_for_answers(self) -> None:
        """Hand on what people have decided; the scheduler knows what is news."""
        for one in self._decisions.all():
            self._events.put_nowait(Answer(one.node_run, one.approved, one.by, one.how, one.plan))

    async def _poll_commands(self) -> None:
        """The fallback for a bell that nobody could ring (another machine, a lost socket)."""
        while True:
            await asyncio.sleep(FALLBACK_SECONDS)
            try:
                self.look_for_commands()
            except StoreGone as error:
                self.cancel(str(error))  # which cannot be recorded either, and so ends the run
            except MachineError:
                pass  # a busy database is asked again

    # deciding

    async def _next_events(self) -> list[Event]:
        events = [await self._events.get()]
        while not self._events.empty():  # what came meanwhile is recorded in the same transaction
            events.append(self._events.get_nowait())
        return events

    async def _go_on(self, events: list[Event]) -> None:
        facts, actions = await self._decide(events)
        self._perform(actions)
        self._ahead.follow(facts)

    async def _decide(self, events: list[Event]) -> tuple[list[Fact], list[Action]]:
        """Hand events to the scheduler and record what follows; returns it with the actions to perform."""
        facts: list[Fact] = []
        actions: list[Action] = []
        for event in events:
            decision: Decision = self._scheduler.handle(event)
            facts += decision.facts
            actions += decision.actions
        await self._record(facts)
        self.bell.ring()
        if self._heard:
            self._heard(facts, self._scheduler.run)
        self._follow_up([fact for fact in facts if isinstance(fact, Changed)])
        return facts, actions

    async def _record(self, facts: list[Fact]) -> None:
        """Record what has happened; as long as another program holds the database nothing goes on.

        That is waited for beside the event loop, where Ctrl-C is heard meanwhile. A run that was to end does so
        unrecorded, and others settle it. Raises StoreBusy then.
        """
        try:
            self._recorded = self._store.append(self._run, self._recorded, facts)
        except StoreBusy as busy:
            self._say(busy.problems[0].describe())
            self._recorded = await asyncio.to_thread(self._record_patiently, facts)

    def _record_patiently(self, facts: list[Fact]) -> int:
        while True:
            try:
                return self._store.append(self._run, self._recorded, facts, patience=AGAIN_SECONDS)
            except StoreBusy:
                if self._cancelled_at and time.monotonic() - self._cancelled_at > CANCEL_SECONDS:
                    raise

    def _follow_up(self, changes: list[Changed]) -> None:
        """What recorded changes ask for besides actions."""
        if any(change.state is State.PENDING_APPROVAL for change in changes):
            self._look_for_answers()  # it may have been decided before the run was resumed
        for change in changes:
            if change.state is State.SUCCEEDED:
                # What is not remembered is run again one day; the run itself does not suffer.
                with contextlib.suppress(MachineError, NoInput, OSError):
                    self._memory.keep(self._scheduler.run.node_runs[change.id])

    def _perform(self, actions: list[Action]) -> None:
        assert self._loop is not None
        for action in actions:
            match action:
                case Look():
                    task = self._loop.create_task(self._look(action.id), name=f"look for {action.id}")
                    self._looks.add(task)
                    task.add_done_callback(self._looks.discard)
                case Start():
                    task = self._loop.create_task(self._attempt(action), name=action.id)
                    self._attempts[action.id] = task
                case End():
                    # Not at once: a task that is cancelled before its first step never says how it ended.
                    self._loop.call_soon(self._end, action.id)
                case TryLater():
                    self._loop.call_later(action.seconds, self._events.put_nowait, RetryDue(action.id))

    def _end(self, id: str) -> None:
        if id in self._attempts:
            self._attempts[id].cancel()

    async def _look(self, id: str) -> None:
        """Look for an earlier result; one that cannot be read is none.

        One at a time, so that node runs start in the order in which they were made; a dataset may take minutes.
        """
        run = self._scheduler.run.node_runs[id]
        one_by_one = contextlib.nullcontext() if self._jobs.node_of(run.node).kind is Kind.DATA else self._looking
        try:
            async with one_by_one:
                earlier, why = await asyncio.to_thread(self._memory.find, run)
        except Exception as error:
            earlier, why = None, f"its earlier results cannot be read: {error}"
        self._events.put_nowait(Found(id, earlier, why))

    # one attempt

    async def _attempt(self, start: Start) -> None:
        """Run one attempt and say how it ended, whatever happens."""
        run = self._scheduler.run.node_runs[start.id]
        began = time.monotonic()
        try:
            news = News(self.tell, self.ring)
            async with self._turn(run):
                began = time.monotonic()
                ended = await self._attempt_of.run(start, run, news, lambda: self._attempts.pop(start.id))
            if ended is None:
                self._attempts.pop(start.id, None)
                return
        except asyncio.CancelledError:
            ended = AttemptEnded(start.id, start.attempt, State.CANCELLED, "the run was cancelled")
        except Exception as error:
            ended = AttemptEnded(start.id, start.attempt, State.FAILED, self._words_on(error))
        self._attempts.pop(start.id, None)
        detail = {**ended.detail, "duration_s": round(time.monotonic() - began, 4)}
        self._events.put_nowait(AttemptEnded(ended.id, ended.attempt, ended.state, ended.reason, detail))

    def _words_on(self, error: Exception) -> str:
        if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
            place = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else self._store.folder
            return f"this machine let it down: {in_words(error, Path(place))}"
        return f"{type(error).__name__}: {error}"

    def _turn(self, run: NodeRun) -> contextlib.AbstractAsyncContextManager[None]:
        """What an attempt waits for that shares its room with other runs; one that is a run takes no room itself."""
        works = self._jobs.node_of(run.node).kind not in WITHOUT_WORK
        return self._room if self._room and works else contextlib.nullcontext()

    # news from the threads of attempts

    def tell(self, event: Event) -> None:
        """Take an event from any thread."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._events.put_nowait, event)

    def ring(self) -> None:
        """Tell readers, from any thread, that a journal has grown."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self.bell.ring)
