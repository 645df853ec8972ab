"""Pachyderm's pipeline specs as a pipeline: a node for each, and one for each repository that comes from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...core.errors import PipelineError, Place, problem
from ...core.graph import graph_of, in_order, one_cycle
from ...core.model import Node, Pipeline
from ..documents import Entry
from ..imported import Counts, Ledger, Path
from ..typed_reading import read_as
from .findings import Findings
from .nodes import node_of
from .repos import Repos, project_of, repositories_in, source_of
from .schemas import Spec
from .spelling import respelled, snake_case, specs_of

LONGEST_NAME = 63
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_JSONNET = re.compile(r"\A\s*(?:function\s*\(|local\s)")


@dataclass(frozen=True, slots=True)
class Found:
    """A spec that could be read, and where."""

    spec: Spec
    entry: Entry
    path: Path


def is_jsonnet(text: str) -> bool:
    """Whether the text is a template of specs, which has to be rendered first."""
    return bool(_JSONNET.match(text))


def is_pachyderm(documents: Sequence[Entry]) -> bool:
    """Whether the documents hold pipeline specs: one of them has a `transform`, or a `pipeline` with a name alone."""
    specs = specs_of(documents)
    return bool(specs) and all(isinstance(one.value, dict) for one in specs) and any(map(_is_spec, specs))


def _is_spec(entry: Entry) -> bool:
    named = entry.value.get("pipeline")
    return "transform" in entry.value or (
        named is not None and isinstance(named.value, dict) and set(named.value) <= {"name", "project"}
    )


def read_pachyderm(documents: Sequence[Entry], ledger: Ledger, name: str) -> list[tuple[Pipeline, Counts]]:
    """One pipeline with all specs of the file, called like the only one or by `name`; faults go to the ledger."""
    entries = specs_of(documents)
    listed = len(entries) > 1
    read = (_read(entry, (number,) if listed else (), ledger) for number, entry in enumerate(entries))
    found = [one for one in read if one]
    _check_names(found, ledger)
    repos = Repos(one.spec for one in found)
    nodes = list(_nodes(found, repos, ledger))
    if not nodes or ledger.failed:
        return []
    pipeline = Pipeline(name=found[0].spec.pipeline.name if len(found) == 1 else name, nodes=tuple(nodes))
    if cycle := _cycle(pipeline):
        ledger.take(problem("E-CYCLE", Place(ledger.file, node=cycle[0]), path=" -> ".join(cycle)))
        return []
    kinds = (
        f"{repos.kind_of(source_of(pfs, project_of(one.spec)))} -> pipeline"
        for one in found
        for pfs, _ in repositories_in(one.spec.input)
    )
    return [(pipeline, Counts.of(len(found), kinds))]


def _read(entry: Entry, path: Path, ledger: Ledger) -> Found | None:
    """The spec of an entry, as far as types and names of fields go."""
    title = entry.at(["pipeline", "name"]).value
    what = f'the pipeline "{title}"' if isinstance(title, str) else "the pipeline"
    if isinstance(entry.value, dict):
        _check_presence(entry, path, ledger, what)
        entry = respelled(entry, Spec, ledger)
    spec = read_as(Spec, entry, ledger, path, what=what, unknown_is_error=True)
    return Found(spec, entry, path) if spec else None


def _check_presence(entry: Entry, path: Path, ledger: Ledger, what: str) -> None:
    """Take down what is missing; a spout needs no input."""
    there = {snake_case(key) for key, one in entry.value.items() if one.value is not None}
    hints = {
        "transform": "Write what is run: `transform:` with image and cmd.",
        "input": "Write where files come from: `input:` with pfs, repo and glob.",
    }
    instead = {"transform": {"tf_job"}, "input": {"spout", "tf_job", "inputs"}}
    for key, hint in hints.items():
        if not there & {key, *instead[key]}:
            ledger.note("E-KEY-MISSING", entry, [*path, key], "not read", where=what, key=key, hint=hint)


def _check_names(found: Iterable[Found], ledger: Ledger) -> None:
    first: dict[str, Entry] = {}
    for one in found:
        name, inner = one.spec.pipeline.name, ("pipeline", "name")
        at = one.entry.at(inner)
        findings = Findings(ledger, one.entry, one.path)
        hint = "Use letters, digits, _ and -, a letter or digit first."
        if not _NAME.fullmatch(name):
            findings.out_of_range(inner, "the name of a pipeline", f"is {name[:100]!r}, which is none", hint)
        elif len(name) > LONGEST_NAME:
            what = f"has {len(name)} characters, and {LONGEST_NAME} are the most"
            findings.out_of_range(inner, "the name of a pipeline", what, "Shorten it.")
        elif name in first:
            findings.note("E-NODE-DUP", inner, title=name, other=f"line {first[name].line}")
        first.setdefault(name, at)


def _nodes(found: Iterable[Found], repos: Repos, ledger: Ledger) -> Iterable[Node]:
    """The nodes in the order of the file, source datasets before who uses them first."""
    known: set[str] = set()
    for one in found:
        findings = Findings(ledger, one.entry, one.path, one.spec.pipeline.name)
        for pfs, inner in repositories_in(one.spec.input):
            source = source_of(pfs, project_of(one.spec))
            try:
                data = repos.data_node(source)
            except PipelineError as error:
                findings.take(error, (*inner, "repo"))
                continue
            if data and data.title not in known:
                known.add(data.title)
                yield data
        node = node_of(one.spec, findings, repos)
        if node:
            yield node


def _cycle(pipeline: Pipeline) -> list[str]:
    """The titles along a cycle, if there is one."""
    graph = graph_of(pipeline)
    return [] if len(in_order(graph)) == len(graph) else one_cycle(graph)
