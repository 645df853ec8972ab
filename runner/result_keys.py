"""The key under which a result is kept: all that it follows from, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .contracts.apply import contract_parts
from .core.dialect import Dialect
from .core.lifecycle import NodeRun
from .core.model import Kind, Node
from .core.secrets_given import secret_names
from .job_inputs import Inputs, InputsOf
from .plan import Plan
from .records.cache import PROJECT, Key, as_part, key_of
from .seen import Seen
from .slots import digest_of_slot


@dataclass(frozen=True, slots=True)
class ResultKeys:
    """Tells the keys of one run's node runs."""

    plan: Plan
    seen: Seen
    inputs: InputsOf

    def of(self, run: NodeRun) -> Key:
        """The key of what this node run would leave. Raises NoInput when an input cannot be had."""
        node = self.plan.pipeline.node(run.node)
        if node.kind is Kind.DEPLOY:
            files = digest_of_slot([replace(one, name=name) for name, one in self.inputs.deployed(run)])
            return key_of({"deployment": node.model_dump_json(include={"title", "serving"}), "files": files})
        return key_of(self.parts(node, run, self.inputs.of(run)))

    def parts(self, node: Node, run: NodeRun, inputs: Inputs) -> dict[str, str]:
        """What the key is made of, by names that people know; `node` is the run's, or one that stands for it."""
        shared = {"shared code": "\n".join(self.plan.pipeline.shared)} if node.kind is Kind.CELL else {}
        parts = {"code": self.seen.code(node, run), **shared, **self._given(run, inputs)}
        own = self._of_pipeline(node) if node.kind is Kind.PIPELINE else self._of_node(node)
        return {**parts, **own, **self._variables(node, run, inputs)}

    def _of_node(self, node: Node) -> dict[str, str]:
        runtime = self.plan.runtimes[node.title]
        parts = {**contract_parts(node), **secret_names(self.plan.pipeline, node)}
        if self.plan.code and node.dialect is not Dialect.PACHYDERM:
            parts[PROJECT] = self.plan.code.digest
        if repository := self.plan.repositories.get(node.title):
            parts["repository"] = repository.commit
        return parts | {"image": runtime.digest, "kernel": f"{runtime.kernel} ({runtime.language})"}

    def _of_pipeline(self, node: Node) -> dict[str, str]:
        """What a whole pipeline follows from: all that its nodes do, and do not get from each other."""
        secrets = " ".join(map(str, node.secrets))
        return {"its images, commits and files": self.plan.inner[node.title].content, "secrets": secrets}

    def _given(self, run: NodeRun, inputs: Inputs) -> dict[str, str]:
        """Parameters, and what is at each path."""
        parts = {f"parameter {name}": as_part(value) for name, value in run.created.params.items()}
        around = self.seen.around(inputs)
        digests = {**(around.digests if around else {}), **inputs.digests}
        return parts | {f"input {target}": digest for target, digest in digests.items()}

    def _variables(self, node: Node, run: NodeRun, inputs: Inputs) -> dict[str, str]:
        """The variables that tell of others, and those that people gave."""
        seen = {**self.seen.of_others(inputs), **self.seen.said(node, run)}
        return {f"environment {name}": value for name, value in sorted(seen.items())}
