"""Steps as plain values: checked, their defaults typed, what an override says put over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...core.dialect import ArgumentType
from ...core.errors import nearest
from .parameter_values import value_of
from .schemas import Overridable, Parameter, Step
from .spot import Document, Spot, by_name, plain, said

LISTS = ("parameters", "inputs", "environment-variables")  # items with names
WITHOUT_EFFECT = (
    "environment",
    "runtime-config-preset",
    "upload-store",
    "cache-volumes",
    "environment-variable-groups",
    "icon",
)
_ONE_OF = {"parameters": "parameter", "inputs": "input", "environment-variables": "environment variable"}


@dataclass(frozen=True, slots=True)
class Settled:
    """A step as one node has it.

    `masked` is what the step itself says where the node's override speaks: None where it says nothing. `given` are
    the flags that the override gives: the step's own defaults of flags are not used.
    """

    document: Document
    masked: Document = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    is_defined: bool = True


def step_document(spot: Spot) -> Document | None:
    """What a step says, or None and its faults are taken down; what has no effect here is told."""
    step = spot.read(Step)
    if step is None:
        return None
    typed = {one.name: _default(spot.inner("parameters", number), one) for number, one in enumerate(step.parameters)}
    if spot.ledger.failed and not all(ok for ok, _ in typed.values()):
        return None
    told = said(step)
    told |= _with_defaults(told, {name: value for name, (_, value) in typed.items()})
    told |= _once_each(spot, told)
    tell_kept(spot, told)
    for number, variable in enumerate(step.environment_variables):
        if variable.default is None and not variable.optional:
            what = f"{spot.what} wants the environment variable {variable.name}, and gives it no value"
            at = ("environment-variables", number)
            spot.note("W-CHANGED", "kept, not set", *at, what=what, hint="Give the node a value for it before it runs.")
    return told


def _default(spot: Spot, parameter: Parameter) -> tuple[bool, Any]:
    """Whether the default of a parameter is sound, and the default, typed."""
    where = f'{spot.what}, the parameter "{parameter.name}",'
    if parameter.type is ArgumentType.FLAG and parameter.multiple is not None:
        hint = "A flag is given once, or not."
        spot.note("E-CONFLICT", "not read", "multiple", what=f"{where} is a flag with several values", hint=hint)
        return False, None
    found = spot.attempt(lambda: (True, value_of(parameter, parameter.default, where)), "default")
    return found or (False, None)


def _with_defaults(told: Document, defaults: Mapping[str, Any]) -> Document:
    """The parameters with these defaults, if there are parameters."""
    if "parameters" not in told:
        return {}
    return {"parameters": [_with_default(one, defaults.get(one["name"])) for one in told["parameters"]]}


def _with_default(item: Document, value: Any) -> Document:
    rest = {name: one for name, one in item.items() if name != "default"}
    return rest if value is None else {**rest, "default": plain(value)}


def _once_each(spot: Spot, told: Document) -> Document:
    """The lists of items, of two with one name the later."""
    found = {key: list(by_name(told[key]).values()) for key in LISTS if key in told}
    for key in found:
        names = [one["name"] for one in told[key]]
        for number, name in enumerate(names):
            if name in names[number + 1 :]:
                what = f"{spot.what} has the {_ONE_OF[key]} {name!r} again below, and that one counts"
                spot.note("W-CHANGED", "left out", key, number, what=what, hint="Take one of the two away.")
    return found


def tell_kept(spot: Spot, told: Document) -> None:
    """Tell in one note what of a step or an override is kept without effect, and in one what it mounts."""
    keys = [key for key in WITHOUT_EFFECT if key in told]
    keys += [f"download of {one['name']}" for one in told.get("inputs", ()) if "download" in one]
    devices = told.get("resources", {}).get("devices", {})
    keys += [f"the device {name}" for name in devices if "gpu" not in name.lower()]
    if keys:
        spot.note("W-KEPT", "kept for export", what=f"{', '.join(keys)} of {spot.what}")
    if told.get("mounts"):
        hint = "The node runs without it; make an input of what it needs."
        spot.note("W-NOT-HERE", "kept for export", "mounts", what=f"a mount of {spot.what}", hint=hint)


def settled(spot: Spot, name: str, step: Document | None, override: Overridable | None) -> Settled | None:
    """The step as a node has it, with its override; None and the faults are taken down.

    Items are put over those of the same name: a default that the override does not repeat is gone, all else that it
    does not say stays as the step has it. `spot` is the override. Without a step, there is only the override.
    """
    base: Document = step or {"name": name}
    if override is None:
        return Settled(dict(base), is_defined=step is not None)
    told = said(override)
    tell_kept(spot, told)
    document, masked, given, sound = dict(base), {}, set(), True
    for key, value in told.items():
        if key not in LISTS:
            masked[key] = base.get(key)
            document[key] = value
            continue
        own = by_name(base.get(key, ()))
        over = _typed_items(spot, override, own) if key == "parameters" else by_name(value)
        if over is None or (step is not None and not _all_known(spot, key, over, own)):
            sound = False
            continue
        masked[key] = [one for item, one in own.items() if item in over]
        document[key] = [_put_over(one, over.get(item)) for item, one in own.items()]
        document[key] += [one for item, one in over.items() if item not in own]
        if key == "parameters":
            given = {one["name"] for one in document[key] if one["name"] in over and _is_given_flag(one)}
    if not sound:
        return None
    return Settled(document, masked if step else {}, frozenset(given), step is not None)


def _put_over(own: Document, over: Document | None) -> Document:
    """An item of a step with what an override says of it."""
    return own if over is None else {name: one for name, one in own.items() if name != "default"} | over


def _is_given_flag(parameter: Document) -> bool:
    return parameter.get("type") == str(ArgumentType.FLAG) and "default" in parameter


def _typed_items(spot: Spot, override: Overridable, own: Mapping[str, Document]) -> dict[str, Document] | None:
    """The overridden parameters, their values typed as the step's parameters are."""
    found: dict[str, Document] = {}
    sound = True
    for number, one in enumerate(override.parameters):
        told = said(one)
        whole = Parameter.model_validate({**own.get(one.name, {}), **told, "default": one.default})
        fine, value = _default(spot.inner("parameters", number), whole)
        sound = sound and fine
        found[one.name] = _with_default(told, value)
    return found if sound else None


def _all_known(spot: Spot, key: str, over: Mapping[str, Document], own: Mapping[str, Document]) -> bool:
    """Whether all overridden items are the step's."""
    unknown = [(number, name) for number, name in enumerate(over) if name not in own]
    for number, name in unknown:
        what = f"{spot.what} is of the {_ONE_OF[key]} {name!r}, which its step does not have"
        spot.note("E-REF", "not read", key, number, what=what, nearest=nearest(name, own))
    return not unknown
