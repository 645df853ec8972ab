"""What is wrong with what nodes take from each other: references, conditions, slots, datasets, single mode.

Rules: docs/semantics.md, "Tags, metrics, parameters", "Routes", "Conditions and approval".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from .actions import Test
from .conditions import settled
from .dialect import Dialect
from .edge import COMPARING, Condition, Port
from .errors import PipelineError, Problem, nearest, problem
from .graph import Graph, graph_of
from .model import Kind, Node, Pipeline
from .names import slug_of
from .routes import closed_by, count
from .templates import Reference, has_reference, is_hyper, references, script_parts
from .values import Value


def flow_problems(pipeline: Pipeline) -> Iterable[Problem]:
    """Faults in what each node takes from those before it, for a pipeline of sound structure."""
    graph = graph_of(pipeline)
    flow = _Flow(pipeline, graph)
    for node in pipeline.nodes:
        yield from _data_problems(pipeline, node)
        yield from _test_problems(node)
        yield from _contract_problems(node)
        yield from flow.problems(node)
        if node.single and node.gather:
            what = f'"{node.title}" has --single and --gather: a single node takes no files of its parents'
            yield problem("E-CONFLICT", node.place, what=what, hint="Keep one of the two.")


class _Flow:
    """Checks the nodes of one pipeline."""

    def __init__(self, pipeline: Pipeline, graph: Graph) -> None:
        self._pipeline = pipeline
        self._graph = graph
        self._titles = tuple(graph)
        self._counts: Mapping[str, int | None] = {}

    def problems(self, node: Node) -> Iterator[Problem]:
        for where, value in self._values(node):
            try:
                yield from self._value_problems(node, where, value)
            except PipelineError as error:
                yield from (one.at(node.place) for one in error.problems)
        for condition in node.when:
            try:
                found = settled(self._pipeline, node, condition, self._graph[node.title])
            except PipelineError as error:
                yield from (one.at(node.place) for one in error.problems)
                continue
            yield from self._doubtful_tag(node, found)
            for title in found.tasks if node.single else ():
                if self._runs(title) not in (1, None):
                    yield problem("E-SINGLE", node.place, node=node.title, parent=title, what=str(condition))
        yield from _condition_conflicts(node)

    def _doubtful_tag(self, node: Node, condition: Condition) -> Iterator[Problem]:
        """A tag with a dot, which may have been meant as a task and its tag."""
        wanted, dot, _ = condition.tag.partition(".")
        close = nearest(wanted, self._graph[node.title]) if dot else ""
        if dot:
            yield problem("W-COND-TAG", node.place, node=node.title, tag=condition.tag, wanted=wanted, nearest=close)

    def _values(self, node: Node) -> Iterator[tuple[str, Value]]:
        for name, value in self._pipeline.parameters_of(node).items():
            yield f"--param {name}", value
        for name, values in node.grid.items():
            yield f"--grid {name}", values
        for name, text in {**self._pipeline.defaults.env, **node.env}.items():
            yield f"--env {name}", text
        if node.kind is Kind.COMMAND and has_reference(node.source):
            yield "the script", node.source

    def _value_problems(self, node: Node, where: str, value: Value) -> Iterator[Problem]:
        if not has_reference(value):
            return
        if where == "the script":
            found = [part for part in script_parts(str(value), self._titles) if isinstance(part, Reference)]
        else:
            found = list(references([value], self._titles))
        hypers = [one for one in found if one.hyper]
        if hypers and not (where.startswith("--param") and is_hyper(value) and len(hypers) == 1):
            yield problem("E-REF-HYPER", node.place, reference=hypers[0], where=where)
        for reference in found:
            yield from self._reference_problems(node, where, reference)

    def _reference_problems(self, node: Node, where: str, reference: Reference) -> Iterator[Problem]:
        title = reference.title
        if not self._reaches(node.title, title, one=False):
            how = "that is the node itself" if title == node.title else f'"{title}" does not come before it'
            yield problem("E-REF-UPSTREAM", node.place, node=node.title, where=where, reference=reference, how=how)
        elif self._pipeline.node(title).kind is Kind.DATA:
            what = f'{where} of "{node.title}" takes {reference}, but "{title}" is a dataset, which logs nothing'
            yield problem("E-CONFLICT", node.place, what=what, hint="Take the tag of a node that runs.")
        elif not self._reaches(node.title, title, one=True):
            yield problem("E-REF-MANY", node.place, node=node.title, where=where, reference=reference, title=title)

    def _reaches(self, title: str, wanted: str, one: bool) -> bool:
        """Whether `wanted` comes before `title`; with `one`, along edges that hand over one run and no more.

        Nearest first, and no further than needed: 10,000 nodes have many ancestors.
        """
        seen = {title}
        to_do = deque([title])
        while to_do:
            child = to_do.popleft()
            closed = closed_by(self._pipeline, self._pipeline.node(child), self._graph[child]) if one else ()
            for parent in self._graph[child]:
                if parent in closed and self._runs(parent) not in (1, None):
                    continue
                if parent == wanted:
                    return True
                if parent not in seen:
                    seen.add(parent)
                    to_do.append(parent)
        return False

    def _runs(self, title: str) -> int | None:
        if not self._counts:
            self._counts = count(self._pipeline).by_node
        return self._counts[title]


def _condition_conflicts(node: Node) -> Iterator[Problem]:
    for index, condition in enumerate(node.when):
        if condition in node.when[:index]:
            yield problem("E-COND", node.place, what=f"the condition {condition} stands twice", hint="Once is enough.")
        elif condition.objective not in COMPARING and condition.target is None:
            hint = f"Write --when {condition.objective}:{condition.tag}:VALUE."
            yield problem("E-COND", node.place, what=f"the condition {condition.objective} has no target", hint=hint)


def _test_problems(node: Node) -> Iterator[Problem]:
    """E-TYPE for what is no test among those that a node's actions and its early end make."""
    tests = [text for action in node.actions for text in action.test]
    for text in [*tests, *([node.stop] if node.stop else [])]:
        try:
            Test(text)
        except PipelineError as error:
            yield from (one.at(node.place) for one in error.problems)


def _contract_problems(node: Node) -> Iterator[Problem]:
    """E-CONFLICT for a node whose contract asks for what it does not say."""
    if node.dialect is Dialect.PACHYDERM and node.datums is None and node.kind is Kind.COMMAND:
        what = f'"{node.title}" runs by Pachyderm\'s contract and has no input that is cut into datums'
        yield problem("E-CONFLICT", node.place, what=what, hint="Write its `datums`, or take `dialect` away.")
    if node.search and node.dialect is not Dialect.VALOHAI:
        what = f'"{node.title}" is a search, which runs by Valohai\'s contract, and does not say so'
        yield problem("E-CONFLICT", node.place, what=what, hint="Write `dialect: valohai`.")


def _data_problems(pipeline: Pipeline, node: Node) -> Iterator[Problem]:
    if node.kind is Kind.DATA and (node.after or node.when or node.approve or node.grid):
        what = f'"{node.title}" is a dataset, which nothing comes before and nothing decides on'
        yield problem("E-CONFLICT", node.place, what=what, hint="Take --after and the like away from it.")
    for title in node.gather:
        if pipeline.node(title).kind is Kind.DATA:
            what = f'"{node.title}" gathers the dataset "{title}", which is there once'
            yield problem("E-CONFLICT", node.place, what=what, hint="Name it in --after alone.")
    for edge in pipeline.edges_into(node.title):
        source = pipeline.node(edge.source)
        if source.kind is Kind.DATA:
            what = f"the edge {edge} begins at a dataset, whose files are at /data in the nodes that name it in --after"
            yield problem("E-CONFLICT", node.place, what=what, hint=f'Write --after "{source.title}" instead.')
        elif edge.target_port in (Port.DEPENDENCY, Port.FILE):
            continue
        elif edge.source_port is Port.INPUT and not _has_slot(pipeline, source, edge.source_key):
            yield problem("E-SLOT-UNKNOWN", node.place, edge=edge, node=source.title, slot=edge.source_key)
        if edge.target_port is Port.INPUT and slug_of(edge.target_key) in map(slug_of, node.after):
            yield problem("E-SLOT-TAKEN", node.place, node=node.title, slot=edge.target_key)


def _has_slot(pipeline: Pipeline, node: Node, slot: str) -> bool:
    """Whether the node has a slot of that name, or, where it declares its slots, one that matches it as a glob."""
    if any(fnmatchcase(one.name, slot) for one in node.slots):
        return True
    return any(edge.target_port is Port.INPUT and edge.target_key == slot for edge in pipeline.edges_into(node.title))
