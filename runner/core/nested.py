"""A pipeline that is a node of another one: all of it stands in the node's source, as it was when it was planned."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

from .graph import children_of, graph_of
from .lifecycle import PASSED, NodeRun, RunSoFar, Tagged
from .model import WHERE, Kind, Node, Pipeline
from .names import slug_of

DEEPEST = 8  # how many pipelines may stand within each other


def source_of(pipeline: Pipeline) -> str:
    """The whole of a pipeline as the source of a node."""
    return json.dumps(pipeline.model_dump(mode="json", exclude_defaults=True), sort_keys=True)


def pipeline_in(node: Node) -> Pipeline:
    """The pipeline that a node of the kind `pipeline` is."""
    return _read(node.source)


@lru_cache(maxsize=256)
def _read(source: str) -> Pipeline:
    return Pipeline.model_validate_json(source)


@lru_cache(maxsize=256)
def bound_text(source: str) -> str:
    """The source without where in their files its nodes stand: what a result follows from, and nothing else."""
    pipeline = _read(source)
    return source_of(pipeline.model_copy(update={"nodes": tuple(map(_without_place, pipeline.nodes))}))


def _without_place(node: Node) -> Node:
    inner = {"source": bound_text(node.source)} if node.kind is Kind.PIPELINE else {}
    return node.model_copy(update={**dict.fromkeys(WHERE), "top": None, "left": None, **inner})


def as_written(pipeline: Pipeline) -> Pipeline:
    """The pipeline as people write it: a node that is a pipeline names the file, and holds nothing of it."""
    plain = {"kind": Kind.NOTEBOOK, "source": ""}
    nodes = (node.model_copy(update=plain) if node.kind is Kind.PIPELINE else node for node in pipeline.nodes)
    return pipeline.model_copy(update={"nodes": tuple(nodes)})


def leaves_of(pipeline: Pipeline) -> list[Node]:
    """The nodes that nothing comes after, in definition order: what they leave is what the pipeline leaves."""
    children = children_of(graph_of(pipeline))
    return [node for node in pipeline.nodes if not children[node.title] and node.kind is not Kind.DATA]


def left_of(pipeline: Pipeline, run: RunSoFar) -> dict[str, list[NodeRun]]:
    """By title of each leaf its runs that passed and left something, in the order of their coordinates."""
    found: dict[str, list[NodeRun]] = {node.title: [] for node in leaves_of(pipeline)}
    for one in run.node_runs.values():
        if one.node in found and one.state in PASSED and one.detail.get("artifact"):
            found[one.node].append(one)
    in_order = {title: sorted(runs, key=lambda one: one.created.coordinates) for title, runs in found.items()}
    return {title: runs for title, runs in in_order.items() if runs}


def logged_by(left: Mapping[str, Sequence[NodeRun]], id: str) -> list[Tagged]:
    """What the leaves that ran once have logged, as facts of the node run `id`; of several runs there is no one value.

    A name that two leaves logged has the slug of the leaf and a dot in front, for each of them.
    """
    alone = [runs[0] for runs in left.values() if len(runs) == 1]
    names = Counter(name for one in alone for name in _logged(one))
    facts = []
    for one in alone:
        for name in _logged(one):
            told = f"{slug_of(one.node)}.{name}" if names[name] > 1 else name
            points = one.metrics.get(name)
            facts += [Tagged(id, told, value, step) for step, value in points or ()]
            facts += [] if points else [Tagged(id, told, one.tags[name])]
    return facts


def _logged(run: NodeRun) -> list[str]:
    return [name for name in run.tags if name not in run.created.params]
