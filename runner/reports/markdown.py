"""The Markdown summary of a run: how it ended, what failed, the graph with states, a table. Made for job summaries.

A platform refuses a page that is too large, and Mermaid a graph that is: what does not fit is left out, and that is
said.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from .. import diagram, view
from ..asking import questions
from ..core.errors import Problem
from ..core.lifecycle import NodeRun, RunState, State
from ..core.masking import MASK, masked
from ..core.model import Pipeline
from ..core.values import Value
from ..executors.hiding import Hiding
from ..failing_code import Origin, Origins, origin_of_place
from ..formats.commands import going_on
from ..records.follow import Follower
from .repository import link_to
from .texts import failure_text, shortened

LARGEST = 1_000_000  # bytes; GitHub refuses the job summary of a step above 1 MiB
LARGEST_GRAPH = 45_000  # characters; GitHub's Mermaid draws 50,000
MOST_ARROWS = 450  # and 500 lines between nodes
MOST_FAILURES = 30
LONGEST_TRACEBACK = 15_000  # characters
MOST_ROWS = 1_000
LONGEST_CELL = 300

_GLYPHS = {
    RunState.SUCCEEDED: "✓",
    RunState.FAILED: "✕",
    RunState.CANCELLED: "■",
    RunState.REJECTED: "✕",
    RunState.PENDING_APPROVAL: "‖",
    RunState.RUNNING: "▶",
}
_MARKS = re.compile(r"[\\`*_\[\]<>&|~$]")  # what Markdown, GitHub's mathematics and HTML would take for their own
_NOT_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def summary(pipeline: Pipeline, follower: Follower, hiding: Hiding | None = None, room: int = LARGEST) -> str:
    """A run in Markdown of at most `room` bytes, secrets hidden."""
    told = _fitting(_parts(pipeline, follower, hiding), room)
    return hiding.text(told) if hiding else told


def _fitting(parts: Iterable[str], room: int) -> str:
    """The parts as far as they fit, whole; one that does not is left out, and that is said at the end."""
    left_out = "\n… The rest is left out: this page would be larger than the platform shows.\n"
    room -= len(left_out.encode())
    found, whole = [], True
    for part in parts:
        size = len(part.encode("utf-8", "replace"))
        if size <= room:
            found.append(part)
            room -= size
        else:
            whole = False
    return "".join(found) + ("" if whole else left_out)


def _parts(pipeline: Pipeline, follower: Follower, hiding: Hiding | None) -> Iterator[str]:
    """The most telling first; each can stand without the others."""
    yield from _head(follower)
    yield from _asking(follower)
    yield from _failures(follower, hiding)
    yield _graph(pipeline, follower)
    yield from _table(view.listed(follower.so_far))
    yield from _warnings(follower)


def _head(follower: Follower) -> Iterator[str]:
    so_far, row = follower.so_far, follower.row
    ended = row.ended or max((one.ended or 0 for one in follower.listed()), default=0)
    took = view.age(max(ended - row.started, 0))
    states = view.up_to_date(so_far) or view.tally(run.state for run in view.listed(so_far))
    yield f"## {_GLYPHS[so_far.state]} {_words(row.pipeline)}: {view.state_word(so_far.state)}\n\n"
    yield f"Run `{row.id}`, {took}{f': {states}' if states else ''}.\n\n"
    if so_far.reason and so_far.state in (RunState.CANCELLED, RunState.REJECTED):
        yield f"Reason: {_words(so_far.reason)}.\n\n"


def _asking(follower: Follower) -> Iterator[str]:
    """Whom the run waits for, and the commands that decide."""
    asked = questions(follower.so_far.node_runs.values())
    for one in asked:
        typed = one.command(follower.store.folder, follower.row.id)
        yield f"**{_words(one.words)}.** Decide with {_code(typed)}, or with `reject` in place of `approve`.\n\n"
    if asked:
        yield f"Then go on with {_code(going_on(follower.store.folder, follower.row.outermost))}.\n\n"


def _failures(follower: Follower, hiding: Hiding | None) -> Iterator[str]:
    """Each failure folded, so that the first look is on all of them."""
    failed = view.failed_first(follower.so_far)
    origins = Origins(follower)
    for run in failed[:MOST_FAILURES]:
        text = failure_text(follower.watched[run.id])
        yield _failure(run, origins.of(run), hiding.text(text) if hiding else text)
    if len(failed) > MOST_FAILURES:
        yield f"… and {len(failed) - MOST_FAILURES} more that failed.\n\n"


def _failure(run: NodeRun, origin: Origin, text: str) -> str:
    title = f"✕ <b>{_html(view.label(run))}</b> · {_html(view.plain(run.reason).partition(chr(10))[0])}"
    place = origin.words()
    link = link_to(origin.file, origin.file_line) if origin.file else None
    where = f"[{_words(place)}](<{link}>)\n\n" if link and place else f"{_words(place)}\n\n" if place else ""
    fenced = _fenced(shortened(text, LONGEST_TRACEBACK))
    return f"<details><summary>{title}</summary>\n\n{where}{fenced}\n</details>\n\n"


def _fenced(text: str) -> str:
    """A block of plain text that nothing in it can end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{_NOT_TEXT.sub('', text)}\n{fence}\n"


def _graph(pipeline: Pipeline, follower: Follower) -> str:
    drawn = diagram.mermaid(pipeline, view.states_by_node(follower.so_far))
    arrows = sum("-->" in line or "-.->" in line for line in drawn.splitlines())
    if len(drawn) > LARGEST_GRAPH or arrows > MOST_ARROWS:
        return f"The graph of {len(pipeline.nodes):,} nodes is too large to be drawn here; `--html` draws it.\n\n"
    return f"```mermaid\n{drawn}\n```\n\n"


def _table(listed: Sequence[NodeRun]) -> Iterator[str]:
    if not listed:
        return
    yield "| | node | parameters | state | time | tags | why |\n|---|---|---|---|---|---|---|\n"
    for run in listed[:MOST_ROWS]:
        yield _row(run)
    yield "\n"
    if len(listed) > MOST_ROWS:
        rest = view.tally(run.state for run in listed[MOST_ROWS:])
        yield f"… and {len(listed) - MOST_ROWS:,} more: {rest}.\n\n"


def _row(run: NodeRun) -> str:
    logged = {name: value for name, value in run.tags.items() if name not in run.created.params}
    decided = [f"approved by {run.answer.by}"] if run.answer and run.answer.approved else []
    seconds = None if run.state is State.CACHED else run.detail.get("duration_s")
    cells = [
        view.GLYPHS[run.state],
        run.node,
        view.route_words(run.created.route),
        view.state_word(run.state),
        "" if seconds is None else view.age(seconds),
        " ".join(f"{name}={_value(name, value)}" for name, value in logged.items()),
        "; ".join(text for text in (*decided, run.reason, view.because(run)) if text),
    ]
    return f"| {' | '.join(_words(text, LONGEST_CELL) for text in cells)} |\n"


def _value(name: str, value: Value) -> str:
    told = masked(name, value)
    return f"{value:.4g}" if isinstance(value, float) and told != MASK else told


def _warnings(follower: Follower) -> Iterator[str]:
    for run in view.listed(follower.so_far):
        for warning in run.detail.get("warnings") or ():
            yield f"- {_words(f'{view.label(run)}: {warning}')}\n"


def mistakes_summary(name: str, problems: Sequence[Problem]) -> str:
    """What kept a pipeline from running, in Markdown."""
    return _fitting(_mistakes(name, problems), LARGEST)


def _mistakes(name: str, problems: Sequence[Problem]) -> Iterator[str]:
    yield f"## ✕ {_words(name)}: nothing was run\n\n"
    for found in sorted(problems, key=lambda one: not one.is_error):
        origin = origin_of_place(found.place)
        link = link_to(origin.file, origin.file_line) if origin.file else None
        place = f"[{_words(str(found.place))}](<{link}>)" if link else _words(str(found.place))
        first, _, rest = found.hint.partition("\n")
        lines = [f"**{found.code}** {_words(found.message, 1_000)}", place, _words(first, 1_000)]
        yield "\\\n".join(line for line in lines if line) + "\n\n"
        if rest.strip():
            yield _fenced(shortened(rest, LONGEST_TRACEBACK)) + "\n"


def _words(text: str, most: int = 500) -> str:
    """Text on one line that Markdown shows as it is."""
    line = _NOT_TEXT.sub("", " ".join(text.split()))
    line = line if len(line) <= most else f"{line[: most - 1]}…"
    return _MARKS.sub(lambda found: {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(found[0], f"\\{found[0]}"), line)


def _html(text: str) -> str:
    """Text on one line within HTML."""
    line = _NOT_TEXT.sub("", " ".join(text.split()))
    return html.escape(line if len(line) <= 300 else f"{line[:299]}…", quote=False)


def _code(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}" if longest else f"`{text}`"
