"""A node run as a program sees it: what it ran with, what it logged, where what it left lies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .. import cell_view, view
from ..core import lifecycle
from ..core.errors import PipelineError, nearest, problem
from ..core.lifecycle import State
from ..core.model import Node
from ..core.names import slug_of
from ..core.values import Value
from ..records.follow import Follower, Watched
from ..records.journal import Shown
from ..records.left import copy_left, node_runs_meant
from ..view_json import artifact_of
from .callers import told_at_the_call


@dataclass(frozen=True)
class NodeRun:
    """One node on one route of a run, as it was when you asked for it.

    `params` are its own parameters; `route` holds the values of grids that it descends from, by node.
    `artifact` is the folder with what it left, read-only, and `notebook` its executed notebook; None when there is
    none. `duration` is in seconds; an earlier result that stands for it took 0. `error` is the traceback of your own
    code. `name` is what `Pipeline.data(artifacts=…)` and `%pipeline_data --artifact` call it.
    """

    run: str
    id: str
    node: str
    state: State
    reason: str
    params: Mapping[str, Value]
    route: Mapping[str, Mapping[str, Value]]
    tags: Mapping[str, Value]
    metrics: Mapping[str, Sequence[tuple[float, Value]]]
    attempts: int
    artifact: Path | None
    notebook: Path | None
    duration: float | None
    error: str
    _follower: Follower = field(repr=False, compare=False)

    @classmethod
    def of(cls, follower: Follower, run: lifecycle.NodeRun) -> NodeRun:
        """What `follower` knows of a node run now."""
        artifact = artifact_of(run, follower.store.artifacts)
        notebook = run.detail.get("notebook")
        took = 0.0 if run.state is State.CACHED else follower.watched[run.id].seconds(follower.row.started)
        ended = run.state in lifecycle.ENDED
        return cls(
            run=follower.row.id,
            id=run.id,
            node=run.node,
            state=run.state,
            reason=run.reason,
            params=dict(run.created.params),
            route={title: dict(chosen) for title, chosen in run.created.route.items()},
            tags=dict(run.tags),
            metrics={name: list(points) for name, points in run.metrics.items()},
            attempts=run.attempt,
            artifact=Path(artifact) if artifact else None,
            notebook=Path(notebook) if notebook else None,
            duration=run.detail.get("duration_s", took) if ended else None,
            error=view.plain("\n".join((run.detail.get("error") or {}).get("traceback") or ())),
            _follower=follower,
        )

    @property
    def name(self) -> str:
        """`10c7e5ad/train#2`: what it is called in its store."""
        return f"{self.run}/{self.id}"

    @property
    def store(self) -> Path:
        """The folder of the store that keeps it."""
        return self._follower.store.folder

    @property
    def values(self) -> dict[str, Value]:
        """Its parameters, and those of the grids that it descends from; its own win."""
        return {name: value for chosen in (*self.route.values(), self.params) for name, value in chosen.items()}

    @property
    def log(self) -> str:
        """What it printed and showed, as plain text; of a node run that goes on, up to now."""
        run = self._follower.so_far.node_runs[self.id]
        shown = Shown(self._follower.folder_of(run))
        shown.update()
        texts = (cell_view.output_text(output) for output in cell_view.own_outputs(Watched(run, shown.outputs)))
        return view.plain("\n".join(text.rstrip("\n") for text in texts if text))

    @told_at_the_call
    def copy(self, to: Path | str, pattern: str = "", *, overwrite: bool = False) -> Path:
        """Copy what it left into the folder `to`, where it may be written to; gives that folder.

        `pattern` chooses a part: a path in the artifact, or a glob such as `*.pkl` or `**/*.png`. What is there already
        and differs is an error, unless `overwrite`.
        Raises PipelineError (E-ARTIFACT for a node run that left nothing or nothing of that name, E-FILE-THERE) and
        MachineError (E-FILE-WRITE).
        """
        run = self._follower.so_far.node_runs[self.id]
        node_runs_meant(self.run, [run], self.id)
        copy_left(self._follower.store, self.run, run, Path(to), pattern, overwrite)
        return Path(to)

    def __str__(self) -> str:
        words = view.route_words(self.route) if self.route else ""
        return f"{self.node} [{words}]" if words else self.node

    def __repr__(self) -> str:
        return f"<NodeRun {self.name}: {view.state_word(self.state)}>"


def title_of(node: object) -> str:
    """The title that a node, or a text, stands for. Raises PipelineError (E-USAGE)."""
    if isinstance(node, Node):
        return node.title
    if not isinstance(node, str):
        hint = "Give its title, or what Pipeline.node gave; run.node_runs lists all."
        raise PipelineError(problem("E-USAGE", what=f"{node!r:.80} is no node", hint=hint))
    return node


def chosen(
    runs: Sequence[NodeRun], titles: Sequence[str], node: str | None, state: str | None, values: Mapping[str, Value]
) -> list[NodeRun]:
    """Those of the node runs that are of this node, in this state, and ran with these values.

    `titles` are the nodes that there are. Raises PipelineError: E-NODE-UNKNOWN, E-PARAM-UNKNOWN with the nearest name.
    """
    if node is not None and slug_of(node) not in map(slug_of, titles):
        raise PipelineError(problem("E-NODE-UNKNOWN", node=node, nearest=nearest(node, titles)))
    found = [one for one in runs if node is None or slug_of(one.node) == slug_of(node)]
    known = {name for one in found for name in one.values}
    for name in values:
        if found and name not in known:
            raise PipelineError(problem("E-PARAM-UNKNOWN", name=name, nearest=nearest(name, known)))
    return [one for one in found if state in (None, one.state) and _has(one.values, values)]


def _has(known: Mapping[str, Value], wanted: Mapping[str, Value]) -> bool:
    return all(name in known and known[name] == value for name, value in wanted.items())


def rows_of(runs: Sequence[NodeRun]) -> Iterator[dict[str, object]]:
    """A flat row for each node run: what it is, then its values, then its tags; what stands in two is told once."""
    for one in runs:
        tags = {name: value for name, value in one.tags.items() if name not in one.values}
        about = {"run": one.run, "node": one.node, "id": one.id, "state": str(one.state), "seconds": one.duration}
        yield {**about, **{name: value for name, value in {**one.values, **tags}.items() if name not in about}}
