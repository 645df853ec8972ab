"""The line above a run's picture: which run it is, how it stands, since when, for how long still, and the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ..core.lifecycle import NodeRun, RunState, State
from ..records.follow import Follower
from ..view import GLYPHS, age, state_word
from .estimate import Estimate
from .lettering import escaped
from .palette import palette

# How people read states: those that mean the same to them stand together, what goes on first.
GROUPS: tuple[tuple[str, tuple[State, ...]], ...] = (
    ("waiting", (State.WAITING,)),
    ("queued", (State.QUEUED,)),
    ("running", (State.RUNNING, State.STARTING)),
    ("pending approval", (State.PENDING_APPROVAL,)),
    ("succeeded", (State.SUCCEEDED,)),
    ("cached", (State.CACHED,)),
    ("failed", (State.FAILED,)),
    ("timed out", (State.TIMED_OUT,)),
    ("lost", (State.LOST,)),
    ("rejected", (State.REJECTED,)),
    ("cancelled", (State.CANCELLED,)),
    ("upstream failed", (State.UPSTREAM_FAILED,)),
    ("skipped", (State.SKIPPED,)),
)
# The state of node runs that a run's own state looks like.
LOOKS: dict[RunState, State] = {
    RunState.RUNNING: State.RUNNING,
    RunState.PENDING_APPROVAL: State.PENDING_APPROVAL,
    RunState.SUCCEEDED: State.SUCCEEDED,
    RunState.FAILED: State.FAILED,
    RunState.CANCELLED: State.CANCELLED,
    RunState.REJECTED: State.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Chip:
    """A count in the header: its word, the states that it counts (the first gives its colour), and how many."""

    word: str
    states: tuple[State, ...]
    count: int

    @property
    def glyph(self) -> str:
        """The glyph of its first state."""
        return GLYPHS[self.states[0]]


@dataclass(frozen=True, slots=True)
class Header:
    """What the header tells. Times are in seconds, `started` since the epoch; `left` is None when nobody can tell."""

    pipeline: str
    run: str
    state: RunState
    reason: str
    started: float
    elapsed: float
    left: float | None
    estimate: str
    chips: tuple[tuple[State, int], ...]  # the first state of each group, and its count
    groups: tuple[Chip, ...]
    suspended: bool = False


def ended_at(follower: Follower) -> float | None:
    """When the run ended, or when the last thing happened in one that nobody runs; None while it goes on."""
    if not follower.over:
        return None
    last = max((one.story[-1][0] for one in follower.watched.values() if one.story), default=follower.row.started)
    # The row may have been read before the end, or before the run was resumed.
    return max(last, follower.row.ended or last)


def header(follower: Follower, now: float, estimate: Estimate | None = None) -> Header:
    """The facts of the header as they are at `now`."""
    row, so_far = follower.row, follower.so_far
    ended = ended_at(follower)
    groups = chips_of(so_far.node_runs.values())
    told = estimate if ended is None else None
    return Header(
        pipeline=row.pipeline,
        run=row.id,
        state=so_far.state,
        reason=so_far.reason,
        started=row.started,
        elapsed=max((now if ended is None else ended) - row.started, 0.0),
        left=told.left if told else None,
        estimate=told.words if told else "",
        chips=tuple((chip.states[0], chip.count) for chip in groups),
        groups=groups,
        suspended=follower.suspended,
    )


def chips_of(node_runs: Iterable[NodeRun]) -> tuple[Chip, ...]:
    """The counts of these node runs, in the order in which they are read; none of nothing."""
    counted = Counter(run.state for run in node_runs)
    chips = (Chip(word, states, sum(counted[state] for state in states)) for word, states in GROUPS)
    return tuple(chip for chip in chips if chip.count)


def header_html(told: Header) -> str:
    """The whole header: words and chips."""
    chips = "".join(map(_chip_html, told.groups))
    row = "display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:6px 16px;padding:4px 0"
    right = f'<span style="display:flex;flex-wrap:wrap;gap:4px 6px">{chips}</span>' if chips else ""
    return f'<div class="dagbook-header" style="{row}">{header_words_html(told)}{right}</div>'


def header_words_html(told: Header) -> str:
    """The words without the chips: pipeline, run, state, times, and why it ended as it did."""
    colours = palette("auto")
    mark = colours.mark(LOOKS[told.state])
    word = state_word(told.state) + (", nobody runs it" if told.suspended else "")
    state = f'<b style="color:{mark.text};white-space:nowrap">{mark.glyph} {escaped(word)}</b>'
    ended = told.state not in (RunState.RUNNING, RunState.PENDING_APPROVAL)
    times = [f"started {_clock(told.started, ended)}", f"{'took ' if ended else ''}{age(told.elapsed)}", told.estimate]
    soft = "".join(f' · <span style="white-space:nowrap">{escaped(text)}</span>' for text in times if text)
    name = f'<b style="font-size:15px;color:{colours.ink};overflow-wrap:anywhere">{escaped(told.pipeline)}</b>'
    run = f'<span style="white-space:nowrap">run <code style="{_CODE}">{escaped(told.run)}</code></span>'
    why = f'<div style="overflow-wrap:anywhere">{escaped(_short(told.reason))}</div>' if told.reason else ""
    look = (
        f"color:{colours.mute};font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;line-height:1.5"
    )
    return f'<div style="{look};min-width:0">{name} &nbsp;{run} · {state}{soft}{why}</div>'


_CODE = "background:none;padding:0;color:inherit;font-size:12px;font-family:var(--jp-code-font-family,monospace)"
_LONGEST_REASON = 240


def _short(reason: str) -> str:
    line = " ".join(reason.split())
    return line if len(line) <= _LONGEST_REASON else f"{line[: _LONGEST_REASON - 1]}…"


def _clock(at: float, dated: bool) -> str:
    """When it was; with its date where the words will be read on another day."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M" if dated else "%H:%M:%S")


def _chip_html(chip: Chip) -> str:
    mark = palette("auto").mark(chip.states[0])
    border = "dashed" if mark.dash else "solid"
    look = f"border:1px {border} {mark.colour};border-radius:11px;padding:0 9px;line-height:20px;font-size:12px"
    return (
        f'<span style="{look};color:{mark.text};font-weight:600;white-space:nowrap">'
        f"{mark.glyph} {chip.count} {escaped(chip.word)}</span>"
    )
