"""What differs between runs besides their results: parameters, definitions, code, images, files.

Read from what the runs recorded and from what the store still holds; the first run is what the others are held to.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .comparison import Told
from .core.lifecycle import NodeRun
from .core.names import slug_of
from .core.values import from_json
from .records.held_files import Files, Listing, changes, listing_of
from .records.manifest import manifest_of
from .records.store import Store
from .view import route_words

SHARED = "shared cells"
# Where a node stands is no difference; the names are those of `core.model.WHERE`, which would bring pydantic.
_NOT_OPTIONS = frozenset({"title", "source", "cell", "cell_id", "defined", "code_at", "top", "left"})

Values = tuple[Any, ...]  # one for each run, in their order; None where a run has none


@dataclass(frozen=True, slots=True)
class Artifacts:
    """A node run whose artifacts differ: its node, its route in words, ids, digests and files by run."""

    node: str
    route: str
    ids: Values
    digests: Values
    files: tuple[Files | None, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs between `runs`; what is the same everywhere is not in it.

    `nodes` holds options by title; `code` the unified diffs by title, as lines (none for a run that has not
    this node, or the same code as the first that has it); `git` and `dagbook` a value for each run.
    """

    runs: tuple[str, ...]
    parameters: Mapping[str, Values] = field(default_factory=dict)
    nodes: Mapping[str, Mapping[str, Values]] = field(default_factory=dict)
    code: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    images: Mapping[str, Values] = field(default_factory=dict)
    git: Values = ()
    dagbook: Values = ()
    project: Values = ()
    project_files: tuple[Files | None, ...] = ()
    artifacts: tuple[Artifacts, ...] = ()

    def __bool__(self) -> bool:
        told = (self.parameters, self.nodes, self.code, self.images, self.git, self.dagbook, self.project)
        return any(map(bool, (*told, self.artifacts)))


def differences(store: Store, told: Sequence[Told], chosen: frozenset[str] = frozenset()) -> Differences:
    """What differs between runs of `store`. `chosen` (slugs) leaves of nodes only these and what they took in."""
    records = [one.row.record for one in told]
    pipelines = [record["pipeline"] for record in records]
    nodes = [{node["title"]: node for node in pipeline["nodes"]} for pipeline in pipelines]
    titles = [t for t in _names(nodes) if not chosen or slug_of(t) in chosen]
    digests = [record.get("code") for record in records]
    project = _values(digests)
    return Differences(
        runs=tuple(one.row.id for one in told),
        parameters=_differing([_decoded(pipeline.get("parameters", {})) for pipeline in pipelines]),
        nodes={title: found for title in titles if (found := _options([by.get(title) for by in nodes]))},
        code=_code(told, pipelines, nodes, titles),
        images=_differing([_images(record, titles) for record in records]),
        git=_values([record.get("git") for record in records]),
        dagbook=_values([record.get("dagbook") for record in records]),
        project=project,
        project_files=_held(digests, lambda digest: listing_of(store.code / digest)) if project else (),
        artifacts=tuple(_artifacts(store, told, chosen)),
    )


def _names(named: Sequence[Mapping[str, Any]]) -> list[str]:
    """All names of several mappings, in the order in which they are met."""
    return list(dict.fromkeys(name for one in named for name in one))


def _values(values: Sequence[Any]) -> Values:
    """The values when they differ; nothing when all are the same."""
    return tuple(values) if len({json.dumps(value, sort_keys=True) for value in values}) > 1 else ()


def _differing(named: Sequence[Mapping[str, Any]]) -> dict[str, Values]:
    return {name: found for name in _names(named) if (found := _values([one.get(name) for one in named]))}


def _decoded(named: Mapping[str, Any]) -> dict[str, Any]:
    return {name: from_json(value) for name, value in named.items()}


def _options(nodes: Sequence[Mapping[str, Any] | None]) -> dict[str, Values]:
    """The options of a node that differ; `defined` when a run has it and another has not."""
    if None in nodes:
        return {"defined": tuple(node is not None for node in nodes)}
    there = [{k: v for k, v in node.items() if k not in _NOT_OPTIONS} for node in nodes if node is not None]
    return _differing(there)


def _code(
    told: Sequence[Told], pipelines: Sequence[Any], nodes: Sequence[Mapping[str, Any]], titles: Sequence[str]
) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Unified diffs of the nodes' sources and of the shared cells, by title."""
    ids = [one.row.id for one in told]
    sources = {title: [by[title]["source"] if title in by else None for by in nodes] for title in titles}
    sources = {SHARED: ["\n\n".join(pipeline.get("shared", ())) for pipeline in pipelines], **sources}
    found = {title: tuple(_diff(ids, texts)) for title, texts in sources.items()}
    return {title: diffs for title, diffs in found.items() if any(diffs)}


def _diff(ids: Sequence[str], texts: Sequence[str | None]) -> Iterator[tuple[str, ...]]:
    """What each text changes in the first one that there is."""
    of, first = next((id, text.splitlines()) for id, text in zip(ids, texts, strict=True) if text is not None)
    for id, text in zip(ids, texts, strict=True):
        yield () if text is None else tuple(difflib.unified_diff(first, text.splitlines(), of, id, lineterm=""))


def _images(record: Mapping[str, Any], titles: Sequence[str]) -> dict[str, Any]:
    images = record.get("images") or {}
    return {title: images[title] for title in titles if title in images}


# files


def _held(digests: Sequence[str | None], listing: Callable[[str], Listing]) -> tuple[Files | None, ...]:
    """Each run's files, held to those of the first run that has any."""
    listings = {digest: _read(listing, digest) for digest in dict.fromkeys(digests) if digest}
    first = next((listings[digest] for digest in digests if digest), None)
    found: list[Files | None] = []
    for digest in digests:
        files = listings[digest] if digest else None
        found.append(None if first is None or files is None else changes(first, files))
    return tuple(found)


def _read(listing: Callable[[str], Listing], digest: str) -> Listing | None:
    try:
        return listing(digest)
    except (OSError, ValueError, KeyError):  # it was taken out of the store, or is damaged
        return None


def _manifest(store: Store, digest: str) -> Listing:
    listed = manifest_of(store.artifacts / digest[:2] / digest)
    return {
        item["path"]: (item["kind"], item.get("executable"), item.get("content"))
        for item in listed
        if item["kind"] != "folder"
    }


def _artifacts(store: Store, told: Sequence[Told], chosen: frozenset[str]) -> Iterator[Artifacts]:
    """The node runs that left something different, matched by node and route: a place in a grid may have moved."""
    matched: dict[tuple[str, str], list[NodeRun | None]] = {}  # by the values themselves: words hide secrets
    for number, one in enumerate(told):
        wanted = _wanted(one, chosen)
        for run in one.so_far.node_runs.values():
            if not chosen or slug_of(run.node) in wanted:
                key = (slug_of(run.node), repr(run.created.route))
                matched.setdefault(key, [None] * len(told))[number] = run
    for runs in matched.values():
        digests = [run.detail.get("artifact") if run else None for run in runs]
        if len({digest for digest in digests if digest}) > 1:
            first = next(run for run in runs if run)
            route = route_words(first.created.route)
            ids = tuple(run.id if run else None for run in runs)
            files = _held(digests, lambda digest: _manifest(store, digest))
            yield Artifacts(first.node, route, ids, tuple(digests), files)


def _wanted(told: Told, chosen: frozenset[str]) -> set[str]:
    """The chosen nodes and those whose artifacts they took in, as slugs."""
    runs = told.so_far.node_runs
    before = {id for run in runs.values() if slug_of(run.node) in chosen for id in run.created.before()}
    return set(chosen) | {slug_of(runs[id].node) for id in before if id in runs}
