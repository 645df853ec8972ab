"""Conditions on tags that no tested node seems to log: `--when max:acuracy` after `dagbook.log_tag("accuracy", …)`.

Code of any language is only looked at as text. A node of which it is not known what it logs may log anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from .conditions import settled
from .dialect import Dialect
from .errors import PipelineError, Problem, nearest, problem
from .graph import graph_of
from .model import Kind, Node, Pipeline

# What logs, and what of it has its name in the text. The names of `scrapbook` and of valohai are not looked for.
_LOGS = re.compile(r"\blog_(?:tag|metric|param)s?\s*\(|(?:dagbook|cnvrg)_(?:tag|metric|linechart)_")
_ELSEWHERE = re.compile(r"\bglue\(|\brecord\(|\.logger\(|\.log\(|\bautolog\(|\bmlflow\b|%run\b|\bexec\(")
_NAMED = re.compile(
    r"\blog_(?:tag|metric|param)\(\s*(?:name\s*=\s*)?(?P<quote>['\"])(?P<called>[^'\"\\\n]+)(?P=quote)\s*,"
    r"|(?:dagbook|cnvrg)_(?:tag_(?P<tag>[^:{}$%'\"\\\n]+?)|metric_(?P<metric>[^:{}$%'\"\\\n@]+?)(?:@[^:\n]*)?)\s*:"
)


def unlogged_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """W-TAG-UNLOGGED for each condition on a tag that none of the tested nodes logs, as far as their code tells."""
    graph = graph_of(pipeline)
    for node in pipeline.nodes:
        for condition in node.when:
            with suppress(PipelineError):  # told where conditions are checked
                found = settled(pipeline, node, condition, graph[node.title])
                known = [_tags_of(pipeline, pipeline.node(title)) for title in found.tasks]
                tags = frozenset().union(*(one for one in known if one is not None))
                if None not in known and found.tag not in tags:
                    tasks = " or ".join(f'"{title}"' for title in found.tasks)
                    close = nearest(found.tag, tags)
                    yield problem(
                        "W-TAG-UNLOGGED", node.place, node=node.title, tag=found.tag, tasks=tasks, nearest=close
                    )


def _tags_of(pipeline: Pipeline, node: Node) -> frozenset[str] | None:
    """The tags that a node has, its parameters among them; None where its code does not tell them all."""
    if node.kind not in (Kind.CELL, Kind.COMMAND) or node.dialect not in (None, Dialect.CNVRG):
        return None
    shared = pipeline.shared if node.kind is Kind.CELL else ()
    text = "\n".join([*shared, node.source])
    named = {(one["called"] or one["tag"] or one["metric"]).strip() for one in _NAMED.finditer(text)}
    if not named or _ELSEWHERE.search(text) or len(_LOGS.findall(text)) > len(_NAMED.findall(text)):
        return None
    led = {name for ends in pipeline.targets.values() for title, name in ends if title == node.title}
    return frozenset({*named, *node.uses, *node.grid, *pipeline.parameters_of(node), *led})
