"""A step as the fields of a node, and what of it only Valohai knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.arguments import SOURCE_PATH
from ...core.dialect import Argument, ArgumentType, Dialect, Keep, Slot
from ...core.errors import PipelineError, problem
from ...core.model import Kind
from .schemas import Bounds, Input, Parameter, StepBody, Variable
from .spot import Document, plain, said
from .steps import Settled

MEGABYTE = 2**20
_BOUNDED = frozenset({"cpu", "memory"})
IN_FIELDS = frozenset(  # keys of a step that have fields in a node, or a place of their own
    {
        *("name", "image", "command", "parameters", "inputs", "environment-variables", "resources", "time-limit"),
        *("no-output-timeout", "stop-condition", "source-path"),
    }
)
PARAMETER_FIELDS = ("name", "type", "default", "optional", "min", "max", "choices", "multiple", "multiple-separator")
PASSING = ("pass-as", "pass-true-as", "pass-false-as")
INPUT_FIELDS = ("name", "default", "optional", "filename", "keep-directories")


def step_fields(settled: Settled) -> dict[str, Any]:
    """The fields of a node that runs this step. Raises PipelineError (E-SLOT)."""
    step = _body(settled.document)
    source, lines = source_of(step.command)
    resources = step.resources
    return {
        "kind": Kind.COMMAND,
        "dialect": Dialect.VALOHAI,
        "image": step.image,
        "source": source,
        "command_lines": lines,
        "slots": tuple(map(_slot, step.inputs)),
        "arguments": tuple(map(_argument, step.parameters)),
        "params": {one.name: one.default for one in step.parameters if _is_given(one, settled)},
        "env": {one.name: one.default for one in step.environment_variables if one.default is not None},
        "cpus": _bound(resources.cpu),
        "memory": None if _bound(resources.memory) is None else int(_bound(resources.memory) * MEGABYTE),  # type: ignore[operator]
        "gpus": gpus_in(resources.devices) or None,
        "timeout": step.time_limit,
        "silence": step.no_output_timeout,
        "stop": step.stop_condition,
        "retries": 1 if step.autorestart else None,
    }


def _body(document: Document) -> StepBody:
    return StepBody.model_validate({name: one for name, one in document.items() if name != "name"})


def source_of(command: Any) -> tuple[str, tuple[int, ...]]:
    """A command as a node's source, and how many lines each has where it is a list."""
    if isinstance(command, list | tuple):
        return "\n".join(command), tuple(one.count("\n") + 1 for one in command)
    return command or "", ()


def gpus_in(devices: Mapping[str, float]) -> int:
    """How many of these devices are GPUs."""
    return int(sum(count for name, count in devices.items() if "gpu" in name.lower()))


def _bound(bounds: Bounds) -> int | float | None:
    return bounds.max if bounds.max is not None else bounds.min


def _is_given(parameter: Parameter, settled: Settled) -> bool:
    if parameter.default is None:
        return False
    return parameter.type is not ArgumentType.FLAG or parameter.name in settled.given


def _slot(given: Input) -> Slot:
    for name in (given.name, given.filename):
        if name is not None and ("/" in name or "\0" in name or name in ("", ".", "..")):
            raise PipelineError(problem("E-SLOT", slot=name[:80]))
    return Slot(
        name=given.name,
        default=given.default,
        optional=given.optional,
        filename=given.filename,
        keep_directories=Keep(given.keep_directories),
    )


def _argument(parameter: Parameter) -> Argument:
    return Argument(
        name=parameter.name,
        type=parameter.type,
        optional=parameter.optional,
        pass_as=parameter.pass_as,
        pass_true_as=parameter.pass_true_as,
        pass_false_as=parameter.pass_false_as,
        multiple=parameter.multiple,
        separator=parameter.multiple_separator,
        min=parameter.min,
        max=parameter.max,
        choices=tuple(plain(parameter.choices)),
    )


def kept_of(settled: Settled) -> Document:
    """What of the step only Valohai knows, and what it says itself where the node says otherwise."""
    document = settled.document
    step = _body(document)
    kept: Document = {
        "step": document["name"],
        "keys": {name: one for name, one in document.items() if name not in IN_FIELDS},
        "parameters": _extras(step.parameters, (*PARAMETER_FIELDS, *PASSING)) | _unused_flags(step, settled),
        "inputs": _extras(step.inputs, INPUT_FIELDS),
        "variables": _variables(step.environment_variables),
        "resources": _resources(document.get("resources", {})),
        "override": settled.masked,
        "undefined": not settled.is_defined,
        SOURCE_PATH: step.source_path,
    }
    return {name: one for name, one in kept.items() if one}


def _extras(items: tuple[Parameter, ...] | tuple[Input, ...], fields: tuple[str, ...]) -> Document:
    found = {one.name: said(one, *fields) for one in items}
    return {name: extra for name, extra in found.items() if extra}


def _unused_flags(step: StepBody, settled: Settled) -> Document:
    """Flags with a default that no command gets."""
    extras = _extras(step.parameters, (*PARAMETER_FIELDS, *PASSING))
    flags = [one for one in step.parameters if one.type is ArgumentType.FLAG and one.default is not None]
    unused = [one for one in flags if not _is_given(one, settled)]
    return {one.name: {**extras.get(one.name, {}), "default": one.default} for one in unused}


def _variables(variables: tuple[Variable, ...]) -> Document:
    """What else is said of variables, and those without a value."""
    found = {one.name: (one.default, said(one, "name", "default")) for one in variables}
    return {name: extra for name, (default, extra) in found.items() if extra or default is None}


def _resources(told: Document) -> Document:
    """What of its resources is not in the node: the least where there is a most too, devices, and unknown keys."""
    bounds = {key: {name: one for name, one in told[key].items() if name != "max"} for key in _BOUNDED & told.keys()}
    return {key: bounds.get(key, one) for key, one in told.items() if bounds.get(key, one)}
