"""The nodes that a program has defined, before they are a pipeline: functions are settled when all is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ..core.edge import Edge, Port
from ..core.errors import PipelineError, Problem, problem
from ..core.model import Kind, Node
from ..core.names import slug_of
from ..core.spot import Spot
from ..core.values import Value
from ..formats.checks import shared_names
from ..formats.python_code import Names
from ..handles.callers import caller
from .functions import FunctionCode, settle


def made_node(kind: Kind, title: str, fields: Mapping[str, Any]) -> Node:
    """A node with the line of the user's call. Raises PipelineError (E-VALUE and those of the fields)."""
    try:
        return Node(title=title, kind=kind, defined=caller(), **fields)
    except ValidationError as error:
        first = error.errors()[0]
        what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise PipelineError(problem("E-VALUE", what=what, hint="Give a value of another kind.")) from None


@dataclass(frozen=True, slots=True)
class Defined:
    """A node as it was defined, and its function, if it has one."""

    node: Node
    function: FunctionCode | None = None


class Nodes:
    """The nodes of one pipeline in the order in which they were defined."""

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self._defined = {node.slug: Defined(node) for node in nodes}

    def __len__(self) -> int:
        return len(self._defined)

    def keep(self, node: Node, function: FunctionCode | None = None) -> Node:
        """Take a node in. A cell of a notebook that runs again replaces what it defined before.

        Raises PipelineError (E-NODE-DUP, E-NAME-COLLIDES).
        """
        other = self._defined.get(node.slug)
        if other and not _runs_again(other.node.defined, node.defined):
            raise PipelineError(_clash(node, other.node))
        self._defined[node.slug] = Defined(node, function)
        return node

    def settled(
        self, parameters: Mapping[str, Value], edges: Iterable[Edge], shared: Sequence[str]
    ) -> tuple[Node, ...]:
        """The nodes with the calls of their functions.

        Raises PipelineError with all findings: E-FUNCTION for an argument that nothing gives a value to.
        """
        filled: dict[str, list[str]] = {}
        for edge in (*edges, *(edge for one in self._defined.values() for edge in one.node.edges)):
            if edge.target_port is Port.PARAMETER:
                filled.setdefault(slug_of(edge.target), []).append(edge.target_key)
        names = shared_names(shared)
        nodes: list[Node] = []
        faults: list[Problem] = []
        for slug, one in self._defined.items():
            try:
                nodes.append(_settled(one, filled.get(slug, ()), parameters, names))
            except PipelineError as error:
                faults += [found.at(one.node.place) for found in error.problems]
        if faults:
            raise PipelineError(*faults)
        return tuple(nodes)


def _settled(one: Defined, filled: Collection[str], parameters: Mapping[str, Value], shared: Sequence[Names]) -> Node:
    node, code = one.node, one.function
    if code is None:
        return node
    found = settle(code, dict.fromkeys([*node.params, *node.grid, *filled]), parameters, shared)
    params = {**found.params, **node.params}
    order = dict.fromkeys([*(argument.name for argument in code.arguments), *params])
    params = {name: params[name] for name in order if name in params}
    return node.model_copy(update={"source": found.source, "params": params, "uses": found.uses})


def _runs_again(before: Spot | None, now: Spot | None) -> bool:
    """Whether a cell of a live notebook defines again what a cell has defined: in one run of a cell it is a mistake."""
    if before is None or now is None or before.file == now.file:
        return False
    return before.file.startswith("In[") and now.file.startswith("In[")


def _clash(node: Node, other: Node) -> Problem:
    where = f"in {other.defined.file}, line {other.defined.line}" if other.defined else "earlier"
    if node.title == other.title:
        return problem("E-NODE-DUP", node.place, title=node.title, other=where)
    return problem("E-NAME-COLLIDES", node.place, title=node.title, other=other.title, slug=node.slug)
