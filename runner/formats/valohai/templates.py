"""Templates of an API call: what an execution runs, by itself or with a step of the project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ...core.arguments import argument_for
from ...core.dialect import Argument, ArgumentType, Search, SearchKind
from .call_schemas import Template
from .items import Items
from .parameter_values import value_of
from .schemas import Parameter, Task
from .spot import Document, Spot, by_name, plain, said
from .step_nodes import kept_of
from .step_writing import in_order, parameter_of
from .steps import Settled
from .tasks import check_task_rules, search_of

_STEP_KEYS = ("environment", "environment-variable-groups", "stop-condition")
WITHOUT_EFFECT = ("environment", "environment-variable-groups", "inherit-environment-variables", "tags", "priority")
SEARCH_KEYS = ("type", "on-child-error", "maximum-queued-executions", "stop-expression", "allow-reuse", "configuration")
IN_FIELDS = frozenset(
    {
        *("step", "image", "command", "inputs", "parameters", "environment", "environment-variables", "time-limit"),
        *("environment-variable-groups", "runtime-config", "stop-condition"),
        *SEARCH_KEYS,
    }
)


@dataclass(frozen=True, slots=True)
class TemplateRead:
    """What a template tells."""

    ready: Settled
    kept: Document
    search: Search | None = None
    unresolved: tuple[str, ...] = ()

    @classmethod
    def empty(cls, name: str, why: str) -> TemplateRead:
        """The template of a node that has none."""
        ready = Settled({"name": name}, is_defined=False)
        return cls(ready, kept_of(ready), Search(), (why,))


def read_template(spot: Spot, is_task: bool, project: Items | None) -> TemplateRead | None:
    """What a template tells, with the project's step where it does not tell all; None and faults are taken down."""
    told = spot.read(Template)
    if told is None:
        return None
    name = told.step or (spot.node or "step")
    step = project.steps.get(name) if project else None
    is_defined = step is not None or bool(told.image and told.command)
    why: tuple[str, ...] = ()
    if not is_defined:
        of_commit = f" of commit {told.commit}" if told.commit else ""
        what = f"the step {name!r}{of_commit} is not in this call"
        hint = "Give the template image and command, or import with the project's valohai.yaml."
        spot.note("W-REF", "kept", "step", what=what, nearest=hint)
        why = (f"the step {name!r}{of_commit} is not in {spot.ledger.file}",)
    document, given = _document(spot, told, name, step, is_task)
    _tell(spot, told, is_task)
    read = _search(spot, told, document) if is_task else (True, None)
    if document is None or not read[0]:
        return None
    search = read[1]
    if search and search.kind is SearchKind.DISTRIBUTED:
        spot.note("W-NOT-HERE", "kept", "type", what=f"{spot.what}, which is distributed,", hint="Make a grid of it.")
        why += ("it is distributed: its executions would have to talk to each other",)
    ready = Settled(document, given=given, is_defined=is_defined)
    kept = kept_of(ready)
    others = {key: one for key, one in said(told).items() if key not in IN_FIELDS}
    others |= _extra("runtime-config", said(told.runtime_config, "no-output-timeout", "autorestart"))
    if is_task:
        others |= {"allow-reuse": plain(told.allow_reuse)} if told.allow_reuse is not None else {}
        others |= _extra("configuration", _kept_config(told))
    return TemplateRead(ready, {**kept, **({"template": others} if others else {})}, search, why)


def _extra(key: str, told: Document) -> Document:
    return {key: told} if told else {}


def _kept_config(told: Template) -> Document:
    in_search = ("execution-count", "optimization-target-metric", "optimization-target-value")
    return said(told.configuration, *in_search)


def _tell(spot: Spot, told: Template, is_task: bool) -> None:
    keys = [key for key in WITHOUT_EFFECT if key in said(told)]
    if is_task:
        keys += [key for key in ("engine", "execution-batch-size") if key in said(told.configuration)]
        keys += ["allow-reuse"] if told.allow_reuse is not None else []
        if told.type is SearchKind.BAYESIAN:
            what = f"{spot.what} looks for the best values step by step; here they are drawn at random"
            hint = "Ask for more executions, or a grid."
            spot.note("W-CHANGED", "read as a random search", "type", what=what, hint=hint)
    else:
        keys += [key for key in SEARCH_KEYS if key in said(told)]
    if keys:
        spot.note("W-KEPT", "kept for export", what=f"{', '.join(keys).replace('-', '_')} of {spot.what}")


def _document(
    spot: Spot, told: Template, name: str, step: Document | None, is_task: bool
) -> tuple[Document | None, frozenset[str]]:
    """The step as the template has it, as plain values, and the flags that it gives."""
    own = step or {}
    document: Document = {**own, "name": name}
    document |= {key: one for key, one in said(told).items() if key in _STEP_KEYS}
    for key, one in {
        "image": told.image or None,
        "command": plain(told.command),
        "time-limit": told.time_limit,
        "no-output-timeout": told.runtime_config.no_output_timeout,
        "autorestart": told.runtime_config.autorestart,
    }.items():
        document |= {key: one} if one is not None else {}
    inputs = by_name(own.get("inputs", ()))
    for slot, urls in told.inputs.items():
        before = {key: one for key, one in inputs.get(slot, {"name": slot}).items() if key != "default"}
        inputs[slot] = {**before, **({"default": list(urls)} if urls else {})}
    variables = by_name(own.get("environment-variables", ()))
    for variable, value in told.environment_variables.items():
        variables[variable] = {**variables.get(variable, {"name": variable}), "default": value}
    parameters = _parameters(spot, told, by_name(own.get("parameters", ())), is_task)
    if parameters is None:
        return None, frozenset()
    lists = {"inputs": inputs, "environment-variables": variables, "parameters": parameters}
    document |= {key: list(items.values()) for key, items in lists.items() if items}
    flags = {key for key in told.parameters if parameters[key].get("type") == str(ArgumentType.FLAG)}
    return document, frozenset(flags)


def _parameters(spot: Spot, told: Template, own: dict[str, Document], is_task: bool) -> dict[str, Document] | None:
    """The parameters with the template's values; those of a task that vary have none."""
    found, sound = dict(own), True
    for name, value in told.parameters.items():
        varies = is_task and isinstance(value, dict)
        single = None if varies else _single(value)
        item = own.get(name) or parameter_of(_varied(name, value) if varies else argument_for(name, plain(single)))
        item = {key: one for key, one in item.items() if key != "default"}
        found[name] = item
        if isinstance(value, dict) and single is None and not varies:
            hint = "Give it one value, or make a task of the node."
            spot.note("W-NOT-HERE", "kept without a value", "parameters", name, what=f"{spot.what}, {name},", hint=hint)
        if single is None:
            continue
        parameter = Parameter.model_validate(item)
        where = f'{spot.what}, the parameter "{name}",'
        typed = spot.attempt(lambda p=parameter, v=single, w=where: (value_of(p, v, w),), "parameters", name)  # type: ignore[misc]
        if typed is None:
            sound = False
        else:
            found[name] = in_order({**item, "default": plain(typed[0])}, ("name", "type", "default"))
    return found if sound else None


def _varied(name: str, value: Document) -> Argument:
    """The argument that a varied parameter is, of the type of its values."""
    said = value.get("rules")
    rules: Document = said if isinstance(said, dict) else {}
    values = plain(rules["items"] if "items" in rules else [rules.get("value", 0.5)])  # others are numbers
    argument = argument_for(name, values if isinstance(values, list) else [values])
    return argument.model_copy(update={"multiple": None})


def _single(value: Any) -> Any:
    """The one value that is meant, be it written as a style; None where it varies."""
    if not isinstance(value, dict):
        return value
    rules = value.get("rules")
    return rules.get("value") if value.get("style") == "single" and isinstance(rules, dict) else None


def _search(spot: Spot, told: Template, document: Document | None) -> tuple[bool, Search | None]:
    """Whether the search of a task is sound, and the search: its varied parameters, as a task says them."""
    varied = [{"name": name, **value} for name, value in told.parameters.items() if isinstance(value, dict)]
    config = told.configuration
    try:
        task = Task.model_validate(
            {
                "name": "task",
                "step": "step",
                "type": told.type,
                "parameters": varied,
                "execution-count": config.execution_count,
                "maximum-queued-executions": told.maximum_queued_executions,
                "optimization-target-metric": config.optimization_target_metric,
                "optimization-target-value": config.optimization_target_value,
                "on-child-error": told.on_child_error,
                "stop-condition": told.stop_expression,
            }
        )
    except ValidationError as error:
        detail = error.errors()[0]
        what = f"is no way to vary a parameter: {detail['msg']}"
        spot.note("E-TYPE", "not read", "parameters", where=spot.what, what=what, hint="Write style and rules.")
        return False, None
    inner = spot.inner("parameters")
    if not check_task_rules(inner, task):
        return False, None
    search = search_of(inner, task, document)
    return search is not None, search
