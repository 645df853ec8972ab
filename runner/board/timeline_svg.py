"""A timeline as SVG inside HTML.

Places across are in percent, so that it fills any width while its text keeps its size.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core.lifecycle import BROKEN, State
from ..view import GLYPHS, age, state_word
from .lettering import FONT, escaped, shortened, width_of
from .palette import palette
from .spans import Bar, Doing
from .timeline import Row, Timeline

_NAMES = 290  # pixels of the column of names
_TOOK = 64  # pixels in it for how long
_HEAD = 24  # pixels of the axis
_ROW = 22  # pixels of a row with one lane; each further lane adds the height of one
_LANE = 9
_MOST_ON_PATH = 7  # titles of the critical path that are spelled out
_SIZE = 12  # pixels of the text

_COLOURS = palette("auto")


def timeline_html(timeline: Timeline) -> str:
    """The timeline with what explains it below. Its page holds `palette.theme_style` for a dark theme."""
    if not timeline.rows:
        return f'<div style="{_words_style()};padding:6px 0">Nothing has started yet.</div>'
    tops, height = _tops(timeline.rows)
    foot = _foot_height(timeline)
    whole = height + foot
    names = "".join(_name_svg(row, top) for row, top in zip(timeline.rows, tops, strict=True))
    chart = "".join(_chart(timeline, tops, height))
    about = escaped(f"Timeline of {age(timeline.seconds)}, {len(timeline.rows)} rows; the list tells the same in words")
    look = f"display:block;font-family:{escaped(FONT)};font-size:{_SIZE}px"
    return (
        f'<div class="dagbook-timeline" style="min-width:0"><div style="display:flex;align-items:flex-start">'
        f'<svg width="{_NAMES}" height="{whole}" style="{look};flex:none" aria-hidden="true">{names}</svg>'
        f'<svg role="img" aria-label="{about}" width="100%" height="{whole}" '
        f'style="{look};flex:1 1 0;min-width:0;overflow:visible;margin-right:14px">{chart}</svg></div>'
        f"{_below(timeline)}</div>"
    )


def _hatch_svg(place: str, y: float, height: float) -> str:
    """Slanted stripes: a broad broken line. A pattern would have a name, and of two in a page with the same name the
    first is taken, also where it stands in an output that is hidden, which draws nothing."""
    look = f'style="stroke:{_COLOURS.marks[State.FAILED].on}" stroke-opacity=".65" stroke-dasharray="2.8 5.7"'
    middle, slant = f"{height / 2:.1f}", f'transform="translate({height:.1f} 0) skewX(-45)" pointer-events="none"'
    return (
        f'<svg {place} y="{y:.1f}" height="{height:.1f}"><line x1="{-height:.1f}" x2="100%" y1="{middle}" '
        f'y2="{middle}" stroke-width="{height:.1f}" {look} {slant}/></svg>'
    )


def _words_style() -> str:
    return f"color:{_COLOURS.mute};font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:12px"


def _tops(rows: tuple[Row, ...]) -> tuple[list[float], float]:
    """Where each row begins, and where the last one ends."""
    tops, at = [], float(_HEAD)
    for row in rows:
        tops.append(at)
        at += _height(row)
    return tops, at


def _height(row: Row) -> int:
    return _ROW + _LANE * max(len(row.lanes) - 2, 0)


# the column of names


def _name_svg(row: Row, top: float) -> str:
    mark = _COLOURS.mark(row.state)
    y = top + _ROW / 2 + 4
    bold = ' font-weight="600"' if row.critical else ""
    title, route = _fitting(row, _NAMES - 22 - _TOOK - 6)
    after = f'<tspan style="fill:{_COLOURS.mute}" font-weight="400"> {escaped(route)}</tspan>' if route else ""
    took, glyph = _took_words(row), mark.glyph or GLYPHS[State.WAITING]
    return (
        f"<g><title>{escaped(_whole(row))}</title>"
        f'<text x="10" y="{y:.0f}" text-anchor="middle" style="fill:{mark.text}" font-weight="600">{glyph}</text>'
        f'<text x="22" y="{y:.0f}" style="fill:{_COLOURS.ink}"{bold}>{escaped(title)}{after}</text>'
        f'<text x="{_NAMES - 10}" y="{y:.0f}" text-anchor="end" style="fill:{_COLOURS.mute}">{escaped(took)}</text></g>'
    )


def _fitting(row: Row, room: float) -> tuple[str, str]:
    """Title and route, shortened to the room there is. Titles repeat in a grid: one leaves its route two thirds."""
    if not row.route:
        return shortened(row.node, room, _SIZE, row.critical), ""
    of_title = max(room - width_of(f" {row.route}", _SIZE), room / 3)
    title = shortened(row.node, of_title, _SIZE, row.critical)
    return title, shortened(row.route, room - width_of(f"{title} ", _SIZE, row.critical), _SIZE)


def _took_words(row: Row) -> str:
    if row.seconds > 0:
        return age(row.seconds)
    if row.state is State.PENDING_APPROVAL:
        return "asks"
    return state_word(row.state) if row.state in (State.CACHED, State.QUEUED) else ""


def _whole(row: Row) -> str:
    """All that a row is about, for when the mouse rests on it."""
    state = state_word(row.state) if row.state else "still to come"
    parts = [f"{row.node} [{row.route}]" if row.route else row.node, state]
    parts += [age(row.seconds)] if row.seconds else []
    parts += ["on the critical path"] if row.critical else []
    return " · ".join(parts)


# the chart


def _chart(timeline: Timeline, tops: list[float], height: float) -> Iterator[str]:
    yield from _grid(timeline, height)
    for row, top in zip(timeline.rows, tops, strict=True):
        yield from _row_svg(timeline, row, top)
    if timeline.now is not None:
        place = timeline.scale(timeline.now)
        x, y = _percent(place), height + _foot_height(timeline) - 4
        yield f'<line x1="{x}" x2="{x}" y1="{_HEAD - 4}" y2="{height:.0f}" style="stroke:{_now()}" stroke-width="2"/>'
        yield _label(place, y, "now", f'style="fill:{_now()}" font-weight="600"')


def _now() -> str:
    return _COLOURS.marks[State.FAILED].text


def _foot_height(timeline: Timeline) -> int:
    return 4 + 15 * bool(timeline.scale.cuts) + 15 * (timeline.now is not None)


def _grid(timeline: Timeline, height: float) -> Iterator[str]:
    for tick in timeline.scale.ticks():
        x = _percent(tick.place)
        yield f'<line x1="{x}" x2="{x}" y1="{_HEAD - 6}" y2="{height:.0f}" style="stroke:{_COLOURS.line}"/>'
        yield _label(tick.place, 13, tick.words, f'style="fill:{_COLOURS.mute}"')
    for since, until in timeline.scale.cuts:
        left, right = timeline.scale(since), timeline.scale(until)
        yield (
            f'<rect x="{_percent(left)}" width="{_percent(right - left)}" y="{_HEAD - 6}" '
            f'height="{height - _HEAD + 6:.0f}" style="fill:{_COLOURS.line}" fill-opacity=".55">'
            f"<title>{escaped(f'{age(until - since)} in which nothing ran')}</title></rect>"
        )
        yield _label((left + right) / 2, height + 13, f"⋯ {age(until - since)}", f'style="fill:{_COLOURS.mute}"')


def _label(place: float, y: float, words: str, look: str) -> str:
    """Words below or above a place, inside of the picture also at its ends."""
    anchor = "start" if place < 0.03 else "end" if place > 0.97 else "middle"
    return f'<text x="{_percent(place)}" y="{y:.0f}" text-anchor="{anchor}" {look}>{escaped(words)}</text>'


def _row_svg(timeline: Timeline, row: Row, top: float) -> Iterator[str]:
    lanes = len(row.lanes)
    inner = _height(row) - 8
    height = 12.0 if lanes == 1 else inner / lanes - 1
    for number, lane in enumerate(row.lanes):
        y = top + 4 if lanes == 1 else top + 4 + number * inner / lanes
        for bar in lane:
            yield _bar_svg(timeline, row, bar, y, height)


def _bar_svg(timeline: Timeline, row: Row, bar: Bar, y: float, height: float) -> str:
    left, right = timeline.scale(bar.begin), timeline.scale(bar.end)
    place = f'x="{_percent(left)}" width="{_percent(right - left)}"'
    box = f'{place} y="{y:.1f}" height="{height:.1f}" rx="2"'
    title = f"<title>{escaped(_bar_words(row, bar))}</title>"
    match bar.doing:
        case Doing.WAITS:
            line = f'{place} y="{y + height / 2 - 1.5:.1f}" height="3" rx="1"'
            return f'<rect {line} style="fill:{_COLOURS.edge}">{title}</rect>'
        case Doing.ASKS:
            mark = _COLOURS.marks[State.PENDING_APPROVAL]
            look = f'style="fill:{mark.colour};stroke:{mark.colour}" fill-opacity=".22" stroke-dasharray="2 3"'
            return f"<rect {box} {look}>{title}</rect>"
        case Doing.COMES:
            blue = _COLOURS.marks[State.RUNNING].colour
            return f'<rect {box} style="fill:none;stroke:{blue}" stroke-dasharray="4 3">{title}</rect>'
    under = f'<rect {place} y="{y + height + 2:.1f}" height="2" style="fill:{_COLOURS.ink}"/>'
    alone = len(row.lanes) == 1
    if bar.end - bar.begin <= 0:
        return _moment_svg(bar, _percent(left), y, height, title)
    on_path = bar.id in timeline.critical and alone
    hatch = _hatch_svg(place, y, height) if bar.state in BROKEN | {State.CANCELLED} else ""
    return _attempt_svg(bar, box, title, alone) + hatch + (under if on_path else "")


def _attempt_svg(bar: Bar, box: str, title: str, alone: bool) -> str:
    """An attempt: what was cached is hollow, what was ended has a broken border. What went wrong is hatched besides.

    One that is `alone` in its row is seen also if it took no time; among others its border keeps them apart.
    """
    mark = _COLOURS.marks[bar.state]
    hollow = ' fill-opacity=".25"' if bar.state is State.CACHED else ""
    dashed = f' stroke-dasharray="{mark.dash}"' if bar.state is State.CANCELLED else ""
    edge = mark.colour if alone or hollow else _COLOURS.paper
    look = f'style="fill:{mark.colour};stroke:{edge}" stroke-width="{1.5 if alone else 1}"'
    return f"<rect {box} {look}{hollow}{dashed}>{title}</rect>"


def _moment_svg(bar: Bar, x: str, y: float, height: float, title: str) -> str:
    """What took no time, as what is cached: a ring, since a box without a width is not drawn."""
    mark = _COLOURS.marks[bar.state]
    look = f'style="fill:{mark.colour};stroke:{mark.colour}" fill-opacity=".25" stroke-width="1.5"'
    return f'<circle cx="{x}" cy="{y + height / 2:.1f}" r="{min(height / 2 - 1, 4):.1f}" {look}>{title}</circle>'


def _bar_words(row: Row, bar: Bar) -> str:
    long = age(bar.end - bar.begin)
    words = {
        Doing.WAITS: f"waits {long}",
        Doing.ASKS: f"waits {long} for an approval",
        Doing.COMES: f"expected: {long}",
        Doing.RUNS: f"{state_word(bar.state)} {'after' if not bar.open else 'for'} {long}",
    }[bar.doing]
    if bar.state is State.CACHED:
        return f"{bar.id}: cached"
    attempt = f", attempt {bar.attempt}" if bar.doing is Doing.RUNS and bar.attempt > 1 else ""
    return f"{bar.id or row.node}: {words}{attempt}"


def _percent(place: float) -> str:
    return f"{place * 100:.3f}".rstrip("0").rstrip(".") + "%"


# below


def _below(timeline: Timeline) -> str:
    lines = [_legend(timeline)]
    if timeline.path:
        lines.append(f"<b>Critical path:</b> {escaped(_path_words(timeline.path))}")
    more = [f"{_counted(timeline.left_out, 'row')} that took least"] if timeline.left_out else []
    more += [f"{_counted(timeline.without, 'node run')} that never started"] if timeline.without else []
    if more:
        lines.append(escaped(f"Not drawn: {', '.join(more)}."))
    inner = "".join(f'<div style="overflow-wrap:anywhere">{line}</div>' for line in lines if line)
    return f'<div style="{_words_style()};line-height:1.6;padding:2px 0 2px 10px">{inner}</div>'


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _path_words(path: tuple[str, ...]) -> str:
    if len(path) <= _MOST_ON_PATH:
        return " → ".join(path)
    left_out = len(path) - _MOST_ON_PATH + 1
    return " → ".join((*path[:3], f"… {left_out} more …", *path[-3:]))


def _legend(timeline: Timeline) -> str:
    """What the forms mean that this timeline holds."""
    bars = [bar for row in timeline.rows for lane in row.lanes for bar in lane]
    doing = {bar.doing for bar in bars}
    blue, violet = (_COLOURS.marks[state].colour for state in (State.RUNNING, State.PENDING_APPROVAL))
    entries = []
    if timeline.path and not timeline.folded:
        entries.append((f'<rect y="6" width="20" height="2" style="fill:{_COLOURS.ink}"/>', "critical path"))
    if Doing.WAITS in doing:
        entries.append((f'<rect y="5" width="20" height="3" style="fill:{_COLOURS.edge}"/>', "waits for its turn"))
    if Doing.ASKS in doing:
        dots = 'fill-opacity=".22" stroke-dasharray="2 3"'
        box = f'<rect x="1" y="2" width="18" height="10" style="fill:{violet};stroke:{violet}" {dots}/>'
        entries.append((box, "waits for an approval"))
    if Doing.COMES in doing:
        box = f'<rect x="1" y="2" width="18" height="10" style="fill:none;stroke:{blue}" stroke-dasharray="4 3"/>'
        entries.append((box, "expected, as in earlier runs"))
    if any(bar.doing is Doing.RUNS and bar.state in BROKEN for bar in bars):
        colour = _COLOURS.marks[State.FAILED].colour
        plain = f'<rect width="20" height="12" y="1" style="fill:{colour}"/>'
        entries.append((plain + _hatch_svg('width="20"', 1, 12), "went wrong"))
    return "".join(
        f'<span style="white-space:nowrap;margin-right:16px"><svg width="20" height="14" aria-hidden="true" '
        f'style="vertical-align:-2px;margin-right:5px">{form}</svg>{escaped(words)}</span>'
        for form, words in entries
    )
