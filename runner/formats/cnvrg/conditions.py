"""The conditions of a task, and back: tests of tags, and approvals among them."""

from __future__ import annotations

import math
from typing import Any

from ...core.edge import COMPARING, Condition, Objective
from ...core.errors import nearest
from ...core.values import Value
from ..documents import bare
from ..flow_words import ORDERING, approvers_of
from .part import Part
from .schemas import Asked
from .titles import Titles

APPROVAL = "human_validation"
OBJECTIVES = (Objective.GT, Objective.LT, Objective.EQ, Objective.MAX, Objective.MIN)


def read_conditions(part: Part, titles: Titles) -> tuple[tuple[Condition, ...], tuple[str, ...]]:
    """The tests and the approvers at `part`, which is the task's `conditions`. Faults are taken down."""
    tests: list[Condition] = []
    approvers: list[str] = []
    for number in range(len(part.entry.value or ())):
        one = part.inner(number, what=f"condition {number + 1} of {part.what}")
        asked = one.read(Asked)
        if asked is None:
            continue
        one.leave_out_unknown(Asked)
        if asked.objective == APPROVAL:
            _told_apart(one, "asks people", "target", "task", "tag_key")
            approvers += [name for name in _approvers(one, asked) if name not in approvers]
        elif (test := _test(one, asked, titles)) is None:
            continue
        elif test in tests:
            one.note("W-CHANGED", "taken once", what=f"{one.what} stands twice", hint="Take one of the two away.")
        else:
            tests.append(test)
    return tuple(tests), tuple(approvers)


def _approvers(part: Part, asked: Asked) -> tuple[str, ...]:
    value = asked.value
    if value is None:
        hint = "Write the users who may approve: `value: leah,yochay`."
        part.note("E-KEY-MISSING", "not read", where=part.what, key="value", hint=hint)
        return ()
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        value = ",".join(value)
    if not isinstance(value, str):
        facts = {"where": f"{part.what}, value", "what": "should be names with commas in between", "hint": "Quote it."}
        part.note("E-TYPE", "not read", "value", **facts)
        return ()
    text = value
    return part.attempt(lambda: approvers_of(text), "value") or ()


def _test(part: Part, asked: Asked, titles: Titles) -> Condition | None:
    """The test of a tag. None and a fault is taken down."""
    objective = next((one for one in OBJECTIVES if one == asked.objective), None)
    if objective is None:
        known = [*OBJECTIVES, APPROVAL]
        facts = {"value": asked.objective, "known": ", ".join(known), "nearest": nearest(asked.objective, known)}
        part.note("E-ENUM", "not read", "objective", where=f"{part.what}, objective", **facts)
        return None
    _told_apart(part, "tests a tag", "value")
    if asked.tag_key is None:
        part.note("E-KEY-MISSING", "not read", where=part.what, key="tag_key", hint="Write the tag that it tests.")
    task = _task(part, asked, titles)
    target = _target(part, asked, objective)
    if asked.tag_key is None:
        return None
    tag = asked.tag_key.strip()
    return part.attempt(lambda: Condition(objective=objective, tag=tag, tasks=task, target=target))


def _task(part: Part, asked: Asked, titles: Titles) -> tuple[str, ...]:
    if asked.task is None:
        return ()
    title = titles.told(part, "task", asked.task, f"{part.what} tests a run of")
    return (title,) if title else ()


def _target(part: Part, asked: Asked, objective: Objective) -> Value:
    target: Value = bare(asked.target)
    if objective in COMPARING:
        if target not in (None, 0):
            what = f"{part.what} compares all runs with each other ({objective}), and its target has no effect"
            part.note("W-CHANGED", "left out", "target", what=what, hint="Take the target away.")
        return None
    where = f"{part.what}, target"
    if target is None:
        hint = f"Write the value to compare with: `target: 0.9` ({objective})."
        part.note("E-KEY-MISSING", "not read", where=part.what, key="target", hint=hint)
    elif isinstance(target, list | dict) or (isinstance(target, float) and not math.isfinite(target)):
        part.note("E-TYPE", "not read", "target", where=where, what="is nothing to compare with", hint="")
    elif objective in ORDERING and (isinstance(target, bool) or not isinstance(target, int | float)):
        hint = "Write it without quotes, such as 0.9."
        part.note("E-TYPE", "not read", "target", where=where, what=f"should be a number, and is {target!r}", hint=hint)
    else:
        return target
    return None


def _told_apart(part: Part, does: str, *keys: str) -> None:
    """Tell what a condition of this kind does not take."""
    for key in keys:
        if part.has(key) and not (key == "target" and part.raw(key) == 0):
            what = f"{part.what} {does}, and its {key} has no effect"
            part.note("W-CHANGED", "left out", key, what=what, hint=f"Take the {key} away.")


def written_conditions(tests: tuple[Condition, ...], approvers: tuple[str, ...]) -> list[dict[str, Any]]:
    """The conditions as cnvrg writes them; each test is of one task or of all."""
    found: list[dict[str, Any]] = []
    for test in tests:
        one: dict[str, Any] = {"objective": str(test.objective), "tag_key": test.tag}
        if test.objective not in COMPARING:
            one["target"] = test.target
        found.append({**one, "task": test.tasks[0]} if test.tasks else one)
    return [*found, {"objective": APPROVAL, "value": ",".join(approvers)}] if approvers else found
