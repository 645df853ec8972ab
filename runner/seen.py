"""What the node runs of a run see that is no file: their code, and variables."""

from __future__ import annotations

from dataclasses import dataclass

from .around import Around
from .core.binding import Binding, choice_of
from .core.lifecycle import NodeRun
from .core.model import Node
from .job_inputs import Inputs
from .plan import Plan


@dataclass(frozen=True, slots=True)
class Seen:
    """Knows it for the run of a plan."""

    plan: Plan
    binding: Binding

    def code(self, node: Node, run: NodeRun) -> str:
        """The node's source, its placeholders filled."""
        return self.binding.script(node, choice_of(run.created))

    def said(self, node: Node, run: NodeRun) -> dict[str, str]:
        """The variables that people gave by hand: project, pipeline, node."""
        return {**self.plan.asked.env, **self.binding.environment(node, choice_of(run.created))}

    def of_others(self, inputs: Inputs) -> dict[str, str]:
        """The variables that tell of other node runs, of this run and of what is around it."""
        around = self.plan.asked.around
        return {**(around.environment if around else {}), **inputs.environment}

    def around(self, inputs: Inputs) -> Around | None:
        """What a node run sees from around the run, where that is a node itself, beside what it sees in it."""
        found = self.plan.asked.around
        return found.beside(inputs.digests) if found else None
