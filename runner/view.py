"""How a run is shown: words, glyphs, colours. Pure: values in, text out.

The terminal, the notebook, reports and `--json` all take what they show from here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from .core.lifecycle import NodeRun, RunSoFar, State
from .core.masking import MASK, masked
from .core.names import slug_of
from .core.values import Value
from .records.cache import PROJECT
from .records.follow import Watched
from .records.run_rows import ListedRun
from .terminal_text import inert

MOST_DRAWN = 300  # nodes that a plan draws as a tree
LONGEST_REASON = 300  # characters of it that a line holds

GLYPHS: Mapping[State, str] = {
    State.WAITING: "○",
    State.PENDING_APPROVAL: "‖",  # ⏸ is missing in many fonts
    State.QUEUED: "○",
    State.STARTING: "◔",
    State.RUNNING: "▶",
    State.SUCCEEDED: "✓",
    State.FAILED: "✕",
    State.TIMED_OUT: "✕",
    State.CANCELLED: "■",
    State.LOST: "✕",
    State.CACHED: "↺",  # ⚡ would take the room of two characters in a terminal
    State.SKIPPED: "⊘",
    State.UPSTREAM_FAILED: "⊘",
    State.REJECTED: "✕",
}

# After Okabe and Ito, so that they differ for everybody; a glyph always says the same again. Dark enough for words on
# white; what a dark page shows in their place is in `board/palette`.
COLOURS: Mapping[State, str] = {
    State.WAITING: "#6B7683",
    State.PENDING_APPROVAL: "#B0508A",
    State.QUEUED: "#6B7683",
    State.STARTING: "#0072B2",
    State.RUNNING: "#0072B2",
    State.SUCCEEDED: "#00875F",
    State.FAILED: "#D55E00",
    State.TIMED_OUT: "#D55E00",
    State.CANCELLED: "#8A6D00",
    State.LOST: "#D55E00",
    State.CACHED: "#2A8CBF",
    State.SKIPPED: "#6B7683",
    State.UPSTREAM_FAILED: "#6B7683",
    State.REJECTED: "#B0508A",
}


WORD_SHARE = 60  # percent of the state's colour in a word of a cell; the rest is the page's own ink, light or dark


def word_colour(state: State) -> str:
    """The declaration of CSS for a word in the colour of a state, to be read on a light page and on a dark one."""
    mixed = f"color-mix(in srgb,{COLOURS[state]} {WORD_SHARE}%,var(--jp-ui-font-color1,#222))"
    return f"color:{COLOURS[state]};color:{mixed}"  # the first for browsers that cannot mix


def state_word(state: str) -> str:
    """A state as people read it: `timed out`, not `timed_out`."""
    return state.replace("_", " ")


def age(seconds: float) -> str:
    """A duration for people: 0.4 s, 12 s, 3 min 05 s, 2 h 10 min."""
    seconds = max(seconds, 0.0)  # a clock was set back
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def size(bytes_: float) -> str:
    """An amount of bytes for people: 512 B, 1.2 KiB, 3.4 GiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if bytes_ < 1024:
            return f"{bytes_:.0f} {unit}" if unit == "B" else f"{bytes_:.1f} {unit}"
        bytes_ /= 1024
    return f"{bytes_:.1f} TiB"


def route_words(route: Mapping[str, Mapping[str, Value]]) -> str:
    """A route in one line: `lr=0.1 depth=3`; a name that two nodes' grids share is told with its node."""
    names = Counter(name for chosen in route.values() for name in chosen)
    words = []
    for title, chosen in route.items():
        for name, value in chosen.items():
            words.append(f"{slug_of(title) + '.' if names[name] > 1 else ''}{name}={masked(name, value)}")
    return " ".join(words)


def label(run: NodeRun) -> str:
    """A node run for people: its title and its route."""
    words = route_words(run.created.route) if run.created.route else ""
    return f"{run.node} [{words}]" if words else run.node


def note(watched: Watched, now: float) -> str:
    """The rest of a node run's line: how long, which cell, tags, why."""
    run = watched.run
    parts = []
    seconds = watched.seconds(now)
    if seconds is not None:
        parts.append(age(seconds))
    if run.state is State.RUNNING and watched.cells > 1:
        parts.append(f"cell {watched.cell + 1} of {watched.cells}")
    if run.attempt > 1:
        parts.append(f"attempt {run.attempt}")
    logged = {name: value for name, value in run.tags.items() if name not in run.created.params}
    parts += [f"{name}={_short(name, value)}" for name, value in list(logged.items())[:4]]
    if run.answer and run.answer.approved:
        parts.append(f"approved by {run.answer.by}")
    if run.reason and run.state is not State.SUCCEEDED:
        parts.append(run.reason.splitlines()[0][:LONGEST_REASON])
    if within := run.detail.get("nested"):
        parts += [f"run {within['run']}"] if within["run"] not in run.reason else []
    if watched.kept:
        parts.append("kept")
    return inert(" · ".join(parts))


def because(run: NodeRun) -> str:
    """What its conditions decided: who won, with whom there was a tie; empty where its reason says so already."""
    told = run.created.because
    return "" if told == run.reason else inert(told[:LONGEST_REASON])


def why_again(run: NodeRun) -> str:
    """That project files changed, where a node run begins for that; of what else changed people know themselves."""
    told = str(run.detail.get("why") or "")
    return told if PROJECT in told and run.attempt == 1 else ""


def _short(name: str, value: Value) -> str:
    words = masked(name, value)
    return f"{value:.4g}" if isinstance(value, float) and words != MASK else words[:40]


def tally(states: Iterable[State]) -> str:
    """How many node runs are in which state: `3 succeeded, 1 running`."""
    counted = Counter(states)
    return ", ".join(f"{counted[state]} {state_word(state)}" for state in State if counted[state])


def up_to_date(so_far: RunSoFar) -> str:
    """`12 of 12 up to date` for a run in which nothing had to be run; else empty."""
    states = [run.state for run in so_far.node_runs.values() if run.state is not State.SKIPPED]
    if not states or set(states) != {State.CACHED}:
        return ""
    skipped = len(so_far.node_runs) - len(states)
    return f"{len(states)} of {len(states)} up to date" + (f", {skipped} skipped" if skipped else "")


def failed_first(so_far: RunSoFar) -> list[NodeRun]:
    """The node runs that failed by themselves, in order of creation."""
    wrong = (State.FAILED, State.TIMED_OUT, State.LOST, State.REJECTED)
    return [run for run in so_far.node_runs.values() if run.state in wrong]


def plain(text: str) -> str:
    """`text` without terminal colours."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)


_WORST = (
    State.FAILED,
    State.TIMED_OUT,
    State.LOST,
    State.REJECTED,
    State.CANCELLED,
    State.UPSTREAM_FAILED,
    State.PENDING_APPROVAL,
    State.RUNNING,
    State.STARTING,
    State.QUEUED,
    State.WAITING,
    State.SKIPPED,
    State.SUCCEEDED,
    State.CACHED,
)


def worst_of(states: Iterable[State]) -> State | None:
    """The state that stands for several node runs of one node: what went wrong before what still goes on."""
    found = set(states)
    return next((state for state in _WORST if state in found), None)


def states_by_node(so_far: RunSoFar) -> dict[str, list[State]]:
    """The states of each node's runs, by title."""
    found: dict[str, list[State]] = {}
    for run in so_far.node_runs.values():
        found.setdefault(run.node, []).append(run.state)
    return found


def listed(so_far: RunSoFar) -> list[NodeRun]:
    """The node runs that lists show, node by node in the order of their routes; a skipped node once."""
    nodes: dict[str, int] = {}
    for run in so_far.node_runs.values():
        nodes.setdefault(run.node, len(nodes))
    seen: set[str] = set()
    found = []
    for run in sorted(so_far.node_runs.values(), key=lambda run: (nodes[run.node], run.created.coordinates)):
        if run.state is State.SKIPPED:
            if run.node in seen:
                continue
            seen.add(run.node)
        found.append(run)
    return found


def around_words(row: ListedRun) -> str:
    """`node "inner" of run 4ebd4c9b` for a run that is one; else empty."""
    return f'node "{row.inside["node"]}" of run {row.inside["run"]}' if row.inside else ""


def runs_text(rows: Iterable[ListedRun], now: float) -> str:
    """Runs for people, a line each."""
    lines = []
    for row in rows:
        started = datetime.fromtimestamp(row.started).strftime("%Y-%m-%d %H:%M:%S")
        took = age(row.seconds(now))
        words = f"{row.id}  {started}  {state_word(row.state):<10}  {took:>10}  {row.pipeline}"
        lines.append(inert("  ".join(part for part in (words, around_words(row), row.reason) if part)))
    return "\n".join(lines) or "No run yet. Start one: dagbook run FILE"
