"""A pipeline as a picture: a tree of text, a Mermaid flow chart. Pure: values in, text out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .core.edge import Edge, Port
from .core.graph import graph_of, to_networkx
from .core.lifecycle import State
from .core.masking import masked
from .core.model import Kind, Node, Pipeline, who_decides
from .core.nested import pipeline_in
from .core.routes import Counts, count, gathered_by
from .view import COLOURS, GLYPHS, worst_of

MOST_VALUES = 6  # of one grid that a picture spells out
_PLAIN = frozenset(" _-.,×=…").union(GLYPHS.values())  # what means nothing to Mermaid, besides letters and digits


def times(node: Node, counts: Counts) -> str:
    """`×12` for a node that runs more than once, `×?` where only the run decides."""
    runs = counts.by_node[node.title]
    if runs is None:
        return " ×?"
    return f" ×{runs}" if runs > 1 else ""


def _asks(node: Node) -> list[str]:
    """What a node waits for besides its parents: its conditions, people, single mode."""
    words = [f"when {condition}" for condition in node.when]
    words += [f"{GLYPHS[State.PENDING_APPROVAL]} asks {who_decides(node.approve)}"] if node.approve else []
    return [*words, *(["single"] if node.single else [])]


def _grid(node: Node) -> list[str]:
    found = []
    for name, values in node.grid.items():
        more = ", …" if len(values) > MOST_VALUES else ""
        found.append(f"{name}={{{', '.join(masked(name, value) for value in values[:MOST_VALUES])}{more}}}")
    return found


def kind_words(node: Node) -> str:
    """What a node is made of: `command`, `pipeline of 4 nodes`."""
    if node.kind is not Kind.PIPELINE or not node.source:
        return str(node.kind)
    inner = len(pipeline_in(node).nodes)
    return f"pipeline of {inner} node{'' if inner == 1 else 's'}"


def tree(pipeline: Pipeline) -> str:
    """The pipeline as a tree of text, each node with how often it runs, what its grid holds, what it waits for."""
    import networkx

    counts = count(pipeline)
    picture = to_networkx(graph_of(pipeline))
    words: dict[str, tuple[str, str]] = {}
    for number, node in enumerate(pipeline.nodes):
        kind = "" if node.kind is Kind.CELL else f" ({kind_words(node)})"
        asks = ", ".join(_asks(node))
        whole = "  ".join([f"{node.title}{kind}{times(node, counts)}", *([" ".join(_grid(node))] if node.grid else [])])
        # a mark that no title can hold: where a node is only named as another parent, the title is enough
        picture.nodes[node.title]["label"] = mark = f"\x00{number}\x00"
        words[mark] = (f"{whole}  {asks}" if asks else whole, node.title)
    lines = networkx.generate_network_text(picture, vertical_chains=False)
    return "\n".join(_spelled(line.replace("─╼  ...", "─╼ … (above)"), words) for line in lines)


def _spelled(line: str, words: Mapping[str, tuple[str, str]]) -> str:
    """A line of the tree with the first mark told in full, the others by title."""
    line = line.replace(" ╾ ", "  ╾ also after ")
    first, *others = re.findall("\x00[0-9]+\x00", line) or [""]
    for mark in others:
        line = line.replace(mark, words[mark][1])
    return line.replace(first, words[first][0]) if first else line


def mermaid(pipeline: Pipeline, states: Mapping[str, Iterable[State]] | None = None) -> str:
    """The pipeline as a Mermaid flow chart; `states` (title -> states of its node runs) colours the nodes.

    Datasets are cylinders. Below its title stand a node's grids, its conditions and whom it asks; a line between two
    nodes is labelled where files of a slot or a parameter go along it, or all runs are gathered.
    """
    counts = count(pipeline)
    ids = {node.title: f"n{number}" for number, node in enumerate(pipeline.nodes)}
    lines = ["flowchart LR"]
    used: set[State] = set()
    for node in pipeline.nodes:
        worst = worst_of((states or {}).get(node.title, ()))
        mark = f"{GLYPHS[worst]} " if worst else ""
        rows = [mark + node.title + times(node, counts), *_grid(node), *_asks(node)]
        opened, closed = ("[(", ")]") if node.kind is Kind.DATA else ("[", "]")
        text = "<br>".join(_mermaid_text(row) for row in rows if row)
        lines.append(f'  {ids[node.title]}{opened}"{text}"{closed}')
        if worst:
            lines[-1] += f":::{worst}"
            used.add(worst)
    for title, parents in graph_of(pipeline).items():
        lines += [f"  {ids[parent]} {_arrow(pipeline, parent, title)} {ids[title]}" for parent in parents]
    lines += [f"  classDef {state} stroke:{COLOURS[state]},stroke-width:2px" for state in State if state in used]
    return "\n".join(lines)


def _arrow(pipeline: Pipeline, parent: str, title: str) -> str:
    """`-->`, with what goes along where it is not simply the whole artifact; dotted where only the end counts."""
    node, source = pipeline.node(title), pipeline.node(parent)
    if node.single and source.kind is not Kind.DATA:
        return "-.->"
    labels = [_carried(edge) for edge in pipeline.edges_into(title) if pipeline.node(edge.source) is source]
    if source.slug in gathered_by(node):
        labels.append("all runs")
    return f'-- "{_mermaid_text(", ".join(dict.fromkeys(labels)))}" -->' if labels else "-->"


def _carried(edge: Edge) -> str:
    """The slot or parameter that an edge fills; for a parameter also the tag or parameter that it takes."""
    if edge.target_port is Port.PARAMETER and edge.source_key != edge.target_key:
        return f"{edge.target_key}={edge.source_key}"
    return edge.target_key


def _mermaid_text(text: str) -> str:
    return "".join(c if c.isalnum() or c in _PLAIN else f"#{ord(c)};" for c in text)
