"""From a Python value of an option to what it means in the model; each reader raises PipelineError for one that means
nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from ..core.dialect import Datums, Secret
from ..core.edge import Condition
from ..core.errors import PipelineError, problem
from ..core.model import Node
from ..core.notify import Notify
from ..core.quantities import seconds_of
from ..core.values import Value, check_text, check_value, shown
from ..formats import conversions as to
from ..formats.flow_words import approvers_of, condition_of, input_edge, mapped_input


def titles_of(value: Any) -> tuple[str, ...]:
    """The titles that nodes, or texts, stand for. Raises PipelineError (E-USAGE)."""
    if isinstance(value, str | Node):
        value = (value,)
    found = []
    for one in _listed(value, "a title, a node, or a list of these"):
        if not isinstance(one, str | Node):
            raise _not(one, "a title, or what Pipeline.node gave")
        found.append(one.title if isinstance(one, Node) else one)
    return tuple(dict.fromkeys(found))


def _listed(value: Any, expected: str) -> list[Any]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise _not(value, expected)
    return list(value)


def _not(value: Any, expected: str) -> PipelineError:
    return PipelineError(problem("E-USAGE", what=f"{value!r:.80} is not what it takes", hint=f"Give {expected}."))


def texts_of(value: Any) -> list[str]:
    """The texts in a list, or one alone. Raises PipelineError (E-USAGE)."""
    found = [value] if isinstance(value, str) else _listed(value, "a text or a list of texts")
    for one in found:
        if not isinstance(one, str):
            raise _not(one, "texts")
    return found


def _named(value: Any, expected: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _not(value, expected)
    return dict(value)


def plain_value(name: str, value: Any) -> Value:
    """A value as a parameter: a number of NumPy is a number, a tuple a list. Raises PipelineError (E-PARAM-TYPE)."""
    if hasattr(value, "tolist") and not isinstance(value, str | bytes):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain_value(name, one) for one in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return check_value(name, kind(value))
    return check_value(name, value)


def _params(value: Any, _title: str) -> dict[str, Any]:
    named = _named(value, "names with their values: params={'epochs': 5}")
    return {"params": {name: plain_value(name, one) for name, one in named.items()}}


def _grid(value: Any, _title: str) -> dict[str, Any]:
    named = _named(value, "names with lists of values: grid={'lr': [0.1, 0.01]}")
    lists = {name: _listed(one, f"a list of values for {name}") for name, one in named.items()}
    return {"grid": {name: [plain_value(name, one) for one in values] for name, values in lists.items()}}


def _env(value: Any, _title: str) -> dict[str, Any]:
    named = _named(value, "names with their values: env={'LEVEL': 'debug'}")
    texts = {name: one if isinstance(one, str) else shown(plain_value(name, one)) for name, one in named.items()}
    for name, text in texts.items():
        if not (name.isascii() and name.isidentifier()):
            raise PipelineError(problem("E-ENV-NAME", name=name))
        check_text(name, text)
    return {"env": texts}


def _gather(value: Any, _title: str) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"gather": value} if value else {}
    return {"gather": titles_of(value)}


def _when(value: Any, _title: str) -> dict[str, Any]:
    several = [value] if isinstance(value, str | Condition) else _listed(value, "conditions such as 'max:accuracy'")
    return {"when": tuple(one if isinstance(one, Condition) else condition_of(_text(one)) for one in several)}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _not(value, "a text")
    return value


def _approve(value: Any, _title: str) -> dict[str, Any]:
    names = [name for text in texts_of(value) for name in approvers_of(text)]
    twice = next((name for name in names if [one.casefold() for one in names].count(name.casefold()) > 1), None)
    if twice:
        raise PipelineError(problem("E-APPROVERS", what=f'"{twice}" is named twice'))
    return {"approve": tuple(names)}


def _input(value: Any, title: str) -> dict[str, Any]:
    if isinstance(value, Mapping):
        texts = [f"{slot}={_text(source)}" for slot, source in value.items()]
    else:
        texts = texts_of(value)
    return {"edges": tuple(input_edge(text, title) for text in texts)}


def _map(value: Any, _title: str) -> dict[str, Any]:
    return {"datums": Datums(input=mapped_input(_text(value)))}


def _requirements(value: Any, _title: str) -> dict[str, Any]:
    return {"requirements": tuple(texts_of(value))}


def _compute(value: Any, _title: str) -> dict[str, Any]:
    return {"compute": tuple(dict.fromkeys(name for text in texts_of(value) for name in to.templates(text)))}


def _secret(value: Any, _title: str) -> dict[str, Any]:
    several = [value] if isinstance(value, str | Secret) else _listed(value, "secrets such as 'TOKEN=vault:token'")
    return {"secrets": tuple(one if isinstance(one, Secret) else to.secret(_text(one)) for one in several)}


def _timeout(value: Any, _title: str) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, int | float | str | timedelta):
        raise _not(value, "seconds, a text such as '10m', or a timedelta")
    return {"timeout": seconds_of(value.total_seconds() if isinstance(value, timedelta) else value)}


def _workers(value: Any, _title: str) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _not(value, "a whole number of at least 1")
    return {"workers": value}


def _notify(value: Any, _title: str) -> dict[str, Any]:
    events = dict.fromkeys(event for text in texts_of(value) for event in to.node_events(text))
    return {"notify": Notify.model_validate({"events": tuple(events)})}


def _email(value: Any, _title: str) -> dict[str, Any]:
    return {"email": tuple(dict.fromkeys(address for text in texts_of(value) for address in to.emails(text)))}


# By the name of an option the fields of the model that a value of it says, for the node of a title.
READ: Mapping[str, Callable[[Any, str], dict[str, Any]]] = {
    "after": lambda value, _title: {"after": titles_of(value)},
    "params": _params,
    "grid": _grid,
    "env": _env,
    "gather": _gather,
    "when": _when,
    "approve": _approve,
    "input": _input,
    "map": _map,
    "workers": _workers,
    "requirements": _requirements,
    "compute": _compute,
    "secret": _secret,
    "timeout": _timeout,
    "notify_on": _notify,
    "email": _email,
}
