"""Images that nodes would run in and that the setting `allowed_images` does not allow: told before anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from .asked import Asked
from .asked_within import asked_within
from .core.allowed_images import denied, is_allowed
from .core.errors import MachineError, Place, Problem
from .core.machine import filled
from .core.model import WITHOUT_WORK, ExecutorName, Kind, Node
from .executors.dockerfile_bases import bases_of
from .node_needs import executor_named, place_of


def an_engine_answers() -> bool:
    """Whether nodes that leave it open would run in containers."""
    from .executors.daemon import connect

    try:
        connect().close()
    except MachineError:
        return False
    return True


def denied_images(asked: Asked, engine_answers: Callable[[], bool] = an_engine_answers) -> list[Problem]:
    """E-IMAGE-DENIED for each image of a node that is not allowed, also in pipelines within; nothing is fetched.

    Which compute template fits is not known yet: all that a node names count. `engine_answers` is asked only where it
    decides whether there are containers at all.
    """
    return list(_denied(asked, cache(engine_answers))) if asked.allowed_images else []


def _denied(asked: Asked, engine_answers: Callable[[], bool]) -> Iterator[Problem]:
    inherited: dict[str, list[Node]] = {}  # an image that many nodes have from one place is told once
    for node in asked.pipeline.nodes:
        if node.kind is Kind.PIPELINE:
            within = asked_within(asked, node)
            yield from (one.at(Place(file=str(within.file))) for one in _denied(within, engine_answers))
        if node.kind in WITHOUT_WORK:
            continue
        for image in dict.fromkeys(_images_of(asked, node, engine_answers)):
            if is_allowed(image, asked.allowed_images):
                continue
            if image == node.image:
                yield _problem(asked, image, [node])
            else:
                inherited.setdefault(image, []).append(node)
    yield from (_problem(asked, image, nodes) for image, nodes in inherited.items())


def _images_of(asked: Asked, node: Node, engine_answers: Callable[[], bool]) -> Iterator[str]:
    """Each image that the node may come to run in; none where it runs as a process."""
    defaults = asked.pipeline.defaults
    named = node.compute if node.compute is not None else defaults.compute
    forms = [filled(node, asked.computes[name]) for name in named or () if name in asked.computes]
    for form in forms or [node]:
        executor, image = executor_named(asked, asked.pipeline, form), form.image or defaults.image
        if executor is ExecutorName.PROCESS:
            continue
        if image or executor is ExecutorName.DOCKER or engine_answers():
            yield image or asked.image


def _problem(asked: Asked, image: str, nodes: list[Node]) -> Problem:
    more = f" and {len(nodes) - 1} more" if len(nodes) > 1 else ""
    return denied(image, f'"{nodes[0].title}"{more}', asked.allowed_images, _origin(asked), place_of(asked, nodes[0]))


def denied_bases(asked: Asked, dockerfile: Path) -> list[Problem]:
    """E-IMAGE-DENIED for each image that a Dockerfile is built on and that is not allowed."""
    try:
        bases = bases_of(dockerfile.read_text("utf-8", errors="replace"))
    except OSError:  # who builds tells it
        return []
    patterns, where = asked.allowed_images, str(dockerfile)
    return [
        denied(base.image, dockerfile.name, patterns, _origin(asked), Place(where, line=base.line))
        for base in bases
        if not is_allowed(base.image, patterns)
    ]


def _origin(asked: Asked) -> str:
    return asked.origins.get("allowed_images", "allowed_images")
