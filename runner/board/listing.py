"""A run's node runs as a table: the same facts as the picture, for screen readers and for people who like lists."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..core.lifecycle import BROKEN, ENDED, State
from ..core.masking import MASK, masked
from ..records.follow import Follower, Watched
from ..view import age, because, plain, route_words, state_word, tally
from .lettering import escaped
from .palette import palette

MOST_ROWS = 300
_MOST_TAGS = 6
_LONGEST_VALUE = 40  # characters
_LONGEST_NAME = 60
_LONGEST_REASON = 300
_HEADS = ("State", "Node", "Route", "Time", "Attempts", "Tags and metrics", "Why")
_INK, _MUTE, _LINE = palette("auto").ink, palette("auto").mute, palette("auto").line
_LEAST = {"Node": 150, "Route": 110, "Tags and metrics": 140, "Why": 140}  # pixels of the columns whose words wrap


def listed_rows(follower: Follower, states: Collection[State] | None = None) -> list[Watched]:
    """The node runs that the table has a row for."""
    return _most_telling(_wanted(follower, states))[0]


def _wanted(follower: Follower, states: Collection[State] | None) -> list[Watched]:
    return [one for one in follower.listed() if states is None or one.run.state in states]


def listing_html(
    follower: Follower, now: float, states: Collection[State] | None = None, *, lines: bool = False
) -> str:
    """The table at `now`; with `states` of the node runs only that are in one of them.

    With `lines` it has the class `dagbook-lines`, for a style sheet that keeps each row on one line.
    """
    listed, wanted = follower.listed(), _wanted(follower, states)
    rows, left_out = _most_telling(wanted)
    heads = "".join(f'<th scope="col" style="{_cell(name)};color:{_MUTE}">{name}</th>' for name in _HEADS)
    body = "".join(_row(one, now) for one in rows)
    table = f"{_caption(wanted, listed, states)}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody>"
    more = f"… and {len(left_out)} more: {tally(one.run.state for one in left_out)}" if left_out else ""
    foot = f'<div style="{_FONT};color:{_MUTE};padding:4px 8px">{escaped(more)}</div>' if more else ""
    frame = f'class="dagbook-listing{" dagbook-lines" if lines else ""}" style="overflow-x:auto;min-width:0"'
    return f'<div {frame}><table style="{_TABLE}">{table}</table>{foot}</div>'


_FONT = "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:12px;line-height:1.5"
_TABLE = f"{_FONT};border-collapse:collapse;border:0;margin:0;width:100%;table-layout:auto;color:{_INK}"


def _caption(wanted: Sequence[Watched], listed: Sequence[Watched], states: Collection[State] | None) -> str:
    words = f"{len(listed)} node run{'' if len(listed) == 1 else 's'}"
    if states is not None:
        names = ", ".join(state_word(state) for state in State if state in states)
        words = f"{len(wanted)} of {words}: {names}"
    look = f"caption-side:top;text-align:left;padding:2px 8px 4px;color:{_MUTE}"
    return f'<caption style="{look}">{escaped(words)}</caption>'


def _most_telling(wanted: list[Watched]) -> tuple[list[Watched], list[Watched]]:
    """As many as the table holds, and the rest: what went wrong and what goes on first, both in the order of all."""
    ranked = sorted(range(len(wanted)), key=lambda at: _rank(wanted[at].run.state))
    first, rest = sorted(ranked[:MOST_ROWS]), sorted(ranked[MOST_ROWS:])
    return [wanted[at] for at in first], [wanted[at] for at in rest]


def _rank(state: State) -> int:
    if state in BROKEN or state in (State.REJECTED, State.PENDING_APPROVAL):
        return 0
    return 2 if state in ENDED else 1


def _cell(name: str) -> str:
    least = _LEAST.get(name)
    wraps = f"overflow-wrap:anywhere;min-width:{least}px" if least else "white-space:nowrap"
    side = "right" if name in ("Time", "Attempts") else "left"
    return f"padding:3px 8px;text-align:{side};vertical-align:top;border:0;{wraps}"


def _row(one: Watched, now: float) -> str:
    run = one.run
    mark = palette("auto").mark(run.state)
    state = f'<span style="color:{mark.text};font-weight:600">{mark.glyph} {escaped(state_word(run.state))}</span>'
    seconds = None if run.state is State.CACHED else one.seconds(now)
    cells = {
        "Route": _short(route_words(run.created.route)),
        "Time": escaped(age(max(seconds, 0.0)) if seconds is not None else ""),
        "Attempts": str(run.attempt) if run.attempt else "",
        "Tags and metrics": _tags(one),
        "Why": _why(one),
    }
    line = f"border-top:1px solid {_LINE}"
    name = f'<th scope="row" style="{_cell("Node")};{line};font-weight:600">{_short(run.node)}</th>'
    why = f' title="{cells["Why"]}"' if cells["Why"] else ""
    rest = "".join(
        f'<td style="{_cell(head)};{line}"{why if head == "Why" else ""}>{inner}</td>' for head, inner in cells.items()
    )
    return f'<tr style="background:none"><td style="{_cell("State")};{line}">{state}</td>{name}{rest}</tr>'


def _short(text: str) -> str:
    if len(text) <= _LONGEST_NAME:
        return escaped(text)
    return f'<span title="{escaped(text)}">{escaped(text[: _LONGEST_NAME - 1])}…</span>'


def _tags(one: Watched) -> str:
    """What it logged; of a metric the last value, and how many there were."""
    logged = {name: value for name, value in one.run.tags.items() if name not in one.run.created.params}
    parts = []
    for name, value in list(logged.items())[:_MOST_TAGS]:
        text = masked(name, value)
        text = f"{value:.4g}" if isinstance(value, float) and text != MASK else text
        text = text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
        points = len(one.run.metrics.get(name, ()))
        last = f' <span style="color:{_MUTE}">(last of {points})</span>' if points > 1 else ""
        parts.append(f"{escaped(f'{name[:_LONGEST_NAME]}={text}')}{last}")
    more = len(logged) - _MOST_TAGS
    return ", ".join(parts) + (f" … and {more} more" if more > 0 else "")


def _why(one: Watched) -> str:
    """Its reason, what its conditions decided, who approved, and whether it stands from before."""
    run = one.run
    parts = [plain(run.reason).splitlines()[0]] if run.reason else []
    parts += [because(run)] if because(run) else []
    parts += [f"approved by {run.answer.by}"] if run.answer and run.answer.approved else []
    parts += ["kept"] if one.kept else []
    text = " · ".join(parts)
    return escaped(text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…")
