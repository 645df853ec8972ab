"""Tasks: how the executions of a step are varied, as a search; and what of it only Valohai knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.dialect import Rule, Search, SearchKind, Style
from ...core.errors import PipelineError, nearest
from ...core.search import values_of
from .parameter_values import value_of
from .schemas import Parameter, Rules, Task, Varied
from .spot import Document, Spot, plain, said

_NEEDED: Mapping[Style, tuple[tuple[str, ...], ...]] = {  # of each group one
    Style.SINGLE: (("value",),),
    Style.MULTIPLE: (("items",),),
    Style.LINEAR: (("start",), ("end",), ("step",)),
    Style.LOGSPACE: (("start", "min"), ("end", "max"), ("count",)),
    Style.RANDOM: (("min",), ("max",)),
}
WITHOUT_EFFECT = ("engine", "execution-batch-size", "reuse-children")
IN_FIELDS = frozenset(  # keys of a task that have fields in a search
    {
        *("name", "step", "type", "parameters", "parameter-sets", "execution-count", "maximum-queued-executions"),
        *("optimization-target-metric", "optimization-target-value", "on-child-error", "stop-condition"),
    }
)
NUMBERIFY = "numberify"


def check_task(spot: Spot) -> Task | None:
    """The task that a spot tells, or None and its faults are taken down; what it does not do here is told."""
    task = spot.read(Task)
    if task is None:
        return None
    if not task.model_fields_set & {"parameters", "parameter_sets"}:
        hint = "Write `parameters:` or, for a manual search, `parameter-sets:`."
        spot.note("E-KEY-MISSING", "not read", where=spot.what, key="parameters", hint=hint)
        return None
    _tell(spot, task)
    return task if check_task_rules(spot, task) else None


def check_task_rules(spot: Spot, task: Task) -> bool:
    """Whether the rules of all varied parameters give values; what is wrong is taken down."""
    sound = [_is_sound(spot.inner("parameters", number), one) for number, one in enumerate(task.parameters)]
    return all(sound)


def _is_sound(spot: Spot, varied: Varied) -> bool:
    """Whether the rules are those that the style needs, and give values."""
    where = f'{spot.what}, the parameter "{varied.name}",'
    told = varied.rules.model_fields_set
    lacking = [group for group in _NEEDED[varied.style] if not told & set(group)]
    for group in lacking:
        hint = f"The style {varied.style} needs it."
        spot.note("E-KEY-MISSING", "not read", "rules", where=where, key=group[0], hint=hint)
    if lacking:
        return False
    try:
        values_of(varied.name, rule_of(varied.style, varied.rules))
    except PipelineError as error:
        for found in error.problems:
            if found.code != "E-GRID-SIZE":  # many are no fault of the file; they are refused when they are to run
                spot.ledger.take(found.at(spot.place("rules")), (*spot.path, "rules"))
                return False
    if varied.style is Style.RANDOM and (varied.rules.distribution or "uniform").lower() != "uniform":
        what = f"{where} asks for the distribution {varied.rules.distribution!r}"
        spot.note("W-CHANGED", "drawn evenly", "rules", "distribution", what=what, hint="Values are drawn evenly here.")
    return True


def _tell(spot: Spot, task: Task) -> None:
    told = said(task)
    keys = [key for key in WITHOUT_EFFECT if key in told]
    keys += ["parameter-sets"] if task.parameter_sets and task.type is not SearchKind.MANUAL else []
    keys += [f"{NUMBERIFY} of {one.name}" for one in task.parameters if one.rules.numberify is not None]
    if keys:
        spot.note("W-KEPT", "kept for export", what=f"{', '.join(keys)} of {spot.what}")
    if task.type is SearchKind.BAYESIAN:
        what = f"{spot.what} looks for the best values step by step; here they are drawn at random"
        spot.note("W-CHANGED", "read as a random search", "type", what=what, hint="Ask for more executions, or a grid.")
    elif task.type is SearchKind.DISTRIBUTED:
        hint = "Its executions would have to talk to each other; make a grid or an execution of it."
        spot.note("W-NOT-HERE", "kept for export", "type", what=f"the distributed {spot.what[4:]}", hint=hint)


def rule_of(style: Style, rules: Rules) -> Rule:
    """The rule of one parameter."""
    fields = {name: getattr(rules, name) for name in Rule.model_fields if name != "style"}
    return Rule(style=style, **{**fields, "value": plain(rules.value), "items": tuple(plain(rules.items))})


def search_of(spot: Spot, task: Task, step: Document | None) -> Search | None:
    """The search that a task is, its values typed as the step's parameters; None and the faults are taken down."""
    own = {one["name"]: Parameter.model_validate(one) for one in (step or {}).get("parameters", ())}
    rules: dict[str, Rule] = {}
    sound = True
    for number, one in enumerate(task.parameters):
        inner = spot.inner("parameters", number)
        rule = _typed(inner, one, own.get(one.name))
        known = step is None or _is_known(inner, one.name, own)
        sound = sound and known and rule is not None
        if one.name in rules:
            what = f'{spot.what} varies "{one.name}" a second time, and that one counts'
            inner.note("W-CHANGED", "the first is left out", what=what, hint="Take one of the two away.")
        rules[one.name] = rule or Rule(style=one.style)
    sets = []
    for number, values in enumerate(task.parameter_sets if task.type is SearchKind.MANUAL else ()):
        inner = spot.inner("parameter-sets", number)
        typed = {name: _value(inner, own.get(name), name, value) for name, value in values.items()}
        sound = sound and all(step is None or _is_known(inner, name, own) for name in values)
        sound = sound and all(fine for fine, _ in typed.values())
        sets.append({name: value for name, (_, value) in typed.items()})
    if not sound:
        return None
    return Search(
        kind=task.type,
        rules=rules,
        sets=tuple(sets),
        count=task.execution_count,
        at_once=task.maximum_queued_executions,
        target_metric=task.optimization_target_metric,
        target_value=task.optimization_target_value,
        on_child_error=task.on_child_error,
        stop=task.stop_condition,
    )


def _is_known(spot: Spot, name: str, own: Mapping[str, Parameter]) -> bool:
    if name not in own:
        what = f"{spot.what} varies the parameter {name!r}, which its step does not have"
        spot.note("E-REF", "not read", what=what, nearest=nearest(name, own))
    return name in own


def _typed(spot: Spot, varied: Varied, parameter: Parameter | None) -> Rule | None:
    """The rule with its values typed; None and a fault is taken down."""
    rule = rule_of(varied.style, varied.rules)
    if varied.style is Style.SINGLE:
        fine, value = _value(spot, parameter, varied.name, varied.rules.value)
        return rule.model_copy(update={"value": value}) if fine else None
    if varied.style is Style.MULTIPLE:
        found = [_value(spot, parameter, varied.name, one) for one in varied.rules.items]
        items = tuple(value for _, value in found)
        return rule.model_copy(update={"items": items}) if all(fine for fine, _ in found) else None
    return rule


def _value(spot: Spot, parameter: Parameter | None, name: str, value: Any) -> tuple[bool, Any]:
    """Whether a value fits its parameter, and the value, typed."""
    if parameter is None:
        return True, plain(value)
    found = spot.attempt(lambda: (True, value_of(parameter, value, f'{spot.what}, the parameter "{name}",')))
    return found or (False, None)


def kept_task(task: Task) -> Document:
    """What of a task only Valohai knows."""
    told = said(task)
    kept = {name: one for name, one in told.items() if name not in IN_FIELDS}
    numbers = {one.name: plain(one.rules.numberify) for one in task.parameters if one.rules.numberify is not None}
    extras = {one.name: _extras(one) for one in task.parameters}
    found = {
        "name": task.name,
        "keys": kept,
        "parameter-sets": told.get("parameter-sets") if task.type is not SearchKind.MANUAL else None,
        NUMBERIFY: numbers,
        "extras": {name: one for name, one in extras.items() if any(one.values())},
    }
    return {name: one for name, one in found.items() if one}


def _extras(varied: Varied) -> Document:
    """Keys of a varied parameter and of its rules that nobody knows."""
    return {"parameter": plain(varied.model_extra or {}), "rules": plain(varied.rules.model_extra or {})}
