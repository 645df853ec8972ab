"""Steps out of nodes: what a node's step says, and how several nodes share one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ...core.arguments import SOURCE_PATH, arguments_of, commands_of
from ...core.dialect import Argument, ArgumentType, Keep, Slot
from ...core.model import Node
from .schemas import Overridable, StepBody
from .spot import Document, by_name, kept_in, plain, whole
from .step_nodes import MEGABYTE, gpus_in
from .steps import LISTS

_FIELDS = {name: field.alias or name for name, field in StepBody.model_fields.items()}
STEP_ONLY = frozenset(
    alias for name, alias in _FIELDS.items() if name not in Overridable.model_fields
)  # in no override
_ORDER = ("name", "image", "command", "source-path", "parameters", "inputs", "environment-variables")
GPU = "nvidia.com/gpu"


def step_of(node: Node) -> Document:
    """The step as this node has it, as plain values; the name is that of its step, or its own."""
    kept = kept_in(node.origin)
    told: Document = {
        "name": kept.get("step") or node.title,
        "image": node.image,
        "command": _command(node),
        SOURCE_PATH: kept.get(SOURCE_PATH),
        "parameters": _parameters(node, kept.get("parameters", {})),
        "inputs": [_input(slot, kept.get("inputs", {}).get(slot.name, {})) for slot in node.slots],
        "environment-variables": _variables(node, kept.get("variables", {})),
        "resources": _resources(node, kept.get("resources", {})),
        "time-limit": None if node.timeout is None else whole(node.timeout),
        "no-output-timeout": None if node.silence is None else whole(node.silence),
        "stop-condition": node.stop,
        "autorestart": _autorestart(node, kept),
    }
    fields = {name: one for name, one in told.items() if one is not None and one not in ([], {}, "")}
    keys = {name: one for name, one in kept.get("keys", {}).items() if name != "autorestart"}
    return in_order({**keys, **fields}, _ORDER)


def in_order(told: Document, order: Sequence[str]) -> Document:
    """The same with these keys first."""
    return {**{name: told[name] for name in order if name in told}, **told}


def _command(node: Node) -> Any:
    return list(commands_of(node)) if node.command_lines else node.source or None


def _autorestart(node: Node, kept: Document) -> bool | None:
    before = kept.get("keys", {}).get("autorestart")
    if node.retries:
        return True if before or not is_retried_by_word(node) else None
    return False if before is False else None


def is_retried_by_word(node: Node) -> bool:
    """Whether the node's retry is said by `on-error: retry`, and not by its step."""
    return kept_in(node.origin).get("on-error") == "retry" and bool(node.retries) and node.on_error == "stop-all"


def _parameters(node: Node, extras: Mapping[str, Document]) -> list[Document]:
    """The parameters; a flag that the node gives has the given value, others the default that no command gets."""
    found = []
    for one in arguments_of(node, node.params):
        told = {**parameter_of(one), **extras.get(one.name, {})}
        if one.name in node.params and node.params[one.name] is not None:
            told["default"] = plain(node.params[one.name])
        found.append(in_order(told, ("name", "type", "default")))
    return found


def parameter_of(argument: Argument) -> Document:
    """What a step says of a parameter, without its default."""
    told = {
        "name": argument.name,
        "type": str(argument.type),
        "optional": argument.optional,
        "min": None if argument.min is None else whole(argument.min),
        "max": None if argument.max is None else whole(argument.max),
        "choices": plain(argument.choices),
        "pass-as": argument.pass_as,
        "pass-true-as": argument.pass_true_as,
        "pass-false-as": argument.pass_false_as,
        "multiple": str(argument.multiple) if argument.multiple else None,
        "multiple-separator": argument.separator,
    }
    usual = {"type": str(ArgumentType.STRING), "optional": False, "choices": [], "multiple-separator": ","}
    return {name: one for name, one in told.items() if one is not None and (name not in usual or usual[name] != one)}


def _input(slot: Slot, extra: Document) -> Document:
    told: Document = {"name": slot.name}
    if slot.default:
        told["default"] = list(slot.default)
    if slot.optional:
        told["optional"] = True
    if slot.filename is not None:
        told["filename"] = slot.filename
    if slot.keep_directories is not Keep.FLAT:
        told["keep-directories"] = str(slot.keep_directories)
    return {**told, **extra}


def _variables(node: Node, extras: Mapping[str, Document]) -> list[Document]:
    given = [{"name": name, "default": value, **extras.get(name, {})} for name, value in node.env.items()]
    return given + [{"name": name, **extra} for name, extra in extras.items() if name not in node.env]


def _resources(node: Node, kept: Document) -> Document:
    told = dict(kept)
    amounts = {"cpu": node.cpus, "memory": None if node.memory is None else node.memory / MEGABYTE}
    for key, amount in amounts.items():
        if amount is None:
            told.pop(key, None)
        elif kept.get(key, {}).get("min") != amount:
            told[key] = {**kept.get(key, {}), "max": whole(amount)}
    devices = dict(kept.get("devices", {}))
    if gpus_in(devices) != (node.gpus or 0):
        names = [name for name in devices if "gpu" in name.lower()]
        devices = {name: count for name, count in devices.items() if name not in names}
        devices |= {(names or [GPU])[0]: node.gpus} if node.gpus else {}
    return {name: one for name, one in {**told, "devices": devices}.items() if one}


def base_of(node: Node) -> Document:
    """The step itself: as the node has it, with what the node's override masks put back."""
    document = step_of(node)
    for key, own in kept_in(node.origin).get("override", {}).items():
        if key in LISTS:
            named = by_name(document.get(key, ()))
            items = [by_name(own).get(name, one) for name, one in named.items()]
            document |= {key: items} if items else {}
        elif own is None:
            document.pop(key, None)
        else:
            document[key] = own
    for one in document.get("parameters", ()):  # a flag that a node gives is not its step's doing
        _take_flag_back(node, one)
    return document


def _take_flag_back(node: Node, parameter: Document) -> None:
    overridden = by_name(kept_in(node.origin).get("override", {}).get("parameters", ()))
    name = parameter["name"]
    if parameter.get("type") == str(ArgumentType.FLAG) and name in node.params and name not in overridden:
        default = kept_in(node.origin).get("parameters", {}).get(name, {}).get("default")
        parameter.pop("default", None)
        if default is not None:
            parameter["default"] = default


def commonest(documents: Sequence[Document]) -> Document:
    """The document that most of them are; of several the first."""
    keys = [repr(canonical(one)) for one in documents]
    most = Counter(keys).most_common(1)[0][0]
    return documents[keys.index(most)]


def canonical(document: Document) -> Any:
    """A document in which the order of keys, and that of named items, makes no difference."""
    named = {name: by_name(one) if name in LISTS else one for name, one in document.items()}
    return _sorted(named)


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def override_between(base: Document, node: Node) -> Document | None:
    """What the node's override must say over this step; None where an override cannot say it."""
    document, kept = step_of(node), kept_in(node.origin).get("override", {})
    found: Document = {}
    for key in {**base, **document, **kept}:
        before, now = base.get(key), document.get(key)
        if key == "name" or (key not in kept and key not in LISTS and before == now):
            continue
        if key in STEP_ONLY:
            return None
        if key in LISTS:
            items = _items_between(by_name(before or ()), by_name(now or ()), by_name(kept.get(key, ())), node, key)
            if items is None:
                return None
            found |= {key: items} if items or key in kept else {}
        elif now is None:
            return None
        else:
            found[key] = now
    return in_order(found, _ORDER)


def _items_between(
    base: Mapping[str, Document], now: Mapping[str, Document], kept: Mapping[str, Document], node: Node, key: str
) -> list[Document] | None:
    if base.keys() != now.keys():
        return None
    found = []
    for name, one in now.items():
        before = base[name]
        is_given = key == "parameters" and one.get("type") == str(ArgumentType.FLAG) and name in node.params
        if before == one and name not in kept and not is_given:
            continue
        if any(part not in one for part in before if part != "default"):
            return None
        said = {part: value for part, value in one.items() if part in ("name", "default") or before.get(part) != value}
        found.append(said)
    return found
