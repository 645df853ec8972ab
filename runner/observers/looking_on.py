"""The observers of one run: a thread for each, from before the run begins until all is told or nobody waits longer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from ..core.errors import DagbookError, Problem, problem
from ..core.model import Pipeline
from ..records.follow import Follower
from ..records.store import Store
from .contract import Observer, Sight, warn

QUIET_SECONDS = 30.0  # how long an observer that makes no headway is waited for, once the run is over
LONGEST_SECONDS = 600.0  # and one that does
_UNTOLD_SECONDS = 2.0  # of waiting, of which nothing is said
_STEP = 0.2  # seconds between two looks at how it gets on


class LookingOn:
    """Runs observers beside a run: `begin`, then `over` when the run is, then `finish` waits for what is still said.

    The threads hold up no exit of the process.
    """

    def __init__(self, observers: Sequence[Observer] = (), warnings: Sequence[Problem] = ()) -> None:
        self._observers = observers
        self._warnings = warnings
        self._looking: list[_Looking] = []
        self._wakers: list[Callable[[], None]] = []
        self._over_since = 0.0

    @property
    def any(self) -> bool:
        """Whether there is an observer at all."""
        return bool(self._observers)

    def begin(self, store: Store, run: str, pipeline: Pipeline, say: Callable[[str], None]) -> None:
        """Look on from here; what was before is news to nobody."""
        for found in self._warnings:
            warn(store, run, say, found)
        for observer in self._observers:
            follower = Follower(store, run, journals=False)
            follower.update()
            self._wakers.append(follower.waker())
            self._looking.append(_Looking(observer, Sight(store, run, pipeline, follower, say)))

    def over(self) -> None:
        """Nothing more will happen."""
        self._over_since = time.monotonic()
        for one in self._looking:
            one.sight.over.set()
        for wake in self._wakers:
            wake()

    def finish(self, quiet: float = QUIET_SECONDS, longest: float = LONGEST_SECONDS) -> None:
        """Wait until all is told; who gets no further is left, and that is told. Ctrl-C ends the wait."""
        deadline = self._over_since + longest
        try:
            for one in self._looking:
                while not one.done.wait(_STEP):
                    one.tell_of_wait(time.monotonic() - self._over_since)
                    if time.monotonic() > min(deadline, max(one.observer.moved, self._over_since) + quiet):
                        break
        except KeyboardInterrupt:
            pass
        for one in self._looking:
            one.leave()


class _Looking:
    """One observer and its thread."""

    def __init__(self, observer: Observer, sight: Sight) -> None:
        self.observer = observer
        self.sight = sight
        self._told_of_wait = False
        # Not the thread is asked: Python takes one for ended when Ctrl-C interrupts who waits for it.
        self.done = threading.Event()
        threading.Thread(target=self._look_on, name=f"dagbook-{observer.name}", daemon=True).start()

    def _look_on(self) -> None:
        try:
            self.observer.begin(self.sight)
            for _ in self.sight.follower.follow(idle=True):
                self.observer.news()
                if self.sight.over.is_set():
                    break
            self.sight.over.wait()
            self.sight.follower.update()
            self.observer.end()
        except DagbookError as error:
            self._tell(*error.problems)
        except Exception as error:
            what = f"{self.observer.name} sees no more of this run: {type(error).__name__}: {error}"
            self._tell(problem("W-OBSERVER", what=what))
        finally:
            self.sight.follower.close()
            self.done.set()

    def tell_of_wait(self, seconds: float) -> None:
        """Say, once, for whom it is waited."""
        if not self._told_of_wait and seconds > _UNTOLD_SECONDS:
            self._told_of_wait = True
            self.sight.say(f"The run is over; {self.observer.name} is still being told of it. Ctrl-C does not wait.")

    def leave(self) -> None:
        """Wait no longer for what is not told yet, and say so."""
        if self.done.is_set():
            return
        self.sight.left.set()
        if found := self.observer.unsaid():
            self._tell(found)

    def _tell(self, *found: Problem) -> None:
        for one in found:
            try:
                self.sight.warn(one)
            except DagbookError:  # the store is gone: the line was printed all the same
                return
