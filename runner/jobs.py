"""Jobs: turns a decided node run into all that an executor needs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from .around import Around, Place
from .asked import first
from .contracts.apply import leave, terms_of, under
from .contracts.datum_view import mapped
from .contracts.deployment import lay_out, would_deploy
from .contracts.pachyderm import terms as datum_terms
from .contracts.terms import Facts
from .core.argument_checks import value_problems
from .core.binding import Binding, choice_of
from .core.dialect import Dialect
from .core.edge import Port
from .core.environment import data_variable, input_variable, own_variables
from .core.gathered import LISTING
from .core.lifecycle import NodeRun, RunSoFar
from .core.model import Kind, Node
from .core.names import slug_of
from .core.upstream import NoInput
from .core.values import Value
from .executors.contract import Executor, Job, Mount
from .job_inputs import Inputs, InputsOf
from .node_needs import needs_of
from .partition import cut, has_parts, searched
from .parts import Part, Parts
from .plan import Plan
from .records.cache import Key
from .records.failpoints import failpoint
from .records.secret_values import SecretValues
from .records.store import Store
from .result_keys import ResultKeys
from .seen import Seen
from .slots import SlotFile, digest_of_slot, fill_slot

RECORD, OUTPUT = "notebook.ipynb", "output"
GIT_MOUNT = "/cnvrg"


class Jobs:
    """Makes the jobs of one run from its plan; `so_far` is what the run has come to, kept up to date by its owner."""

    def __init__(
        self, plan: Plan, store: Store, run: str, so_far: RunSoFar, numbers: Iterator[int] | None = None
    ) -> None:
        self._plan = plan
        self._store = store
        self._run = run
        self._so_far = so_far
        self._seen = Seen(plan, Binding(plan.pipeline, so_far))
        self._numbers = numbers or itertools.count(1)
        self._inputs = InputsOf(plan, store, so_far, self.output_of)
        self._keys = ResultKeys(plan, self._seen, self._inputs)

    def foreseeing(self, foreseen: RunSoFar) -> Jobs:
        """The same for node runs that are only foreseen: what will be an artifact is still a folder of its attempt."""
        return Jobs(self._plan, self._store, self._run, foreseen, self._numbers)

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

    def key(self, run: NodeRun) -> Key:
        """The key of what this node run would leave. Raises NoInput when an input cannot be had."""
        return self._keys.of(run)

    def _retries(self, node: Node) -> int:
        """How often a failed attempt is followed by another; only what is not tried again may stay."""
        return first(node.retries, self._plan.pipeline.defaults.retries) or 0

    def make(self, run: NodeRun, attempt: int) -> Job:
        """The job of one attempt: a folder of its own in the store, the inputs, the environment.

        Made again for the same attempt, as more is known, it has the same folders. Raises NoInput when an input
        cannot be had, and NotYetKnown for what is only foreseen.
        """
        node, inputs = self.node_of(run.node), self._inputs.of(run)
        folder = self._store.attempt_folder(self._run, run.id, attempt)
        if wrong := list(value_problems(node, run.created.params)):
            raise NoInput(wrong[0])
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
            script=self._seen.code(node, run) if node.kind is Kind.COMMAND else "",
            parameters=run.created.params,
            mounts=(*self._shown(node, inputs, folder), *self._own_mounts(node, folder)),
            environment=self._environment(node, run, inputs),
            secrets=self._plan.secrets.get(node.title, SecretValues()),
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
        draft = path.with_name(f"{path.name}.part")  # a process that is killed leaves no half of a notebook
        runtime = self._plan.runtimes[node.title]
        if node.kind is Kind.NOTEBOOK:  # the text that was planned, whatever the file holds by now
            draft.write_text(node.source, encoding="utf-8")
            node = node.model_copy(update={"path": draft.name})
        made = node_notebook(self._plan.pipeline, node, folder, runtime.kernel, runtime.language)
        with draft.open("w", encoding="utf-8") as file:
            failpoint("attempt.source")
            file.write(text_of(made))
        draft.replace(path)
        return path

    def _shown(self, node: Node, inputs: Inputs, folder: Path) -> tuple[Mount, ...]:
        """What is before a node: in its run, and around that."""
        around = self._seen.around(inputs)
        places = around.places if around else ()
        beyond = (Mount(one.source, one.target, variable=one.variable) for one in places)
        return (*self._frames(node, inputs, folder), *inputs.mounts, *beyond)

    def around(self, run: NodeRun, attempt: int) -> Around:
        """What the nodes of a pipeline that is a node see from around it. Raises NoInput for what cannot be had."""
        node, inputs = self.node_of(run.node), self._inputs.of(run)
        folder = self._store.attempt_folder(self._run, run.id, attempt)
        folder.mkdir(parents=True, exist_ok=True)
        outer = self._seen.around(inputs)
        said = self._seen.binding.environment(node, choice_of(run.created))
        own = {name: said[name] for name in node.env}
        return Around(
            run=self._run,
            node_run=run.id,
            node=node.title,
            top=outer.top if outer else self._run,
            places=tuple(
                Place(source=one.source, target=one.target, variable=one.variable)
                for one in self._shown(node, inputs, folder)
            ),
            digests={**(outer.digests if outer else {}), **inputs.digests},
            environment={**(outer.environment if outer else {}), **inputs.environment, **own},
        )

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
            (frame / LISTING).write_text(text, encoding="utf-8")
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
        files = self._inputs.deployed(run)
        return lay_out(self.node_of(run.node), files, output), would_deploy(self.node_of(run.node), files)

    def parts(self, run: NodeRun, attempt: int, job: Job) -> Parts | None:
        """The parts of a node run that has some; None for all others. Raises NoInput, PipelineError."""
        node = self.node_of(run.node)
        if not has_parts(node):
            return None
        inputs = self._inputs.of(run)
        if node.search:
            edges = self._plan.pipeline.edges_into(node.title)
            logged = {edge.target_key for edge in edges if edge.source_port is Port.METADATA}
            alone = node.model_copy(update={"search": None})  # another value makes no other execution of the rest
            made = searched(node, run, self._keys.parts(alone, run, inputs), logged, partial(self._taken, run, node))
        else:
            made = cut(node, self._keys.parts(node, run, inputs), self._inputs.places(node, run))
        return replace(made, job_of=partial(self._part_job, node, run, job, inputs))

    def _taken(self, run: NodeRun, node: Node, params: Mapping[str, Value]) -> dict[str, str]:
        """What an execution with these parameters takes by addresses in which they stand."""
        if not _by_parameter(node):
            return {}
        slots = self._inputs.slots(run, params)
        return {f"input /input/{slot}": digest_of_slot(files) for slot, files in slots.items()}

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
        slots = self._inputs.slots(run, part.params) if _by_parameter(node) else inputs.slots
        facts = self._facts(node, run, again, job, slots, part.params)
        if part.datum is None:
            return under(terms_of(facts), job)
        places = {title: place.path for title, place in self._inputs.places(node, run).items()}
        if node.dialect is Dialect.PACHYDERM:
            kept = tuple(mount for mount in job.mounts if not mount.target.startswith(("/input/", "/data/")))
            return under(datum_terms(facts, part.datum, places), replace(job, mounts=kept))
        return mapped(job, part.datum, places, folder)

    def digest_of(self, id: str) -> str:
        """The digest of what a finished node run left."""
        return str(self._so_far.node_runs[id].detail["artifact"])

    def _environment(self, node: Node, run: NodeRun, inputs: Inputs) -> dict[str, str]:
        """What the node sees besides the mounts' variables; a user's own words win where the name is free."""
        return {
            **self._seen.of_others(inputs),
            **own_variables(run.created.params),
            **self._seen.said(node, run),
            "DAGBOOK_RUN": self._run,
            "DAGBOOK_NODE": node.title,
            "DAGBOOK_NODE_RUN": run.id,
        }


def _by_parameter(node: Node) -> bool:
    """Whether an address of the node's inputs holds one of its parameters."""
    return any("{parameter" in uri for slot in node.slots for uri in slot.default)
