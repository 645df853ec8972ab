"""Which parts a node run has: its datums, or the executions of its search, each with the key of its result."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from .core.datums import Tree, datums_of
from .core.dialect import Datums, Dialect, OnChildError, Rule, Style
from .core.lifecycle import NodeRun
from .core.model import Node
from .core.names import slug_of
from .core.values import Value
from .executors.contract import Job
from .parts import Part, Parts, label_of, label_of_params
from .records.cache import key_of
from .records.datasets import items_of_path
from .records.manifest import manifest_of


@dataclass(frozen=True, slots=True)
class Place:
    """Where an input lies, and what is in it."""

    path: Path
    tree: Tree


def has_parts(node: Node) -> bool:
    """Whether the node's runs are made of parts."""
    return node.datums is not None or node.search is not None


def place_of_artifact(artifact: Path) -> Place:
    """A published artifact as an input."""
    return Place(artifact, Tree.of(manifest_of(artifact)))


def place_of_dataset(path: Path, known: Path) -> Place:
    """A dataset as an input; `known` is where hashes are remembered. Raises PipelineError."""
    items = [item.as_json() for item in items_of_path(path, known)]
    return Place(path if path.is_dir() else path.parent, Tree.of(items))


def titles_in(node: Node) -> list[str]:
    """The titles of the nodes whose files are cut into datums."""
    return node.datums.input.titles if node.datums else []


def cut(node: Node, key: Mapping[str, str], places: Mapping[str, Place]) -> Parts:
    """A part for each datum. Its result follows from its own files, whatever else is in the inputs.

    Raises PipelineError (E-GLOB, E-DATUMS).
    """
    datums: Datums = node.datums  # type: ignore[assignment]
    found = datums_of(datums.input, {title: place.tree for title, place in places.items()})
    whole = node.dialect is Dialect.PACHYDERM
    cut_up = {f"input {top}/{slug_of(title)}" for title in places for top in ("/input", "/data")}
    cut_up |= {f"input /data/{title}" for title in places}
    rest = {name: value for name, value in key.items() if not (name in cut_up or (whole and name.startswith("input ")))}
    parts = [
        Part(label_of(datum), key_of({**rest, "datum": datum.id, "files": datum.content}), {}, datum) for datum in found
    ]
    return Parts(parts, _no_job, datums.workers, datums.tries, datums.timeout)


def searched(
    node: Node,
    run: NodeRun,
    key: Mapping[str, str],
    logged: Collection[str] = (),
    taken: Callable[[Mapping[str, Value]], Mapping[str, str]] = lambda _params: {},
) -> Parts:
    """A part for each execution of a search.

    `logged` names parameters that come from metadata of other nodes: a list there is a value for each execution.
    `taken` gives what else of a result's key depends on the parameters.
    """
    from .core.search import executions_of

    search = node.search
    assert search
    lists = {name: value for name, value in run.created.params.items() if name in logged and isinstance(value, list)}
    if lists:
        more = {name: Rule(style=Style.MULTIPLE, items=tuple(values)) for name, values in lists.items()}
        search = search.model_copy(update={"rules": {**search.rules, **more}})
    rest = {name: value for name, value in key.items() if not name.startswith("parameter ")} | {"part": "execution"}
    searched_for = {*search.rules, *(name for one in search.sets for name in one)}
    parts = []
    for params in executions_of(search, run.created.params):
        own = {f"parameter {name}": repr(value) for name, value in params.items()}
        told = {name: value for name, value in params.items() if name in searched_for}
        parts.append(Part(label_of_params(told), key_of({**rest, **own, **taken(params)}), params))
    return Parts(
        parts,
        _no_job,
        search.at_once or 1,
        on_error=search.on_child_error or OnChildError.CONTINUE_AND_FAIL,
        apart=True,
    )


def _no_job(number: int, part: Part, attempt: int) -> Job:
    raise AssertionError("the jobs of parts are made by who has their inputs")
