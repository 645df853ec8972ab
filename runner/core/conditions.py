"""Conditions on tags: which runs of the tasks before a node go on.

Thresholds filter first; max and min then choose one winner among what is left of all runs that they test.
Rules: docs/semantics.md, "Conditions and approval".
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from heapq import nsmallest
from typing import Any

from .edge import COMPARING, Condition, Objective
from .errors import PipelineError, nearest, problem
from .lifecycle import BROKEN, PASSED, NodeRun, State
from .masking import masked, masked_in_full
from .model import Kind, Node, Pipeline
from .names import slug_of
from .upstream import NotYetKnown, is_foreseen
from .values import Value, shown

_COMPARE: Mapping[Objective, Callable[[Any, Any], bool]] = {
    Objective.GT: operator.gt,
    Objective.LT: operator.lt,
    Objective.GE: operator.ge,
    Objective.LE: operator.le,
    Objective.EQ: operator.eq,
    Objective.NE: operator.ne,
}


def settled(pipeline: Pipeline, node: Node, condition: Condition, parents: Sequence[str]) -> Condition:
    """The condition with its tasks named: those written before a dot of its tag, else all direct parents.

    Raises PipelineError (E-COND-TASK) for a task that is no direct parent.
    """
    able = [title for title in parents if pipeline.node(title).kind is not Kind.DATA]
    if condition.tasks:
        return condition.model_copy(update={"tasks": tuple(_parent(node, title, able) for title in condition.tasks)})
    tasks, tag = _cut(condition.tag, able)
    if not tasks and "." in condition.tag and (other := _known_task(pipeline, condition.tag)):
        raise PipelineError(
            problem("E-COND-TASK", node.place, node=node.title, missing=other, nearest=_hint(other, able))
        )
    if not (tasks or able):
        raise PipelineError(
            problem(
                "E-COND",
                node.place,
                what=f'"{node.title}" has the condition {condition} and no node before it to test',
                hint="Name the nodes whose runs it tests with --after.",
            )
        )
    return condition.model_copy(update={"tasks": tasks or tuple(able), "tag": tag})


def _parent(node: Node, wanted: str, able: Sequence[str]) -> str:
    found = next((title for title in able if slug_of(title) == slug_of(wanted)), None)
    if found is None:
        raise PipelineError(
            problem("E-COND-TASK", node.place, node=node.title, missing=wanted, nearest=_hint(wanted, able))
        )
    return found


def _hint(wanted: str, able: Sequence[str]) -> str:
    close = nearest(wanted, able)
    return f'{close} Or add it: --after "{wanted}".' if able else f'Add it: --after "{wanted}".'


def _cut(text: str, able: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """`A.tag`, or `A,B.tag`, taken apart at the dot after the longest titles that are known."""
    by_slug = {slug_of(title): title for title in able}
    for at in (at for at in range(len(text) - 1, 0, -1) if text[at] == "."):
        whole, tag = text[:at].strip(), text[at + 1 :].strip()
        for names in ([whole], whole.split(",")):
            found = [by_slug.get(slug_of(" ".join(name.split()))) for name in names if name.strip()]
            if tag and found and None not in found:
                return tuple(str(title) for title in found), tag
    return (), text


def _known_task(pipeline: Pipeline, text: str) -> str:
    slugs = {node.slug: node.title for node in pipeline.nodes}
    return next(
        (slugs[slug_of(text[:at])] for at, c in enumerate(text) if c == "." and slug_of(text[:at]) in slugs), ""
    )


def number_in(value: Value) -> float | int | None:
    """`value` as a number that can be compared; None for NaN, infinities, bools, texts, lists, None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None  # isfinite fails for ints of 400 digits


def fault(condition: Condition, run: NodeRun) -> str:
    """Why this run does not meet the condition by itself; empty when it does. max and min ask for a number only.

    Raises NotYetKnown while planning.
    """
    if run.state not in PASSED:
        return f"{run.id} {run.state.replace('_', ' ')}"
    if condition.tag not in run.tags:
        if is_foreseen(run):
            raise NotYetKnown(run.node, condition.tag)
        hint = f" ({nearest(condition.tag, run.tags)})" if run.tags else ""
        return f'{run.id} logged no "{condition.tag}"{hint}'
    value, target = run.tags[condition.tag], condition.target
    said = f"{run.id} has {condition.tag} {masked_in_full(condition.tag, value)}"
    if condition.objective in COMPARING or number_in(target) is not None:
        if number_in(value) is None:
            return f"{said}, which is no number to compare"
        if condition.objective in COMPARING or _COMPARE[condition.objective](value, target):
            return ""
        return said
    if condition.objective not in (Objective.EQ, Objective.NE):
        return f"{said}, which cannot be compared with {masked_in_full(condition.tag, target)}"
    same = value == target if type(value) is type(target) else shown(value) == shown(target)
    return "" if same is (condition.objective is Objective.EQ) else said


class Gate:
    """Judges the runs of a node's tested parents, and says which go on and why.

    `conditions` are settled; `order` gives each title's place in the pipeline, for ties. Runs are given as they are
    decided (`add`), and it is told when a parent has no more to come (`settle`).
    """

    def __init__(self, conditions: Sequence[Condition], order: Mapping[str, int]) -> None:
        self._thresholds = [one for one in conditions if one.objective not in COMPARING]
        self._comparing = [one for one in conditions if one.objective in COMPARING]
        self.tested = frozenset(title for one in conditions for title in one.tasks)
        self._compared = frozenset(title for one in self._comparing for title in one.tasks)
        self._order = order
        self._held: list[NodeRun] = []  # passed the thresholds, wait for a comparison
        self._unsettled = set(self.tested)
        self._judged: list[NodeRun] = []
        self._faults: list[tuple[int, tuple[int, ...], str]] = []
        self._notes: list[str] = []

    def add(self, run: NodeRun) -> list[NodeRun]:
        """Judge a decided run; returns it when it goes on right now. Raises NotYetKnown while planning."""
        self._judged.append(run)
        asked = [*self._thresholds, *self._comparing]
        if why := next((why for one in asked if run.node in one.tasks and (why := fault(one, run))), ""):
            self._faults.append((self._order[run.node], run.created.coordinates, why))
            return []
        if run.node in self._compared:
            self._held.append(run)
            return []
        return [run]

    def settle(self, parent: str) -> tuple[list[NodeRun], list[str]]:
        """No more runs of `parent` will come. Returns the runs that go on now, and the parents that are settled now."""
        self._unsettled.discard(parent)
        if parent not in self._compared:
            return [], [parent]
        if self._unsettled & self._compared:
            return [], []
        return self._winners(), [title for title in self._order if title in self._compared]

    def _winners(self) -> list[NodeRun]:
        """Of the held runs, those that win every comparison that they are in."""
        left = sorted(self._held, key=lambda run: (self._order[run.node], run.created.coordinates))
        self._held = []
        lost: set[str] = set()
        for one in self._comparing:
            among = [run for run in left if run.node in one.tasks]
            if not among:
                continue
            best = (max if one.objective is Objective.MAX else min)(run.tags[one.tag] for run in among)  # type: ignore[type-var]
            equal = [run for run in among if run.tags[one.tag] == best]
            lost |= {run.id for run in among if run is not equal[0]}
            self._note(one, equal, best)
        won = [run for run in left if run.id not in lost]
        if left and not won:
            self._faults.append((len(self._order), (), "its comparisons do not agree on a winner"))
        return won

    def _note(self, condition: Condition, equal: list[NodeRun], best: Value) -> None:
        said = f"{condition}: {equal[0].id} wins with {masked(condition.tag, best)}"
        if len(equal) > 1:
            others = ", ".join(run.id for run in equal[1:4]) + (", …" if len(equal) > 4 else "")
            said += f" (a tie with {others}; the earliest wins)"
        self._notes.append(said)

    @property
    def because(self) -> str:
        """What was decided, in words, for the runs that go on."""
        return "; ".join([*self._notes, *self._few_faults()])

    def _few_faults(self) -> list[str]:
        told = [why for *_, why in nsmallest(3, self._faults)]
        more = len(self._faults) - 3
        return [*told, *([f"{more} more did not pass"] if more > 0 else [])]

    def conclusion(self) -> tuple[State, str]:
        """What becomes of the node when none of its tested runs goes on."""
        states = [run.state for run in self._judged]
        if State.CANCELLED in states:
            return State.CANCELLED, next(run.reason for run in self._judged if run.state is State.CANCELLED)
        broken = [run for run in self._judged if run.state in BROKEN or run.state is State.UPSTREAM_FAILED]
        if broken and len(broken) == len(self._judged):
            return State.UPSTREAM_FAILED, f'"{broken[0].node}" {broken[0].state.replace("_", " ")}'
        asked = " and ".join(map(str, [*self._thresholds, *self._comparing]))
        told = self.unlogged() or "; ".join(self._few_faults()) or "there was none to test"
        return State.SKIPPED, f"no run passed {asked}: {told}"

    def unlogged(self) -> str:
        """The tag that was to be tested and that no run logged, in words; empty when each was logged by one at least.

        It looks like a mistyped name, and not like a decision.
        """
        for one in (*self._thresholds, *self._comparing):
            passed = [run for run in self._judged if run.node in one.tasks and run.state in PASSED]
            if passed and not any(one.tag in run.tags for run in passed):
                tags = {tag for run in passed for tag in run.tags}
                tasks = " or ".join(f'"{title}"' for title in one.tasks)
                hint = nearest(one.tag, tags) if tags else "They logged none."
                return f'no run of {tasks} logged "{one.tag}". {hint}'
        return ""
