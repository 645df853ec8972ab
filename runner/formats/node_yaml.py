"""A node as YAML, and back: what it says, under the names of the model; what is as by default is left out."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from ..core.errors import PipelineError, problem
from ..core.model import Node
from ..core.values import from_json

if TYPE_CHECKING:
    from ruamel.yaml import YAML

_WHERE = {"cell", "cell_id"}  # where it was read from
_NEVER_WRAPPED = 2**20  # characters in a line: a wrapped text is hard to read and to compare
_FAULT = "the YAML of the node does not tell a node"


def node_yaml(node: Node) -> str:
    """The node as a YAML mapping in block style: title and kind, then every field that is not as by default.

    Code of several lines is a literal block. `node_from_yaml` gives the same node, but for the cell it was read from.
    """
    said: dict[str, Any] = {"title": node.title, "kind": str(node.kind)}
    said |= node.model_dump(mode="json", exclude_defaults=True, exclude=_WHERE)
    said |= {kind: _numbers(said[kind]) for kind in ("params", "grid") if kind in said}
    stream = io.StringIO()
    _writer().dump(_laid_out(said), stream)
    return stream.getvalue()


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


def _writer() -> YAML:
    from ruamel.yaml import YAML

    writer = YAML()  # the round trip's writer: the safe one knows no literal blocks
    writer.default_flow_style = False
    writer.width = _NEVER_WRAPPED
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.representer.ignore_aliases = lambda *_: True  # equal values are written out, not referred to
    return writer


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    """The values by name, NaN and infinities as numbers: YAML can spell them, JSON could not."""
    return {name: from_json(value) for name, value in values.items()}


def _laid_out(value: Any) -> Any:
    """The same with texts of several lines as literal blocks."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

    if isinstance(value, dict):
        return {key: _laid_out(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_laid_out(one) for one in value]
    if not isinstance(value, str):
        return value
    if not _is_plain(value):
        return DoubleQuotedScalarString(value)  # the only style that can spell odd characters, line breaks among them
    return LiteralScalarString(value) if "\n" in value else value


def _is_plain(text: str) -> bool:
    """True for a text that a literal block holds as it is: printable, and not beginning with white space."""
    return not text[:1].isspace() and all(c in "\n\t" or c.isprintable() for c in text)
