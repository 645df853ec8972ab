"""A pipeline with one thing changed by hand, as the text that says it: for a board on which people build.

Nothing is changed in anybody's notebook: what comes out is text to put there, and what would be wrong with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..core.check import check
from ..core.edge import Edge, Port
from ..core.errors import PipelineError, Problem, nearest, problem
from ..core.model import Kind, Node, Pipeline
from .cell_text import cell_text, edge_text, grid_words, magic_line, param_words, quoted
from .cells import KINDS, parse_edge, parse_node
from .flow_words import ALL_FILES
from .magic_table import MAGICS

_MAGIC_OF = {kind: magic for magic, kind in KINDS.items()}
_BODIES = {Kind.CELL: "print('hello')\n", Kind.COMMAND: "echo hello\n"}  # an empty cell magic is refused by IPython
_EDITABLE = ("params", "uses", "grid", "image")


class Link(StrEnum):
    """How two nodes are connected."""

    AFTER = "after"  # the target sees all that the source left
    GATHER = "gather"  # all runs of the source at once
    FILES = "files"  # matching files, in an input slot
    PARAMETER = "parameter"  # a parameter of the source fills one of the target
    TAG = "tag"  # a tag of the source fills a parameter of the target


@dataclass(frozen=True, slots=True)
class Edited:
    """What to write, where, what the pipeline would be then, and what would be wrong with it that is not wrong now."""

    text: str
    where: str
    pipeline: Pipeline
    findings: tuple[Problem, ...] = ()


def with_node(
    pipeline: Pipeline, kind: Kind, title: str, after: Sequence[str] = (), options: Mapping[str, Sequence[str]] = {}
) -> Edited:
    """A new node: `options` are words as they are typed (`{"--grid": ["lr=0.1,0.01"]}`).

    Raises PipelineError, what the same words in a magic line would raise.
    """
    words = {"--after": after, **options}
    node = parse_node(_MAGIC_OF[kind], _line(title, words), _BODIES.get(kind, ""))
    new = _with(pipeline, nodes=(*pipeline.nodes, node))
    return _edited(pipeline, new, cell_text(node), "Put this into a new cell, and run it.")


def connected(
    pipeline: Pipeline, source: str, target: str, link: Link, source_key: str = "", target_key: str = ""
) -> Edited:
    """The node `target` after `source`, or a value or files of it led there.

    `source_key` is a glob, parameter or tag (empty: all files), `target_key` a slot or parameter (empty: the same
    name; for files the source's folder name). Raises PipelineError (E-NODE-UNKNOWN, E-CELL-TEXT, those of edges).
    """
    first, second = _node(pipeline, source), _node(pipeline, target)
    if link in (Link.AFTER, Link.GATHER):
        after = tuple(dict.fromkeys([*second.after, first.title]))
        gather = tuple(dict.fromkeys([*second.gather, first.title])) if link is Link.GATHER else second.gather
        return _replaced(pipeline, second, second.model_copy(update={"after": after, "gather": gather}))
    edge = _edge(first, second, link, source_key.strip(), target_key.strip())
    text = edge_text(edge)
    parse_edge(text.removeprefix("%pipeline_edge "))  # a slot or a parameter that is none is told as when it is typed
    new = _with(pipeline, edges=(*pipeline.edges, edge))
    return _edited(pipeline, new, text, "Put this into a new cell, and run it.")


def _edge(source: Node, target: Node, link: Link, source_key: str, target_key: str) -> Edge:
    ports = {
        Link.FILES: (Port.OUTPUT, Port.INPUT, source_key or ALL_FILES, target_key or source.slug),
        Link.PARAMETER: (Port.PARAMETER, Port.PARAMETER, source_key, target_key or source_key),
        Link.TAG: (Port.METADATA, Port.PARAMETER, source_key, target_key or source_key),
    }
    source_port, target_port, from_key, to_key = ports[link]
    if not from_key:
        what = f'no {link} of "{source.title}" is named'
        raise PipelineError(problem("E-MAGIC-ARG", what=what, hint="Write its name."))
    return Edge(
        source=source.title,
        source_port=source_port,
        source_key=from_key,
        target=target.title,
        target_port=target_port,
        target_key=to_key,
    )


def changed(pipeline: Pipeline, title: str, options: Mapping[str, Sequence[str]]) -> Edited:
    """The node with other parameters, grid and image: all of `--param`, `--grid` and `--image`, as typed.

    Raises PipelineError, what the same words in a magic line would raise.
    """
    node = _node(pipeline, title)
    said = parse_node(_MAGIC_OF[Kind.CELL], _line(node.title, options))
    return _replaced(pipeline, node, node.model_copy(update={name: getattr(said, name) for name in _EDITABLE}))


def words_of(node: Node) -> dict[str, list[str]]:
    """What `changed` takes, as the node says it now: its parameters, its grid, its image."""
    return {
        "--param": list(param_words(node)),
        "--grid": list(grid_words(node)),
        "--image": [node.image] if node.image else [],
    }


def moved(pipeline: Pipeline, title: str, left: int, top: int) -> Edited:
    """The node with its card at this place, in pixels from the left and from the top; nothing is left of 0."""
    node = _node(pipeline, title)
    return _replaced(pipeline, node, node.model_copy(update={"left": max(0, left), "top": max(0, top)}))


def _replaced(pipeline: Pipeline, old: Node, new: Node) -> Edited:
    """The pipeline with `new` in the place of `old`, told as the first line of its cell."""
    magic = MAGICS[_MAGIC_OF[new.kind]]
    nodes = tuple(new if node is old else node for node in pipeline.nodes)
    cell = f"In cell {new.cell}" if new.cell else f'In the cell of "{new.title}"'
    where = f"{cell}, put this in place of the line that begins with {magic.spelled}, and run it."
    if new == old:
        where = f'"{new.title}" is written like this now.'
    return _edited(pipeline, _with(pipeline, nodes=nodes), f"{magic.spelled} {magic_line(new)}", where)


def _with(pipeline: Pipeline, **parts: Any) -> Pipeline:
    """The pipeline with other parts. Made anew: a copy would take along what the old one has looked up of itself."""
    return Pipeline(**{**{name: getattr(pipeline, name) for name in Pipeline.model_fields}, **parts})


def _edited(old: Pipeline, new: Pipeline, text: str, where: str) -> Edited:
    known = check(old)
    return Edited(text, where, new, tuple(found for found in check(new) if found not in known))


def _node(pipeline: Pipeline, title: str) -> Node:
    try:
        return pipeline.node(title)
    except KeyError:
        hint = nearest(title, (node.title for node in pipeline.nodes))
        raise PipelineError(problem("E-NODE-UNKNOWN", node=title, nearest=hint)) from None


def _line(title: str, options: Mapping[str, Sequence[str]]) -> str:
    words = [quoted(title)]
    for name, values in options.items():
        words += [name, *map(quoted, values)] if values else []
    return " ".join(words)
