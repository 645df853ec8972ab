"""A pipeline that names the images that were made for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..core.model import WITHOUT_WORK, Node, Pipeline


def with_built(pipeline: Pipeline, images: Mapping[str, str], installed: Collection[str]) -> Pipeline:
    """The pipeline with `images` by node title in place of those it names.

    `installed` are the titles of nodes whose requirements and prerun script are in the image already.
    """
    named = _with_images(pipeline, images)
    return _without_installed(named, installed) if installed else named


def _with_images(pipeline: Pipeline, images: Mapping[str, str]) -> Pipeline:
    bare = [node for node in pipeline.nodes if not node.image and node.kind not in WITHOUT_WORK]
    wanted = {images.get(node.title) for node in bare}
    if len(wanted) == 1 and None not in wanted and pipeline.defaults.image:  # one word for all of them, as before
        pipeline = _with_defaults(pipeline, image=wanted.pop())
        images = {title: image for title, image in images.items() if title not in {node.title for node in bare}}
    return _with_nodes(pipeline, {title: {"image": image} for title, image in images.items()})


def _without_installed(pipeline: Pipeline, installed: Collection[str]) -> Pipeline:
    defaults = pipeline.defaults
    changes: dict[str, dict[str, Any]] = {}
    for node in pipeline.nodes:
        if node.title in installed:
            changes[node.title] = {"requirements": None, "prerun": None}
        elif node.kind not in WITHOUT_WORK:
            changes[node.title] = _inherited(node, pipeline)
    if defaults.requirements is not None or defaults.prerun:
        pipeline = _with_defaults(pipeline, requirements=None, prerun=None)
    return _with_nodes(pipeline, changes)


def _inherited(node: Node, pipeline: Pipeline) -> dict[str, Any]:
    """What a node has from the pipeline's defaults, to be its own."""
    requirements = pipeline.defaults.requirements if node.requirements is None else node.requirements
    return {"requirements": requirements, "prerun": node.prerun or pipeline.defaults.prerun}


def _with_defaults(pipeline: Pipeline, **changed: Any) -> Pipeline:
    return pipeline.model_copy(update={"defaults": pipeline.defaults.model_copy(update=changed)})


def _with_nodes(pipeline: Pipeline, changes: Mapping[str, Mapping[str, Any]]) -> Pipeline:
    nodes = (
        node.model_copy(update=dict(changes[node.title])) if changes.get(node.title) else node
        for node in pipeline.nodes
    )
    return pipeline.model_copy(update={"nodes": tuple(nodes)})
