"""Earlier results: which of them stands for a node run, and datasets, whose result is what they hold."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .core.actions import reactions
from .core.dialect import Moment, Reaction
from .core.errors import DagbookError
from .core.events import Earlier
from .core.lifecycle import NodeRun
from .core.model import Kind, Node
from .core.upstream import NoInput
from .core.values import from_json, to_json
from .jobs import Jobs
from .parts import Left, Part
from .plan import Plan
from .records.cache import Cache, Key, key_of
from .records.collected import dataset_of_runs
from .records.content import CannotHash
from .records.dataset_of_repo import dataset_of_repo
from .records.datasets import Dataset, check_pinned, dataset_of_path, dataset_of_url, kept_dataset
from .records.long_work import Cancel
from .records.repos import branch_of, commit_tree
from .records.store import Store


class Results:
    """Finds and keeps the results of one run's node runs. `tell` is given lines of progress of long work.

    Without `remembers` nothing is written: a plan only looks.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store,
        jobs: Jobs,
        run: str,
        tell: Callable[[str], None],
        *,
        remembers: bool = True,
    ) -> None:
        self._remembers = remembers
        self._plan = plan
        self._store = store
        self._jobs = jobs
        self._run = run
        self._tell = tell
        self._cache = Cache(store)
        self._keys: dict[str, Key] = {}
        self._datasets: dict[str, Dataset] = {}

    def find(self, run: NodeRun) -> tuple[Earlier | None, str]:
        """An earlier result that stands for this node run, its artifact verified; or why there is none."""
        node = self._plan.pipeline.node(run.node)
        try:
            key = self._key(node, run)
        except NoInput:
            return None, "an input is missing"  # making the job says which
        except DagbookError as error:
            return None, error.problems[0].message
        if key is None:
            return None, "it was not fetched yet"
        try:
            found = self._cache.find(key)
        except CannotHash as error:
            return None, error.problems[0].message
        if found is None:
            return None, self._cache.why_not(key, self._plan.pipeline.name, node.title, run.id)
        if asked := _asked_for(node, run, found.body):
            return None, f"its result asks for {asked}"
        detail = dict(found.body["detail"])
        if self._remembers and node.publishes:
            detail["commit"] = self.published(run, detail["artifact"])
        if node.kind is Kind.DATA:
            detail = _detail_of(node, self._datasets[node.title])
        self._keep(node, key, run, found.body)  # the latest result is what later changes are told against
        return _earlier(detail, found.body), self._said(run, found.body["detail"]["from"])

    def _said(self, run: NodeRun, origin: Mapping[str, Any]) -> str:
        if origin["run"] != self._run:
            return f"as in run {origin['run']}"
        return "as before" if origin["node_run"] == run.id else f"as in {origin['node_run']}"

    def _key(self, node: Node, run: NodeRun) -> Key | None:
        if run.id not in self._keys:
            if node.kind is Kind.DATA:
                dataset = self._known(node)
                if dataset is None:
                    return None
                self._datasets[node.title] = dataset
                self._keys[run.id] = key_of({"data": dataset.digest})
            else:
                self._keys[run.id] = self._jobs.key(run)
        return self._keys[run.id]

    def keep(self, run: NodeRun) -> None:
        """Remember what a node run left that has succeeded."""
        node = self._plan.pipeline.node(run.node)
        key = self._key(node, run)
        if key is None or "unsure" in run.detail:
            return
        tags = {name: to_json(value) for name, value in run.tags.items() if name not in run.created.params}
        metrics = {name: [[to_json(s), to_json(v)] for s, v in points] for name, points in run.metrics.items()}
        images = {name: [[to_json(step), file] for step, file in shown] for name, shown in run.images.items()}
        origin = {"run": self._run, "node_run": run.id, "attempt": run.attempt}
        kept = {name: value for name, value in run.detail.items() if name not in ("warnings", "why", "kept", "ahead")}
        if node.kind is Kind.DATA:
            kept.pop("artifact")  # it lies outside of the store
        body = {"detail": {**kept, "from": origin}, "tags": tags, "metrics": metrics, "images": images}
        self._keep(node, key, run, body)

    def _keep(self, node: Node, key: Key, run: NodeRun, body: Mapping[str, Any]) -> None:
        if not self._remembers:
            return
        self._cache.keep(key, self._plan.pipeline.name, node.title, run.id, self._run, body)

    def published(self, run: NodeRun, digest: str) -> str:
        """See `attempt.Memory`. Raises PipelineError, MachineError."""
        node = self._plan.pipeline.node(run.node)
        if not node.publishes:
            return ""
        name, branch = branch_of(node.publishes)
        provenance = {"run": self._run, "node_run": run.id, "pipeline": self._plan.pipeline.name}
        return commit_tree(self._store, name, branch, digest, f"run {self._run}", provenance).id

    # parts

    def find_part(self, node: str, part: Part) -> Left | None:
        """See `part_runs.PartMemory`."""
        if node not in self._plan.looks:
            return None
        try:
            found = self._cache.find(part.key)
        except DagbookError:
            return None
        if found is None:
            return None
        detail = found.body["detail"]
        logged = tuple((name, from_json(value), step) for name, value, step in found.body.get("logged", ()))
        return Left(detail["artifact"], detail["files"], detail["bytes"], logged)

    def keep_parts(self, run: NodeRun, left: Sequence[tuple[Part, Left]]) -> None:
        """See `part_runs.PartMemory`."""
        if not self._remembers or self.changed(run):
            return
        name = self._plan.pipeline.name
        for part, one in left:
            logged = [[name_of, to_json(value), step] for name_of, value, step in one.logged]
            body = {"detail": {"artifact": one.artifact, "files": one.files, "bytes": one.bytes}, "logged": logged}
            self._cache.keep(part.key, name, f"{run.node} (part)", part.key.digest, self._run, body)

    # datasets

    def fetch(self, run: NodeRun, cancel: Cancel) -> dict[str, Any]:
        """Have the dataset of a data node at hand; the detail to record. Raises PipelineError, MachineError."""
        node = self._plan.pipeline.node(run.node)
        if run.id in self._keys:
            return _detail_of(node, self._datasets[node.title])
        dataset = self._fetched(node, cancel)
        self._datasets[node.title] = dataset
        self._keys[run.id] = key_of({"data": dataset.digest})
        return _detail_of(node, dataset)

    def _fetched(self, node: Node, cancel: Cancel) -> Dataset:
        if found := self._of_store(node):
            return found
        if node.url:
            allowed, again = self._plan.asked.data_hosts, self._again(node)
            return dataset_of_url(node.url, node.pin, self._home, self._tell, allowed, again=again, cancel=cancel)
        return self._local(node, cancel)

    def _of_store(self, node: Node) -> Dataset | None:
        """The dataset of a data node that is the store's own: a version, or what earlier node runs left."""
        if node.artifacts:
            return dataset_of_runs(self._store, node.artifacts)
        return dataset_of_repo(self._store, node.dataset, node.query) if node.dataset else None

    def changed(self, run: NodeRun) -> str:
        """Which dataset or file of a node run is not what it was when the run came to it, in words; empty when none."""
        node = self._plan.pipeline.node(run.node)
        if run.id in self._keys and any(slot.default for slot in node.slots):
            with contextlib.suppress(NoInput):
                if self._jobs.key(run).digest != self._keys[run.id].digest:
                    return "E-DATA-CHANGED: a file that an input names is no longer what it was when the run came to it"
        for title in run.created.parents:
            node = self._plan.pipeline.node(title)
            if node.kind is not Kind.DATA or node.url or node.dataset or node.artifacts:  # these are the store's own
                continue
            try:
                now = self._local(node).digest
            except DagbookError as error:
                return error.problems[0].as_reason()
            if now != self._jobs.digest_of(run.created.parents[title]):
                return f'E-DATA-CHANGED: the dataset "{title}" is no longer what it was when the run came to it'
        return ""

    @property
    def _home(self) -> Path:
        return self._store.folder / "datasets"

    def _again(self, node: Node) -> bool:
        return node.title in self._plan.forced

    def _known(self, node: Node) -> Dataset | None:
        if found := self._of_store(node):
            return found
        if node.url:
            return kept_dataset(node.url, node.pin, self._home, self._plan.asked.data_hosts)
        return self._local(node)

    def _local(self, node: Node, cancel: Cancel | None = None) -> Dataset:
        path = self._plan.asked.folder / str(node.path)
        dataset = dataset_of_path(path, self._home, self._tell, cancel)
        if node.pin:
            check_pinned(dataset, node.pin, str(node.path))
        return dataset


def _detail_of(node: Node, dataset: Dataset) -> dict[str, Any]:
    """What a data node's run records; the name is that of its folder below /data."""
    name = re.sub(r"\s+", "_", node.dataset.partition("@")[0] if node.dataset else node.title)
    about = {"name": name, "path": str(dataset.path.absolute()), "single": not dataset.path.is_dir()}
    return {"artifact": dataset.digest, "files": dataset.files, "bytes": dataset.bytes, "dataset": about}


def _asked_for(node: Node, run: NodeRun, body: Mapping[str, Any]) -> str:
    """What the node's actions ask of the whole run for this result: then it is worked out again, and they act again."""
    if not node.actions:
        return ""
    tags = {name: from_json(value) for name, value in body["tags"].items()}
    asked = reactions(node.actions, Moment.COMPLETE, tags, run.created.params)
    return next((str(one) for one in asked if one in (Reaction.FAIL, Reaction.STOP)), "")


def _earlier(detail: Mapping[str, Any], body: Mapping[str, Any]) -> Earlier:
    tags = {name: from_json(value) for name, value in body["tags"].items()}
    metrics = {
        name: [(float(from_json(step)), from_json(value)) for step, value in points]  # type: ignore[arg-type]
        for name, points in body["metrics"].items()
    }
    images = {
        name: [(float(from_json(step)), file) for step, file in shown]  # type: ignore[arg-type]
        for name, shown in body["images"].items()
    }
    return Earlier(detail, tags, metrics, images)
