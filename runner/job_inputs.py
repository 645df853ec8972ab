"""What node runs see of those before them: artifacts, datasets, slots, tags, and the digests of all that."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .core.conditions import settled
from .core.dialect import Dialect, Slot
from .core.environment import data_variable, input_variable, passed_variables, upstream_variables
from .core.gathered import LISTING, as_listed
from .core.graph import graph_of
from .core.lifecycle import PASSED, NodeRun, RunSoFar
from .core.model import Kind, Node
from .core.names import slug_of
from .core.upstream import NotYetKnown, is_foreseen
from .core.values import Value
from .executors.contract import Mount
from .partition import Place, place_of_artifact, place_of_dataset, titles_in
from .plan import Plan
from .records.store import Store
from .slot_files import files_at, with_parameters
from .slots import SlotFile, deployment_files, digest_of_slot, slots_of


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a node run sees of the node runs before it, before any folder is made for it.

    `mounts` are artifacts and datasets as they lie in the store; `digests` name what is in them, by target.
    """

    mounts: tuple[Mount, ...]
    digests: Mapping[str, str]
    listed: Mapping[str, str]  # slug of a gathered node -> the text of its runs.json
    slots: Mapping[str, list[SlotFile]]
    environment: Mapping[str, str]
    clashing: Sequence[str] = field(default_factory=tuple)


class InputsOf:
    """Finds the inputs of one run's node runs. `output_of` gives the folder of a node run's attempt."""

    def __init__(self, plan: Plan, store: Store, so_far: RunSoFar, output_of: Callable[[NodeRun], Path]) -> None:
        self._plan = plan
        self._store = store
        self._so_far = so_far
        self._output_of = output_of
        self._cut: dict[str, Mapping[str, Place]] = {}

    def _node_of(self, title: str) -> Node:
        return self._plan.pipeline.node(title)

    @cached_property
    def _tested(self) -> dict[str, frozenset[str]]:
        """The tested parents of each node with conditions."""
        pipeline, graph = self._plan.pipeline, graph_of(self._plan.pipeline)
        return {
            node.title: frozenset(
                title for one in node.when for title in settled(pipeline, node, one, graph[node.title]).tasks
            )
            for node in pipeline.nodes
            if node.when
        }

    def of(self, run: NodeRun) -> Inputs:
        """The inputs of a node run. Raises NoInput when one cannot be had, NotYetKnown for what is only foreseen."""
        node, runs = self._node_of(run.node), self._so_far.node_runs
        parents = {title: runs[id] for title, id in run.created.parents.items() if runs[id].state in PASSED}
        gathered = {
            title: [runs[id] for id in ids if runs[id].state in PASSED] for title, ids in run.created.gathered.items()
        }
        whole = {slug_of(title) for title in node.after}
        shown = {title: one for title, one in parents.items() if slug_of(title) in whole}
        mounts, digests = self._artifact_mounts(shown)
        listed: dict[str, str] = {}
        for title, several in gathered.items():
            slug = slug_of(title)
            listed[slug] = json.dumps([as_listed(number, one) for number, one in enumerate(several, 1)], indent=1)
            digests[f"/input/{slug}/{LISTING}"] = listed[slug]
            for number, one in enumerate(several, 1):
                mounts.append(Mount(self._artifact(one), f"/input/{slug}/{number}"))
                digests[f"/input/{slug}/{number}"] = _digest_of(one)
        slots = self.slots(run)
        digests |= {f"/input/{slot}": digest_of_slot(files) for slot, files in slots.items()}
        tags = {slug_of(title): one.tags for title, one in parents.items() if not _dataset(one)}
        before, clashing = upstream_variables(tags) if node.dialect is not Dialect.PACHYDERM else ({}, [])
        tested = self._tested.get(node.title, frozenset())
        passed = [slug_of(t) for t in (*parents, *(t for t, several in gathered.items() if several)) if t in tested]
        environment = {**before, **(passed_variables(passed) if node.when else {})}
        return Inputs(tuple(mounts), digests, listed, slots, environment, clashing)

    def _artifact_mounts(self, parents: Mapping[str, NodeRun]) -> tuple[list[Mount], dict[str, str]]:
        mounts, digests = [], {}
        for title, parent in parents.items():
            slug = slug_of(title)
            if dataset := _dataset(parent):
                path, target = Path(dataset["path"]), f"/data/{dataset['name']}"
                if dataset["single"]:  # its folder is a frame, made with the others
                    mounts.append(Mount(path, f"{target}/{path.name}"))
                else:
                    mounts.append(Mount(path, target, variable=data_variable(slug)))
            else:
                target = f"/input/{slug}"
                mounts.append(Mount(self._artifact(parent), target, variable=input_variable(slug)))
            digests[target] = _digest_of(parent)
        return mounts, digests

    def slots(self, run: NodeRun, params: Mapping[str, Value] | None = None) -> dict[str, list[SlotFile]]:
        """The files of each input slot; `params` are those of one execution of a search. Raises SlotFault."""
        runs = self._so_far.node_runs

        def own(node: Node, slot: Slot, of: NodeRun) -> list[SlotFile]:
            known = params if params is not None and of is run else of.created.params
            return self._own_files(node, slot, known)

        return slots_of(self._plan.pipeline, run.node, run, runs, self._folder_of, own)

    def _own_files(self, node: Node, slot: Slot, params: Mapping[str, Value]) -> list[SlotFile]:
        """The files that a slot names itself. Raises SlotFault."""
        return [
            one
            for uri in slot.default
            for one in files_at(with_parameters(uri, params), slot, node, self._plan.asked, self._store)
        ]

    def deployed(self, run: NodeRun) -> list[tuple[str, SlotFile]]:
        """The files that edges lead into a deployment, each with `ENDPOINT/NAME`. Raises NoInput."""
        node = self._node_of(run.node)
        return deployment_files(self._plan.pipeline, node.title, run, self._so_far.node_runs, self._folder_of)

    def places(self, node: Node, run: NodeRun) -> Mapping[str, Place]:
        """Where the inputs of a node with datums lie, and what is in them, by title."""
        if run.id in self._cut:
            return self._cut[run.id]
        runs, found = self._so_far.node_runs, {}
        for title in titles_in(node):
            parent = runs[run.created.parents[self._node_of(title).title]]
            dataset = _dataset(parent)
            if dataset and not Path(dataset["path"]).is_relative_to(self._store.artifacts.absolute()):
                found[title] = place_of_dataset(Path(dataset["path"]), self._store.folder / "datasets")
            else:
                found[title] = place_of_artifact(self._artifact(parent))
        self._cut[run.id] = found
        return found

    def _folder_of(self, run: NodeRun) -> Path | None:
        return self._artifact(run) if run.state in PASSED and not _dataset(run) else None

    def _artifact(self, run: NodeRun) -> Path:
        if is_foreseen(run):
            if self._node_of(run.node).kind is Kind.DATA:
                raise NotYetKnown(run.node, "dataset")
            output = self._output_of(run)
            output.mkdir(parents=True, exist_ok=True)
            return output
        digest = str(run.detail["artifact"])
        return self._store.artifacts / digest[:2] / digest


def _dataset(run: NodeRun) -> dict[str, Any] | None:
    found: dict[str, Any] | None = run.detail.get("dataset")
    return found


def _digest_of(run: NodeRun) -> str:
    """What names the artifact of a node run that passed; nothing yet for one that is foreseen to."""
    return "" if is_foreseen(run) else str(run.detail["artifact"])
