"""From a magic line to what it defines: a node, or the name and defaults of a pipeline. No IPython in here.

The table of options is in `options`, cutting and checking the line in `magic_lines`.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from ..core.errors import PipelineError, Place, problem
from ..core.model import Defaults, Kind, Node
from ..core.names import clean_title
from ..core.values import Value, check_name, check_text, check_value, grid_values, typed
from .flow_lines import data_facts, flow_facts, parse_edge
from .magic_lines import Line, Token, pairs, read_line
from .options import option_names
from .parsers import help_text, usage

__all__ = [
    "KINDS",
    "help_text",
    "option_names",
    "parse_edge",
    "parse_node",
    "parse_pipeline",
    "parse_shared",
    "read_line",
    "usage",
]

KINDS = {
    "pipeline_node": Kind.CELL,
    "pipeline_command": Kind.COMMAND,
    "pipeline_notebook": Kind.NOTEBOOK,
    "pipeline_data": Kind.DATA,
}


def parse_node(magic: str, line: str, body: str = "", cell: int | None = None, cell_id: str | None = None) -> Node:
    """The node that `%%<magic> <line>` with this body defines.

    `magic` is the name without %, `body` all lines after the first, `cell` the 1-based position in the notebook.
    Only what was typed is set on the node (`model_fields_set`), so that the pipeline's defaults can fill the rest.
    Raises PipelineError (E-MAGIC-USAGE, E-MAGIC-ARG, E-NAME-*, E-PARAM-*, E-GRID-EMPTY, E-ENV-NAME, E-IMAGE-REF,
    E-VALUE, E-COND*, E-APPROVERS, E-SLOT), its place filled with the cell and line 1.
    """
    try:
        read = read_line(magic, line)
        title = clean_title(read.title or "")
        facts = data_facts(read) if KINDS[magic] is Kind.DATA else _step_facts(read, title)
        facts |= {name: read.values[name] for name in ("left", "top") if name in read.given}
        return Node(title=title, kind=KINDS[magic], source=body, cell=cell, cell_id=cell_id, **facts)
    except PipelineError as error:
        place = Place(cell=cell, line=1)
        raise PipelineError(*(found.at(place) for found in error.problems)) from None


def _step_facts(read: Line, title: str) -> dict[str, Any]:
    """All that was typed of a node that runs."""
    facts = _common(read)
    facts |= _parameters(read)
    if read.given.get("path"):
        facts["path"] = read.values["path"]
    return facts | _edges(read) | flow_facts(read, title)


def _edges(read: Line) -> dict[str, Any]:
    """`after` and `gather` as far as they were typed; what is gathered comes before the node, named or not."""
    after = tuple(read.values["after"])
    gather = tuple(read.values["gather"]) or after if "gather" in read.given else ()
    facts = {"after": tuple(dict.fromkeys([*after, *gather])), "gather": gather}
    return {name: titles for name, titles in facts.items() if titles}


def parse_pipeline(line: str) -> tuple[str | None, Defaults]:
    """The name (None when the line gives none) and the defaults that `%pipeline <line>` gives.

    Raises PipelineError as `parse_node` does. `--forget` and `--reset` act on a live draft and mean nothing here.
    """
    read = read_line("pipeline", line)
    name = clean_title(read.title) if read.title is not None else None
    return name, _defaults(read)


def _defaults(read: Line) -> Defaults:
    try:
        return Defaults(**_common(read))
    except ValidationError as error:  # pragma: no cover - the converters of the table come first
        raise PipelineError(problem("E-VALUE", what=str(error), hint=usage("pipeline"))) from None


def parse_shared(line: str) -> bool:
    """True when `%%pipeline_shared <line>` asks for --nodes-only. Raises PipelineError."""
    return bool(read_line("pipeline_shared", line).values["nodes_only"])


def _common(read: Line) -> dict[str, Any]:
    """What a node and the defaults of a pipeline have in common, as far as it was typed."""
    limits = ("cpus", "memory", "gpus", "timeout", "retries")
    simple = ("image", "prerun", "kernel", "git", "on_error", "executor", *limits)
    facts: dict[str, Any] = {name: read.values[name] for name in simple if name in read.given}
    if "requirements" in read.given:
        facts["requirements"] = tuple(read.values["requirements"])
    if "compute" in read.given:
        facts["compute"] = tuple(dict.fromkeys(name for names in read.values["compute"] for name in names))
    if "secret" in read.given:
        facts["secrets"] = tuple(dict.fromkeys(read.values["secret"]))
    if "no_cache" in read.given:
        facts["cache"] = False
    if "env" in read.given:
        facts["env"] = _environment(read)
    if "network" in read.given and "no_network" in read.given:
        token = read.given["no_network"][0]
        raise read.fault(token, "--network and --no-network are both given", "Keep one of the two.")
    if "network" in read.given or "no_network" in read.given:
        facts["network"] = "network" in read.given
    return facts


def _environment(read: Line) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value, token in pairs(read, "env"):
        if value is None:
            raise read.fault(token, f"--env {name} has no value", f"Write --env {name}=VALUE.")
        if not (name.isascii() and name.isidentifier()):
            raise read.pointing(PipelineError(problem("E-ENV-NAME", name=name)), token)
        try:
            check_text(name, value)
        except PipelineError as error:
            raise read.pointing(error, token) from None
        _once(read, found, name, f"--env {token.text}", token)
        found[name] = value
    return found


def _parameters(read: Line) -> dict[str, Any]:
    params: dict[str, Value] = {}
    uses: list[str] = []
    grid: dict[str, list[Value]] = {}
    taken: dict[str, str] = {}
    for name, text, token in pairs(read, "param"):
        _parameter_name(read, name, token)
        _once(read, taken, name, f"--param {token.text}", token)
        taken[name] = f"--param {token.text}"
        if text is None:
            uses.append(name)
        else:
            params[name] = _made(read, token, lambda text=text, name=name: check_value(name, typed(text)))
    for name, text, token in pairs(read, "grid"):
        if text is None:
            raise read.fault(token, f"--grid {name} has no values", f"Write --grid {name}=1,2,3.")
        _parameter_name(read, name, token)
        _once(read, taken, name, f"--grid {token.text}", token)
        taken[name] = f"--grid {token.text}"
        grid[name] = _made(read, token, lambda text=text, name=name: _grid(name, text))
    found = {"params": params, "uses": tuple(uses), "grid": grid}
    return {key: value for key, value in found.items() if value}


def _grid(name: str, text: str) -> list[Value]:
    values = grid_values(name, text)
    check_value(name, values)
    return values


def _parameter_name(read: Line, name: str, token: Token) -> None:
    _made(read, token, lambda: check_name(name))


def _made(read: Line, token: Token, make: Any) -> Any:
    try:
        return make()
    except PipelineError as error:
        raise read.pointing(error, token) from None


def _once(read: Line, taken: dict[str, str], name: str, spelled: str, token: Token) -> None:
    if name in taken:
        first = taken[name] if taken[name].startswith("--") else f"--env {name}={taken[name]}"
        error = PipelineError(problem("E-PARAM-TWICE", name=name, first=first[:80], second=spelled[:80]))
        raise read.pointing(error, token)
