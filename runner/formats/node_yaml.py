"""A node as YAML, and back: what it says, under the names of the model; what is as by default is left out."""

from __future__ import annotations

from typing import Any

from ..core.errors import PipelineError, problem
from ..core.model import WHERE, Node
from ..core.values import from_json
from .yaml_text import yaml_text

_FAULT = "the YAML of the node does not tell a node"


def node_yaml(node: Node) -> str:
    """The node as a YAML mapping in block style: title and kind, then every field that is not as by default.

    Code of several lines is a literal block. `node_from_yaml` gives the same node, but for the cell it was read from.
    """
    said: dict[str, Any] = {"title": node.title, "kind": str(node.kind)}
    said |= node.model_dump(mode="json", exclude_defaults=True, exclude=set(WHERE))
    said |= {kind: _numbers(said[kind]) for kind in ("params", "grid") if kind in said}
    return yaml_text(said)


def node_from_yaml(text: str) -> Node:
    """The node that a YAML mapping tells. Nothing in it is executed.

    Raises PipelineError (E-VALUE, its message with line and column where the YAML itself is broken; and the codes of
    the values).
    """
    from pydantic import ValidationError
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        said = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise _fault(_why(error), "Look at the indentation and the quotes there.") from None
    if not isinstance(said, dict):
        raise _fault("it is no mapping", "Write a `title:` and what else is to be said, a line each.")
    try:
        return Node.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise _fault(f"{place}: {first['msg']}", "The fields are those of `%%pipeline_node?`.") from None


def _fault(why: str, hint: str) -> PipelineError:
    return PipelineError(problem("E-VALUE", what=f"{_FAULT}: {why}", hint=hint))


def _why(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    said = str(getattr(error, "problem", None) or error).strip().splitlines() or [type(error).__name__]
    return f"line {mark.line + 1}, column {mark.column + 1}: {said[0]}" if mark else said[0]


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    """The values by name, NaN and infinities as numbers: YAML can spell them, JSON could not."""
    return {name: from_json(value) for name, value in values.items()}
