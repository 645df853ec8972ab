"""The parameters of a Valohai pipeline, and the parameters of nodes that they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...core.dialect import Argument, ArgumentType
from ...core.errors import nearest
from ...core.model import Kind, Node
from ...core.values import Value, check_key
from .scalars import TRUTHS
from .schemas import Target
from .spot import Document, Spot, named_word, plain, said

_FORM = "Write node.parameter.name."


@dataclass
class Targets:
    """Values and targets by name of the parameter, and what only Valohai knows."""

    values: dict[str, Value] = field(default_factory=dict)
    targets: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    kept: Document = field(default_factory=dict)


def read_targets(spots: list[Spot], nodes: Mapping[str, Node | None]) -> Targets:
    """The parameters of a pipeline. `nodes` are by the names of the file; None is one that could not be read."""
    found = Targets()
    for spot in spots:
        name = named_word(spot, "name")
        spot = spot.called(f'the pipeline parameter "{name}"' if name else f"pipeline parameter {spot.path[-1]}")
        told = spot.read(Target)
        if told is None or spot.attempt(lambda told=told: check_key(told.name), "name") is None:  # type: ignore[misc]
            continue
        if told.target is not None and told.targets:
            spot.note("E-CONFLICT", "not read", "target", what=f"{spot.what} has target and targets", hint="Keep one.")
            continue
        if told.name in found.values:
            what = f"{spot.what} is given twice, and this one counts"
            spot.note("W-CHANGED", "the first is left out", what=what, hint="Take one of the two away.")
        texts = told.targets or ((told.target,) if told.target else ())
        reached = [end for text in texts if (end := target_of(spot, text, nodes))]
        take(spot, found, told.name, told.value if told.value is not None else told.default, reached, nodes)
        if not texts:
            spot.note("W-KEPT", "kept for export", what=f"{spot.what}, which has no target,")
        extra = {name: one for name, one in said(told).items() if name not in _IN_FIELDS}
        if extra:
            found.kept.setdefault(told.name, {}).update(extra)
    return found


_IN_FIELDS = ("name", "default", "value", "target", "targets")


def take(
    spot: Spot,
    found: Targets,
    name: str,
    default: Any,
    reached: list[tuple[str, str]],
    nodes: Mapping[str, Node | None],
) -> None:
    """Add a parameter; without a default it has that of the parameter that it gives, so that nothing is lost."""
    by_title = {node.title: node for node in nodes.values() if node is not None}
    ends = [(by_title[title], key) for title, key in reached if title in by_title]
    if default is None:
        own = [node.params.get(key) for node, key in ends]
        value = own[0] if own else None
        found.kept.setdefault(name, {})["without-default"] = True
        if any(one != value for one in own):
            what = f"{spot.what} has no default, and what it gives has several; the first, {value!r}, is taken"
            spot.note("W-CHANGED", "read with the first default", what=what, hint="Write a default.")
    else:
        value = _typed(plain(default), [_argument(node, key) for node, key in ends])
    found.values[name] = value
    found.targets.pop(name, None)
    if reached:
        found.targets[name] = tuple(reached)


def _argument(node: Node, key: str) -> Argument | None:
    return next((one for one in node.arguments if one.name == key), None)


def _typed(value: Any, arguments: list[Argument | None]) -> Value:
    """The value as the parameters that it gives have it: a text for a flag may spell whether it is given."""
    types = {one.type for one in arguments if one is not None}
    if types == {ArgumentType.FLAG} and isinstance(value, str) and value.lower() in TRUTHS:
        return TRUTHS[value.lower()]
    return value  # type: ignore[no-any-return]


def target_of(
    spot: Spot, text: str, nodes: Mapping[str, Node | None], *, announced: bool = True
) -> tuple[str, str] | None:
    """The node's title and its parameter that `node.parameter.name` means; None and its faults are taken down.

    `announced` says that nodes know all of their parameters.
    """
    parts = text.split(".", 2)
    if len(parts) != 3 or not all(parts):
        spot.note("E-REF", "not read", what=f"{spot.what} gives {text!r}, which is no parameter", nearest=_FORM)
        return None
    name, word, key = parts
    if word == "parameters":
        what = f"{spot.what} says parameters, and the type is called parameter"
        spot.note("W-CHANGED", "read as parameter", what=what, hint="Write it without the s.")
    elif word != "parameter":
        spot.note(
            "E-REF", "not read", what=f"{spot.what} gives the {word} {key!r}, which is no parameter", nearest=_FORM
        )
        return None
    if name not in nodes:
        what = f"{spot.what} gives a parameter of the node {name!r}, which the pipeline does not have"
        spot.note("E-REF", "not read", what=what, nearest=nearest(name, nodes))
        return None
    node = nodes[name]
    if node is None:
        return None
    known = [one.name for one in node.arguments]
    if node.kind is Kind.DEPLOY or (announced and not node.unresolved and key not in known):
        what = f"{spot.what} gives the parameter {key!r} of {name!r}, which that node does not have"
        spot.note("E-REF", "not read", what=what, nearest=nearest(key, known))
        return None
    return node.title, key
