"""Everything that can be wrong with a pipeline as a whole."""

from __future__ import annotations

from .argument_checks import argument_problems
from .environment import environment_problems
from .errors import Problem, problem
from .flow import flow_problems
from .model import Pipeline
from .secrets_given import secret_problems
from .structure import structure_problems


def check(pipeline: Pipeline) -> list[Problem]:
    """Every finding: structure first; what nodes take from each other, and variables, when that is sound."""
    if not pipeline.nodes:
        return [problem("E-PIPELINE-EMPTY")]
    found = structure_problems(pipeline)
    if not any(one.is_error for one in found):
        found += flow_problems(pipeline)
        found += environment_problems(pipeline)
        found += argument_problems(pipeline)
        found += secret_problems(pipeline)
    return found
