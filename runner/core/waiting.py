"""Where the node runs of a run are that have not ended, and what each of them waits for."""

from __future__ import annotations

from collections import deque


class Waiting:
    """The ids of those node runs, by what they wait for; at most `jobs` are under way."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self.queue: deque[str] = deque()  # for room, in the order in which they will start
        self.looking: set[str] = set()  # for word whether an earlier result stands for them
        self.under_way: set[str] = set()  # for the end of their attempts
        self.backing_off: set[str] = set()  # for the time of their next attempts
        self.pending: set[str] = set()  # for somebody's decision
        self.asking: set[str] = set()  # for a decision too, which their attempts asked for

    def starts(self) -> str | None:
        """The one that starts next, which is under way from now on; None while there is no room, or none waits."""
        if not self.queue or len(self.under_way) >= self._jobs:
            return None
        id = self.queue.popleft()
        self.under_way.add(id)
        return id

    def asks(self, id: str) -> None:
        """Its attempt asked for a decision: it takes no room meanwhile."""
        self.under_way.discard(id)
        self.asking.add(id)

    def goes_on(self, id: str) -> bool:
        """An attempt goes on; True when it had asked for a decision."""
        if id not in self.asking:
            return False
        self.asking.discard(id)
        self.under_way.add(id)
        return True

    def attempts(self) -> frozenset[str]:
        """Those whose attempts have begun and not ended."""
        return frozenset(self.under_way | self.asking)

    def for_people(self) -> frozenset[str]:
        """Those that somebody has to decide on."""
        return frozenset(self.pending | self.asking)

    def only_for_people(self) -> bool:
        """True when nothing can happen any more until somebody decides."""
        busy = self.under_way or self.queue or self.looking or self.backing_off
        return bool(self.for_people()) and not busy

    def give_up(self) -> list[str]:
        """All without an attempt, which wait for nothing any more."""
        idle = [*self.queue, *sorted(self.backing_off | self.looking | self.pending)]
        for waiting in (self.queue, self.backing_off, self.looking, self.pending):
            waiting.clear()
        return idle
