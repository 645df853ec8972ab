"""The few words on a card: its grey line, its pill. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..core.axes import hyper_parameters
from ..core.conditions import number_in
from ..core.edge import Objective
from ..core.lifecycle import ENDED, NodeRun, State
from ..core.masking import MASK, looks_secret
from ..core.model import Kind, Node, who_decides
from ..core.values import Value, shown
from ..records.follow import Watched
from ..view import plain, route_words
from .outline import Outline, condition_words

_LAST_WORDS = 500  # characters of a node's last output that are looked at
_KINDS = {
    Kind.COMMAND: "command",
    Kind.NOTEBOOK: "notebook",
    Kind.DATA: "dataset",
    Kind.DEPLOY: "deployment",
    Kind.PIPELINE: "pipeline",
}
_LOWEST = frozenset({Objective.MIN, Objective.LT, Objective.LE})


def planned_line(outline: Outline, node: Node) -> str:
    """What a node is, before it has run: its grid, its conditions, whom it asks, else what it is made of."""
    words = []
    if node.grid:
        lengths = [str(len(values)) for values in node.grid.values()]
        words.append(f"{' × '.join(lengths)} grid" if len(lengths) > 1 else f"{lengths[0]} × {next(iter(node.grid))}")
    words += [f"each {name}" for name in hyper_parameters(outline.pipeline, node)]
    words += [parts_words(node)] if node.datums or node.search else []
    words += [condition_words(condition) for condition in outline.conditions.get(node.title, ())]
    words += [asks_words(node)] if node.approve else []
    return " · ".join(words) or made_of(node)


def parts_words(node: Node) -> str:
    """How a node's work is cut: into datums, or into the executions of a search."""
    if node.search:
        return node.search.kind.replace("_", " ")
    source = node.datums.input if node.datums else None
    if source and source.repo:
        return f"each {source.glob} of {source.repo}" if source.glob != "/" else f"all of {source.repo}"
    return f"{source.kind} of {', '.join(source.titles)}" if source else ""


def asks_words(node: Node) -> str:
    """Whom a node asks before it starts."""
    return f"asks {who_decides(node.approve)}"


def made_of(node: Node) -> str:
    """What a node is made of, in a word or two."""
    if node.kind is Kind.CELL:
        return f"cell {node.cell}" if node.cell else "cell"
    return _KINDS[node.kind]


def run_line(one: Watched, node: Node | None, before: Iterable[NodeRun]) -> str:
    """What one node run does or why it is as it is; `before` are the runs that it comes after."""
    run = one.run
    match run.state:
        case State.WAITING:
            left = sum(other.state not in ENDED for other in before)
            return f"waits for {left}" if left else "about to start"
        case State.PENDING_APPROVAL:
            return asks_words(node) if node else "asks for approval"
        case State.QUEUED:
            return f"tried {run.attempt}×, will be again" if run.attempt > run.tried_before else "waits for room"
        case State.STARTING:
            return "starts" if run.attempt < 2 else f"starts, attempt {run.attempt}"
        case State.RUNNING:
            return last_words(one) or cell_words(one)
        case State.CACHED:
            origin = run.detail.get("from") or {}
            return f"from run {origin['run']}" if "run" in origin else "as it was before"
        case State.SUCCEEDED:
            data = made_of(node) if node and node.kind is Kind.DATA else ""
            return data or route_words(run.created.route) or last_words(one)
    return first_line(run.reason) or run.state.replace("_", " ")


def cell_words(one: Watched) -> str:
    """How far a kernel has come."""
    return f"cell {one.cell + 1} of {one.cells}" if one.cells > 1 else "runs"


def first_line(text: str) -> str:
    """The first line of a text, without spaces around it."""
    return text.strip().split("\n", 1)[0].strip()


def last_words(one: Watched) -> str:
    """The last line that a node run printed, in its last cell that showed something."""
    for cell in sorted(one.outputs, reverse=True):
        for output in reversed(one.outputs[cell]):
            if output["output_type"] == "stream":
                lines = plain(str(output["text"])[-_LAST_WORDS:]).split("\n")
                return next((line.strip() for line in reversed(lines) if line.strip()), "")
    return ""


def pill(outline: Outline, title: str, runs: Sequence[NodeRun], best: int | None) -> str:
    """The value that a later condition looks at, else the first metric, else the last tag logged; with its name.

    Of several runs it is that of the best, or from the lowest to the highest.
    """
    name = _name_of_value(outline, title, runs)
    if not name:
        return ""
    if best is not None and name in runs[best].tags:
        return f"{name} {short(name, runs[best].tags[name])}"
    values = [run.tags[name] for run in runs if name in run.tags]
    numbers = sorted({number for value in values if (number := number_in(value)) is not None})
    if len(values) == 1 or len(numbers) == 1:
        return f"{name} {short(name, values[0])}"
    if not numbers:
        return ""
    condition = outline.tested.get(title)
    if condition and condition.tag == name:
        return f"{name} {short(name, numbers[0] if condition.objective in _LOWEST else numbers[-1])}"
    if looks_secret(name):
        return f"{name} {MASK}"
    return f"{name} {numbers[0]:.2g}–{numbers[-1]:.2g}"


def _name_of_value(outline: Outline, title: str, runs: Sequence[NodeRun]) -> str:
    condition = outline.tested.get(title)
    if condition and any(condition.tag in run.tags for run in runs):
        return condition.tag
    if name := next((name for run in runs for name in run.metrics), ""):
        return name
    logged: Mapping[str, Value] = next((_logged(run) for run in runs if _logged(run)), {})
    return list(logged)[-1] if logged else ""


def _logged(run: NodeRun) -> dict[str, Value]:
    return {name: value for name, value in run.tags.items() if name not in run.created.params}


def short(name: str, value: Value) -> str:
    """A value in few characters, without a space at which it could be taken for a name and a value."""
    if looks_secret(name, value):
        return MASK
    return f"{value:.4g}" if isinstance(value, float) else first_line(shown(value))[:24].replace(" ", "\u00a0")
