"""Everything that can be wrong with a pipeline as a whole."""

from __future__ import annotations

from .argument_checks import argument_problems
from .edge_globs import edge_glob_problems
from .environment import environment_problems
from .errors import Problem, problem
from .flow import flow_problems
from .logged import unlogged_problems
from .model import Pipeline
from .moving_images import moving_image_problems
from .secrets_given import secret_problems
from .structure import structure_problems
from .unused import unused_problems


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
        found += edge_glob_problems(pipeline)
        found += unused_problems(pipeline)
        found += unlogged_problems(pipeline)
        found += moving_image_problems(pipeline)
    return found
