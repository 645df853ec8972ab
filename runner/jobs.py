"""Jobs: turns a decided node run into all that an executor needs, its folders made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .core.environment import input_variable, own_variables, upstream_variables
from .core.lifecycle import NodeRun
from .core.model import Kind, Node
from .core.names import slug_of
from .core.values import to_json
from .executors.contract import Executor, Job, Mount
from .plan import Plan, first, needs_of
from .records.store import Store

RECORD = "notebook.ipynb"


class Jobs:
    """Makes the jobs of one run from its plan."""

    def __init__(self, plan: Plan, store: Store, run: str) -> None:
        self._plan = plan
        self._store = store
        self._run = run
        self._numbers: dict[str, int] = {}

    def executor_of(self, title: str) -> Executor:
        """Where node runs of this node run."""
        return self._plan.executors[title]

    def timeout_of(self, title: str) -> float | None:
        """Seconds that an attempt of this node may take; None for no limit."""
        node, defaults = self._plan.pipeline.node(title), self._plan.pipeline.defaults
        found: float | None = first(node.timeout, defaults.timeout)
        return found

    def make(
        self,
        run: NodeRun,
        attempt: int,
        parents: Mapping[str, NodeRun],
        gathered: Mapping[str, Sequence[NodeRun]],
    ) -> Job:
        """The job of one attempt: a folder of its own in the store, the inputs, the environment."""
        node = self._plan.pipeline.node(run.node)
        folder = self._store.attempt_folder(self._run, run.id, attempt)
        output = folder / "output"
        output.mkdir(parents=True)
        number = self._numbers.setdefault(run.id, len(self._numbers) + 1)
        before, clashing = upstream_variables({slug_of(title): parent.tags for title, parent in parents.items()})
        needs = needs_of(self._plan.asked, self._plan.pipeline, node)
        return Job(
            id=f"{self._run}-{number}-{attempt}",
            node_run=run.id,
            title=node.title,
            kind=node.kind,
            runtime=self._plan.runtimes[node.title],
            record=folder / RECORD,
            output=output,
            notebook=self._write_source(node, folder),
            script=node.source if node.kind is Kind.COMMAND else "",
            parameters=run.created.params,
            mounts=self._mounts(parents) + self._gathered_mounts(gathered, folder / "gathered"),
            environment=self._environment(node, run, before),
            labels={"dagbook": self._store.id, "dagbook.run": self._run, "dagbook.node_run": run.id},
            cpus=needs.cpus,
            memory=needs.memory,
            network=needs.network,
            warnings=tuple(f"{name} is left unset: two tags, or a system name, claim it" for name in clashing),
        )

    def _write_source(self, node: Node, folder: Path) -> Path | None:
        """The notebook to execute, in the attempt's folder."""
        if node.kind is Kind.COMMAND:
            return None
        import nbformat

        from .formats.notebook import node_notebook

        path = folder / "source.ipynb"
        runtime = self._plan.runtimes[node.title]
        made = node_notebook(self._plan.pipeline, node, self._plan.asked.folder, runtime.kernel, runtime.language)
        path.write_text(nbformat.writes(made), encoding="utf-8")  # type: ignore[no-untyped-call]
        return path

    def _mounts(self, parents: Mapping[str, NodeRun]) -> tuple[Mount, ...]:
        found = []
        for title, parent in parents.items():
            slug = slug_of(title)
            found.append(Mount(self._artifact(parent), f"/input/{slug}", variable=input_variable(slug)))
        if self._plan.code:
            found.append(Mount(self._plan.code.path, "/code", variable="PYTHONPATH"))
        return tuple(found)

    def _artifact(self, run: NodeRun) -> Path:
        digest = str(run.detail["artifact"])
        return self._store.artifacts / digest[:2] / digest

    def _gathered_mounts(self, gathered: Mapping[str, Sequence[NodeRun]], folder: Path) -> tuple[Mount, ...]:
        """All runs of a node at once: /input/<slug>/1, 2, … and runs.json, which lists them."""
        found = []
        for title, runs in gathered.items():
            slug = slug_of(title)
            frame = folder / slug
            for number, run in enumerate(runs, 1):
                (frame / str(number)).mkdir(parents=True)  # where the artifact is mounted
                found.append(Mount(self._artifact(run), f"/input/{slug}/{number}"))
            frame.mkdir(parents=True, exist_ok=True)
            listed = [_listed(number, run) for number, run in enumerate(runs, 1)]
            (frame / "runs.json").write_text(json.dumps(listed, indent=1), encoding="utf-8")
            found.insert(0, Mount(frame, f"/input/{slug}", variable=input_variable(slug)))
        return tuple(found)

    def _environment(self, node: Node, run: NodeRun, before: Mapping[str, str]) -> dict[str, str]:
        """What the node sees besides the mounts' variables; a user's own words win where the name is free."""
        said = {**self._plan.asked.env, **self._plan.pipeline.defaults.env, **node.env}
        return {
            **before,
            **own_variables(run.created.params),
            **said,
            "DAGBOOK_RUN": self._run,
            "DAGBOOK_NODE": node.title,
            "DAGBOOK_NODE_RUN": run.id,
        }


def _listed(number: int, run: NodeRun) -> dict[str, Any]:
    """A gathered run as runs.json lists it; `folder` is relative to /input/<slug>."""
    params = {name: to_json(value) for name, value in run.created.params.items()}
    route = {title: {k: to_json(v) for k, v in chosen.items()} for title, chosen in run.created.route.items()}
    tags = {name: to_json(value) for name, value in run.tags.items()}
    return {"folder": str(number), "id": run.id, "params": params, "route": route, "tags": tags}
