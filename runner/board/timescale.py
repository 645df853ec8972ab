"""From times to places on a line: cuts where nothing happened for long, and ticks at round numbers of seconds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Span = tuple[float, float]

MOST_CUTS = 6
_CUT_WIDTH = 0.03  # of the whole width
_LONG = 0.25  # of all the time in which something happened: a longer pause is cut
_SHORTEST_CUT = 10.0  # seconds
_MOST_TICKS = 8
_NEAREST = 0.07  # of the whole width that two ticks are apart at least
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis: its place from 0 to 1 and its words."""

    place: float
    words: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Places from 0 to 1 for times; made of knots, between which time goes evenly. `cuts` are drawn narrower."""

    times: tuple[float, ...]
    places: tuple[float, ...]
    cuts: tuple[Span, ...] = ()

    @property
    def begin(self) -> float:
        """The time at place 0."""
        return self.times[0]

    @property
    def end(self) -> float:
        """The time at place 1."""
        return self.times[-1]

    def __call__(self, at: float) -> float:
        """The place of a time; what lies outside stands at the nearer end."""
        if at <= self.begin:
            return 0.0
        if at >= self.end:
            return 1.0
        left = bisect_right(self.times, at) - 1
        (t0, t1), (x0, x1) = self.times[left : left + 2], self.places[left : left + 2]
        return x0 + (x1 - x0) * (at - t0) / (t1 - t0)

    def ticks(self) -> tuple[Tick, ...]:
        """Marks at round times since the beginning, none in a cut and none too near to the one before."""
        drawn = self.end - self.begin - sum(end - begin for begin, end in self.cuts)
        share = 1.0 - _CUT_WIDTH * len(self.cuts)
        step = next((step for step in _STEPS if drawn / step <= _MOST_TICKS * share), 7 * 86400)
        found: list[Tick] = []
        for since in self._round_times(step):
            place = self(self.begin + since)
            if (not found or place - found[-1].place >= _NEAREST) and place <= 1.0:
                found.append(Tick(place, clock(since, step)))
        return tuple(found)

    def _round_times(self, step: float) -> Iterator[float]:
        """The multiples of `step` outside of the cuts, in seconds since the beginning."""
        begin = self.begin
        for cut_begin, cut_end in (*self.cuts, (self.end, self.end)):
            number = -(-(begin - self.begin) // step)
            while number * step + self.begin <= cut_begin + 1e-9:
                yield number * step
                number += 1
            begin = cut_end


def scale(begin: float, end: float, busy: Iterable[Span]) -> Scale:
    """The scale from `begin` to `end`; long pauses between the `busy` spans are cut."""
    end = max(end, begin + 0.1)
    cuts = _cuts(begin, end, busy)
    left = end - begin - sum(over - since for since, over in cuts)
    times, places = [begin], [0.0]
    per_second = (1.0 - _CUT_WIDTH * len(cuts)) / left
    for since, over in cuts:
        places += [places[-1] + (since - times[-1]) * per_second]
        places += [places[-1] + _CUT_WIDTH]
        times += [since, over]
    if times[-1] >= end:  # the last cut goes to the end
        return Scale(tuple(times), (*places[:-1], 1.0), tuple(cuts))
    return Scale((*times, end), (*places, 1.0), tuple(cuts))


def _cuts(begin: float, end: float, busy: Iterable[Span]) -> list[Span]:
    """The longest pauses; a little is left uncut on both sides of each, so that its neighbours can be told apart."""
    pauses: list[Span] = []
    total, reached = 0.0, begin
    for since, over in sorted(busy):
        if since > reached:
            pauses.append((reached, since))
        total += max(over - max(since, reached), 0.0)
        reached = max(reached, over)
    if end > reached:
        pauses.append((reached, end))
    margin = total * 0.02
    long = [one for one in pauses if one[1] - one[0] > max(total * _LONG, _SHORTEST_CUT) and total > 0]
    longest = sorted(long, key=lambda one: one[0] - one[1])[:MOST_CUTS]
    return [(since + margin, over - margin) for since, over in sorted(longest)]


def clock(seconds: float, step: float) -> str:
    """A time since the beginning as an axis tells it: `0.2 s`, `40 s`, `1:20`, `2:05:00`, `3 d 4 h`."""
    if seconds < 60 and step < 60:
        return f"{seconds:.1f} s" if step < 1 else f"{seconds:.0f} s"
    whole = round(seconds)
    days, hours, minutes, rest = whole // 86400, whole // 3600, whole % 3600 // 60, whole % 60
    if step >= 3600 and days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}" if step < 60 else f"{hours}:{minutes:02d} h"
    return f"{minutes}:{rest:02d}" if step < 60 else f"{minutes} min"
