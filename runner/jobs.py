"""Jobs: turns a decided node run into all that an executor needs, and into the key under which its result is kept."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any

from .asked import first
from .contracts.apply import contract_parts, leave, terms_of, under
from .contracts.datum_view import mapped
from .contracts.deployment import lay_out, would_deploy
from .contracts.pachyderm import terms as datum_terms
from .contracts.terms import Facts
from .core.binding import Binding, choice_of
from .core.conditions import settled
from .core.dialect import Dialect, Slot
from .core.environment import data_variable, input_variable, own_variables, passed_variables, upstream_variables
from .core.graph import graph_of
from .core.lifecycle import PASSED, NodeRun, RunSoFar
from .core.model import Kind, Node
from .core.names import slug_of
from .core.upstream import NotYetKnown, is_foreseen
from .core.values import Value, to_json
from .executors.contract import Executor, Job, Mount
from .partition import Place, cut, has_parts, place_of_artifact, place_of_dataset, searched, titles_in
from .parts import Part, Parts
from .plan import Plan, needs_of
from .records.cache import Key, as_part, key_of
from .records.store import Store
from .slot_files import files_at, with_parameters
from .slots import SlotFile, deployment_files, digest_of_slot, fill_slot, slots_of

RECORD, OUTPUT = "notebook.ipynb", "output"
GIT_MOUNT = "/cnvrg"


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


class Jobs:
    """Makes the jobs of one run from its plan; `so_far` is what the run has come to, kept up to date by its owner."""

    def __init__(
        self, plan: Plan, store: Store, run: str, so_far: RunSoFar, numbers: Iterator[int] | None = None
    ) -> None:
        self._plan = plan
        self._store = store
        self._run = run
        self._so_far = so_far
        self._binding = Binding(plan.pipeline, so_far)
        self._numbers = numbers or itertools.count(1)

    def foreseeing(self, foreseen: RunSoFar) -> Jobs:
        """The same for node runs that are only foreseen: what will be an artifact is still a folder of its attempt."""
        return Jobs(self._plan, self._store, self._run, foreseen, self._numbers)

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

    def node_of(self, title: str) -> Node:
        """The node with this title."""
        return self._plan.pipeline.node(title)

    def executor_of(self, title: str) -> Executor:
        """Where node runs of this node run."""
        return self._plan.executors[title]

    def timeout_of(self, title: str) -> float | None:
        """Seconds that an attempt of this node may take; None for no limit."""
        node, defaults = self.node_of(title), self._plan.pipeline.defaults
        found: float | None = first(node.timeout, defaults.timeout)
        return found

    def output_of(self, run: NodeRun) -> Path:
        """The folder that becomes the artifact of this node run."""
        return self._store.attempt_folder(self._run, run.id, max(run.attempt, 1)) / OUTPUT

    # keys

    def key(self, run: NodeRun) -> Key:
        """The key of what this node run would leave: all that it follows from, and nothing else.

        Raises NoInput when an input cannot be had.
        """
        node = self.node_of(run.node)
        if node.kind is Kind.DEPLOY:
            files = digest_of_slot([replace(one, name=name) for name, one in self._deployed(run)])
            return key_of({"deployment": node.model_dump_json(include={"serving"}), "files": files})
        inputs = self._inputs(run)
        seen = {**inputs.environment, **self._said(node, run)}
        return key_of(self._key_parts(node, run, inputs, seen))

    def _key_parts(self, node: Node, run: NodeRun, inputs: Inputs, seen: Mapping[str, str]) -> dict[str, str]:
        runtime = self._plan.runtimes[node.title]
        parts = {"code": self._code(node, run)}
        if node.kind is Kind.CELL:
            parts["shared code"] = "\n".join(self._plan.pipeline.shared)
        parts |= {f"parameter {name}": as_part(value) for name, value in run.created.params.items()}
        parts |= {f"input {target}": digest for target, digest in inputs.digests.items()}
        parts |= contract_parts(node)
        if self._plan.code and node.dialect is not Dialect.PACHYDERM:
            parts["project files"] = self._plan.code.digest
        if repository := self._plan.repositories.get(node.title):
            parts["repository"] = repository.commit
        parts |= {"image": runtime.digest, "kernel": f"{runtime.kernel} ({runtime.language})"}
        parts |= {f"environment {name}": value for name, value in sorted(seen.items())}
        return parts

    def _code(self, node: Node, run: NodeRun) -> str:
        return self._binding.script(node, choice_of(run.created))

    def _said(self, node: Node, run: NodeRun) -> dict[str, str]:
        """The variables that people gave by hand: project, pipeline, node."""
        return {**self._plan.asked.env, **self._binding.environment(node, choice_of(run.created))}

    # jobs

    def _retries(self, node: Node) -> int:
        """How often a failed attempt is followed by another; only what is not tried again may stay."""
        return first(node.retries, self._plan.pipeline.defaults.retries) or 0

    def make(self, run: NodeRun, attempt: int) -> Job:
        """The job of one attempt: a folder of its own in the store, the inputs, the environment.

        Made again for the same attempt, as more is known, it has the same folders. Raises NoInput when an input
        cannot be had, and NotYetKnown for what is only foreseen.
        """
        node, inputs = self.node_of(run.node), self._inputs(run)
        folder = self._store.attempt_folder(self._run, run.id, attempt)
        job = self._plain(node, run, attempt, inputs, folder)
        if node.dialect is None or has_parts(node):
            return job
        return under(terms_of(self._facts(node, run, attempt, job, inputs.slots)), job)

    def _plain(self, node: Node, run: NodeRun, attempt: int, inputs: Inputs, folder: Path) -> Job:
        """The job but for what a contract of another system changes."""
        output = folder / OUTPUT
        output.mkdir(parents=True, exist_ok=True)
        needs = needs_of(self._plan.asked, self._plan.pipeline, node)
        return Job(
            id=f"{self._run}-{next(self._numbers)}-{attempt}",
            node_run=run.id,
            title=node.title,
            kind=node.kind,
            runtime=self._plan.runtimes[node.title],
            record=folder / RECORD,
            output=output,
            notebook=self._write_source(node, folder),
            script=self._code(node, run) if node.kind is Kind.COMMAND else "",
            parameters=run.created.params,
            mounts=(*self._frames(node, inputs, folder), *inputs.mounts, *self._own_mounts(node, folder)),
            environment=self._environment(node, run, inputs),
            labels={"dagbook": self._store.id, "dagbook.run": self._run, "dagbook.node_run": run.id},
            cpus=needs.cpus,
            memory=needs.memory,
            gpus=needs.gpus,
            network=needs.network,
            keep_failed=self._plan.asked.keep_failed and attempt > self._retries(node),
            warnings=tuple(
                f"{name} is left unset: two tags or a system name claim it, or it cannot hold the value"
                for name in inputs.clashing
            ),
        )

    def _write_source(self, node: Node, folder: Path) -> Path | None:
        """The notebook to execute, in the attempt's folder."""
        if node.kind is Kind.COMMAND:
            return None
        from .formats.notebook import node_notebook
        from .formats.notebook_file import text_of

        path = folder / "source.ipynb"
        runtime = self._plan.runtimes[node.title]
        if node.kind is Kind.NOTEBOOK:  # the text that was planned, whatever the file holds by now
            path.write_text(node.source, encoding="utf-8")
            node = node.model_copy(update={"path": path.name})
        made = node_notebook(self._plan.pipeline, node, folder, runtime.kernel, runtime.language)
        path.write_text(text_of(made), encoding="utf-8")
        return path

    def _own_mounts(self, node: Node, folder: Path) -> tuple[Mount, ...]:
        """The project's snapshot, and a checkout of the node's repository that it may write to."""
        found = []
        if self._plan.code and node.dialect is not Dialect.PACHYDERM:
            found.append(Mount(self._plan.code.path, "/code", variable="PYTHONPATH"))
        if repository := self._plan.repositories.get(node.title):
            from .records.repositories import checkout

            checkout(repository, folder / "repository")
            found.append(Mount(folder / "repository", GIT_MOUNT, read_only=False, variable="CNVRG_WORKDIR"))
        return tuple(found)

    def _frames(self, node: Node, inputs: Inputs, folder: Path) -> tuple[Mount, ...]:
        """Folders made for this attempt: around gathered runs, with runs.json, and of input slots."""
        found = []
        for slug, text in inputs.listed.items():
            frame, count = folder / "gathered" / slug, len(json.loads(text))
            for beyond in frame.glob("[0-9]*"):  # made when more were foreseen
                if int(beyond.name) > count:
                    beyond.rmdir()
            for number in range(1, count + 1):
                (frame / str(number)).mkdir(parents=True, exist_ok=True)  # where the artifact is mounted
            frame.mkdir(parents=True, exist_ok=True)
            (frame / "runs.json").write_text(text, encoding="utf-8")
            found.append(Mount(frame, f"/input/{slug}", variable=input_variable(slug)))
        for mount in inputs.mounts:
            target = PurePosixPath(mount.target)
            if target.parts[1] == "data" and len(target.parts) == 4:  # a dataset of one file
                frame = folder / "data" / target.parts[2]
                frame.mkdir(parents=True, exist_ok=True)
                (frame / target.name).touch()  # where the file is mounted
                found.append(Mount(frame, str(target.parent), variable=data_variable(slug_of(target.parts[2]))))
        if node.dialect is Dialect.VALOHAI:
            return tuple(found)  # its contract has all slots in one folder
        for slot, files in inputs.slots.items():
            place = folder / "slots" / slot
            fill_slot(place, files)
            found.append(Mount(place, f"/input/{slot}", variable=input_variable(slug_of(slot))))
            found.append(Mount(place, f"/valohai/inputs/{slot}"))
        return tuple(found)

    # contracts of other systems

    def _facts(
        self,
        node: Node,
        run: NodeRun,
        attempt: int,
        job: Job,
        slots: Mapping[str, list[SlotFile]],
        params: Mapping[str, Value] | None = None,
    ) -> Facts:
        repository = self._plan.repositories.get(node.title)
        return Facts(
            node=node,
            pipeline=self._plan.pipeline.name,
            run=self._run,
            node_run=run,
            attempt=attempt,
            script=job.script,
            params=run.created.params if params is None else params,
            folder=job.record.parent,
            output=job.output,
            code=self._plan.code.path if self._plan.code else None,
            repository=job.record.parent / "repository" if repository else None,
            slots=slots,
            image=job.runtime.reference,
            commit=repository.commit if repository else "",
        )

    def leave(self, run: NodeRun, attempt: int, job: Job) -> list[str]:
        """Add to the output what the node's contract says that it leaves elsewhere; returns warnings."""
        node = self.node_of(run.node)
        if node.dialect is not Dialect.CNVRG or has_parts(node):
            return []
        return leave(self._facts(node, run, attempt, job, {}))

    def deployment(self, run: NodeRun, attempt: int) -> tuple[Path, str]:
        """See `attempt.JobMaker`."""
        output = self._store.attempt_folder(self._run, run.id, attempt) / OUTPUT
        files = self._deployed(run)
        return lay_out(self.node_of(run.node), files, output), would_deploy(self.node_of(run.node), files)

    def _deployed(self, run: NodeRun) -> list[tuple[str, SlotFile]]:
        node = self.node_of(run.node)
        return deployment_files(self._plan.pipeline, node.title, run, self._so_far.node_runs, self._folder_of)

    def parts(self, run: NodeRun, attempt: int, job: Job) -> Parts | None:
        """The parts of a node run that has some; None for all others. Raises NoInput, PipelineError."""
        node = self.node_of(run.node)
        if not has_parts(node):
            return None
        inputs = self._inputs(run)
        seen = {**inputs.environment, **self._said(node, run)}
        if node.search:
            made = searched(node, run, self._key_parts(node, run, inputs, seen))
        else:
            made = cut(node, self._key_parts(node, run, inputs, seen), self._places(node, run))
        return replace(made, job_of=partial(self._part_job, node, run, job, inputs))

    def _places(self, node: Node, run: NodeRun) -> Mapping[str, Place]:
        """Where the inputs of a node with datums lie, and what is in them, by title."""
        runs, found = self._so_far.node_runs, {}
        for title in titles_in(node):
            parent = runs[run.created.parents[self.node_of(title).title]]
            if dataset := _dataset(parent):
                path = Path(dataset["path"])
                found[title] = place_of_dataset(path, self._store.folder / "datasets")
            else:
                found[title] = place_of_artifact(self._artifact(parent))
        return found

    def _part_job(
        self, node: Node, run: NodeRun, whole: Job, inputs: Inputs, number: int, part: Part, again: int
    ) -> Job:
        """The job of one attempt of a part, in folders of its own below those of the whole."""
        folder = whole.record.parent / "parts" / f"{number}-{again}"
        output = folder / OUTPUT
        output.mkdir(parents=True, exist_ok=True)
        job = replace(
            whole,
            id=f"{whole.id}-{number}-{again}",
            record=folder / RECORD,
            output=output,
            parameters=part.params,
            environment={**whole.environment, **own_variables(part.params)},
        )
        facts = self._facts(node, run, again, job, inputs.slots, part.params)
        if part.datum is None:
            return under(terms_of(facts), job)
        places = {title: place.path for title, place in self._places(node, run).items()}
        if node.dialect is Dialect.PACHYDERM:
            kept = tuple(mount for mount in job.mounts if not mount.target.startswith(("/input/", "/data/")))
            return under(datum_terms(facts, part.datum, places), replace(job, mounts=kept))
        return mapped(job, part.datum, places, folder)

    def _own_files(self, node: Node, slot: Slot) -> list[SlotFile]:
        """The files that a slot names itself. Raises SlotFault."""
        params = self._plan.pipeline.parameters_of(node)
        return [
            one
            for uri in slot.default
            for one in files_at(with_parameters(uri, params), slot, node, self._plan.asked, self._store)
        ]

    # inputs

    def _inputs(self, run: NodeRun) -> Inputs:
        node, runs = self.node_of(run.node), self._so_far.node_runs
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
            listed[slug] = json.dumps([_listed(number, one) for number, one in enumerate(several, 1)], indent=1)
            digests[f"/input/{slug}/runs.json"] = listed[slug]
            for number, one in enumerate(several, 1):
                mounts.append(Mount(self._artifact(one), f"/input/{slug}/{number}"))
                digests[f"/input/{slug}/{number}"] = _digest_of(one)
        slots = slots_of(self._plan.pipeline, node.title, run, runs, self._folder_of, self._own_files)
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

    def digest_of(self, id: str) -> str:
        """The digest of what a finished node run left."""
        return str(self._so_far.node_runs[id].detail["artifact"])

    def _folder_of(self, run: NodeRun) -> Path | None:
        return self._artifact(run) if run.state in PASSED and not _dataset(run) else None

    def _artifact(self, run: NodeRun) -> Path:
        if is_foreseen(run):
            if self.node_of(run.node).kind is Kind.DATA:
                raise NotYetKnown(run.node, "dataset")
            output = self.output_of(run)
            output.mkdir(parents=True, exist_ok=True)
            return output
        digest = str(run.detail["artifact"])
        return self._store.artifacts / digest[:2] / digest

    def _environment(self, node: Node, run: NodeRun, inputs: Inputs) -> dict[str, str]:
        """What the node sees besides the mounts' variables; a user's own words win where the name is free."""
        return {
            **inputs.environment,
            **own_variables(run.created.params),
            **self._said(node, run),
            "DAGBOOK_RUN": self._run,
            "DAGBOOK_NODE": node.title,
            "DAGBOOK_NODE_RUN": run.id,
        }


def _dataset(run: NodeRun) -> dict[str, Any] | None:
    found: dict[str, Any] | None = run.detail.get("dataset")
    return found


def _digest_of(run: NodeRun) -> str:
    """What names the artifact of a node run that passed; nothing yet for one that is foreseen to."""
    return "" if is_foreseen(run) else str(run.detail["artifact"])


def _listed(number: int, run: NodeRun) -> dict[str, Any]:
    """A gathered run as runs.json lists it; `folder` is relative to /input/<slug>."""
    params = {name: to_json(value) for name, value in run.created.params.items()}
    route = {title: {k: to_json(v) for k, v in chosen.items()} for title, chosen in run.created.route.items()}
    tags = {name: to_json(value) for name, value in run.tags.items()}
    return {"folder": str(number), "id": run.id, "params": params, "route": route, "tags": tags}
