"""What the nodes of a pipeline ask for: of the machine, of repositories, of the names that they use."""

from __future__ import annotations

from dataclasses import replace

from .asked import Asked, first
from .core.data_source import check_url
from .core.errors import PipelineError, Place, Problem, problem
from .core.machine import compute_problems
from .core.model import WITHOUT_WORK, ExecutorName, Kind, Node, Pipeline
from .executors.contract import Needs
from .formats.attachments import read_requirements, read_text
from .formats.git_address import read_git_address


def executor_named(asked: Asked, pipeline: Pipeline, node: Node) -> ExecutorName:
    """Where the node is to run: its own word, else the pipeline's, else as asked."""
    return node.executor or pipeline.defaults.executor or asked.executor


def needs_of(asked: Asked, pipeline: Pipeline, node: Node) -> Needs:
    """What a node asks of the machine, its own words before the pipeline's. Raises PipelineError (E-FILE-MISSING)."""
    defaults = pipeline.defaults
    kernel = node.kernel or defaults.kernel
    prerun = node.prerun or defaults.prerun
    command, whole = node.kind is Kind.COMMAND, node.kind is Kind.NOTEBOOK
    return Needs(
        node.title,
        node.kind,
        image=node.image or defaults.image,
        requirements=read_requirements(first(node.requirements, defaults.requirements) or (), asked.folder),
        prerun=read_text(prerun, asked.folder) if prerun else "",
        kernel=None if command else kernel,
        language=pipeline.language,
        cpus=first(node.cpus, defaults.cpus),
        memory=first(node.memory, defaults.memory),
        gpus=first(node.gpus, defaults.gpus),
        network=bool(first(node.network, defaults.network)),
        source="\n".join([*([] if command else pipeline.shared), *([] if whole else [node.source])]),
        place=place_of(asked, node),
    )


def place_of(asked: Asked, node: Node) -> Place:
    """Where the node is defined, with the file that was asked for where the node itself names none."""
    return replace(node.place, file=node.place.file or (str(asked.file) if asked.file else None))


def unresolved_problems(pipeline: Pipeline, reused: frozenset[str]) -> list[Problem]:
    """E-UNRESOLVED for each node that is to run and cannot, for each reason."""
    hint = "Run the rest with --until, or take the node out."
    return [
        problem("E-UNRESOLVED", node.place, node=node.title, why=why, hint=hint)
        for node in pipeline.nodes
        if node.title not in reused
        for why in node.unresolved
    ]


def environment_problems(asked: Asked) -> list[Problem]:
    """What is wrong with compute templates, repositories and addresses of datasets by their names alone."""
    found: list[Problem] = []
    for node in asked.pipeline.nodes:
        try:
            if node.kind not in WITHOUT_WORK:
                found += compute_problems(node, asked.pipeline.defaults, asked.computes)
                read_git_address(repository_of(asked.pipeline, node) or ".")
            elif node.url:
                check_url(node.url, asked.data_hosts)
        except PipelineError as error:
            found += [one.at(node.place) for one in error.problems]
    return found


def repository_of(pipeline: Pipeline, node: Node) -> str | None:
    """URL@REF of the repository that the node wants at /cnvrg."""
    return node.git or pipeline.defaults.git
