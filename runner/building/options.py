"""What a program can say of a node or of a pipeline: the options of the magics, under the same names.

Their rules are those of the table in `formats.options`, from which their texts are made, too; here stands what Python
values each takes. `--param` is `params` here, `--no-network` is `network=False`, `--no-cache` is `cache=False`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, TypedDict

from ..core.edge import Condition
from ..core.errors import PipelineError, Problem, nearest, problem
from ..core.model import Node
from ..formats.options import OPTIONS, Option
from .values import READ

Titles = str | Node | Sequence[str | Node]
Texts = str | Sequence[str]


class PlacedOptions(TypedDict, total=False):
    """Where its card stands in a picture."""

    left: int | None
    top: int | None


class CommonOptions(TypedDict, total=False):
    """What a pipeline says for all its nodes, and a node for itself."""

    image: str | None
    requirements: Texts | None
    prerun: str | None
    cpus: float | str | None
    memory: int | str | None
    gpus: int | None
    compute: Texts | None
    git: str | None
    env: Mapping[str, object] | None
    secret: Texts | None
    timeout: float | str | timedelta | None
    retries: int | None
    on_error: Literal["stop-next", "stop-all", "continue"] | None
    network: bool | None
    cache: bool | None
    executor: Literal["auto", "docker", "process"] | None


class PipelineOptions(CommonOptions, total=False):
    """What a pipeline says for all its nodes."""

    kernel: str | None


class CommandOptions(CommonOptions, PlacedOptions, total=False):
    """What can be said of any node that runs."""

    after: Titles
    params: Mapping[str, Any] | None
    grid: Mapping[str, Iterable[Any]] | None
    gather: Titles | bool
    single: bool
    input: Mapping[str, str] | Texts | None
    map: str | None
    workers: int | None
    when: str | Condition | Sequence[str | Condition] | None
    approve: Texts | None
    notify_on: Texts | None
    email: Texts | None


class NodeOptions(CommandOptions, total=False):
    """What can be said of a node that runs in a kernel."""

    kernel: str | None


OF_MAGIC: Mapping[str, type] = {
    "pipeline": PipelineOptions,
    "pipeline_node": NodeOptions,
    "pipeline_command": CommandOptions,
    "pipeline_notebook": NodeOptions,
}


def names_of(kind: type) -> tuple[str, ...]:
    """The names of the options in one of these kinds, in the order of the table."""
    order = {python_name(option.name): number for number, option in reversed(list(enumerate(OPTIONS)))}
    return tuple(sorted(kind.__annotations__, key=order.__getitem__))


_CALLED = {"param": "params", "no_cache": "cache", "no_network": "network", "from": "from_"}  # but for these as typed


def python_name(option: str) -> str:
    """How an option is called in Python: `--on-error` is `on_error`, `--no-cache` is `cache`, `--param` is `params`."""
    name = option.lstrip("-").replace("-", "_")
    return _CALLED.get(name, name)


def fields_of(magic: str, title: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the model that these options of `magic` say. What is None is not said.

    Raises PipelineError with all findings: E-USAGE for an option that is not known, and those of the values.
    """
    known = names_of(OF_MAGIC[magic])
    found: dict[str, Any] = {}
    faults: list[Problem] = []
    for name, value in options.items():
        if name not in known:
            faults.append(_unknown(name, magic, known))
        elif value is not None:
            try:
                found |= READ[name](value, title) if name in READ else {name: _converted(name, magic, value)}
            except PipelineError as error:
                faults += error.problems
    if faults:
        raise PipelineError(*faults)
    return _together(found)


def _unknown(name: str, magic: str, known: Sequence[str]) -> Problem:
    opposite = name.removeprefix("no_")
    if name != opposite and opposite in known:
        hint = f"Write {opposite}=False."
    elif name == "param":
        hint = "Write params={…}."
    else:
        hint = nearest(name, known)
    of = "a pipeline" if magic == "pipeline" else "a node" if magic != "pipeline_command" else "a command"
    return problem("E-USAGE", what=f"there is no option {name!r} of {of}", hint=hint)


def _converted(name: str, magic: str, value: Any) -> Any:
    """The value as it is, or, of a text that can be typed in a magic line, what that means there."""
    option = next(one for one in OPTIONS if python_name(one.name) == name and magic in one.magics)
    if option.choices and value not in option.choices:
        raise PipelineError(_wrong(option, value, f"one of {', '.join(option.choices)}"))
    if not isinstance(value, str) or name in _SWITCHES:
        return _checked(name, value, option)
    try:
        return option.convert(value)
    except PipelineError:
        raise
    except ValueError:
        raise PipelineError(_wrong(option, value, option.metavar)) from None


_NUMBERS = {"cpus": (int, float), "memory": (int,), "gpus": (int,), "retries": (int,), "left": (int,), "top": (int,)}
_SWITCHES = ("network", "cache", "single")


def _checked(name: str, value: Any, option: Option) -> Any:
    """A value that is no text. Raises PipelineError (E-VALUE, E-USAGE)."""
    if name in _SWITCHES:
        if not isinstance(value, bool):
            raise PipelineError(_wrong(option, value, "True or False"))
        return value
    if name in _NUMBERS and isinstance(value, _NUMBERS[name]) and not isinstance(value, bool):
        return option.convert(str(value))
    expected = "a number" if name in _NUMBERS else "a text"
    raise PipelineError(_wrong(option, value, expected))


def _wrong(option: Option, value: Any, expected: str) -> Problem:
    what = f"{python_name(option.name)}={value!r:.80} is not what it takes"
    return problem("E-USAGE", what=what, hint=f"Give {expected}: {option.help}.")


def _together(found: dict[str, Any]) -> dict[str, Any]:
    """The fields that several options make together.

    What is gathered comes before the node, whether `after` names it or not; True means all that comes before.
    """
    workers, notify = found.pop("workers", None), found.pop("email", None)
    if workers is not None:
        if "datums" not in found:
            raise PipelineError(problem("E-USAGE", what="workers=… stands without map=…", hint="Give both."))
        found["datums"] = found["datums"].model_copy(update={"workers": workers})
    if notify is not None:
        if "notify" not in found:
            raise PipelineError(problem("E-USAGE", what="email=… stands without notify_on=…", hint="Give both."))
        found["notify"] = found["notify"].model_copy(update={"emails": notify})
    gather, after = found.get("gather", ()), found.get("after", ())
    if gather is True:
        return {**found, "gather": after}
    return {**found, "after": tuple(dict.fromkeys([*after, *gather]))} if gather else found
