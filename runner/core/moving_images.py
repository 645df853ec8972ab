"""Images whose name may mean another one tomorrow."""

from __future__ import annotations

from collections.abc import Iterator

from .errors import Place, Problem, problem
from .image_names import is_moving
from .model import Pipeline


def moving_image_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """W-LATEST for images that the pipeline or a node names without a tag that stays, each once.

    Those of other systems are told of where their files are read.
    """
    own = [node for node in pipeline.nodes if not node.dialect]
    named = [(pipeline.defaults.image, Place())] if own else []
    told: set[str] = set()
    for image, place in [*named, *((node.image, node.place) for node in own)]:
        if image and image not in told and is_moving(image):
            told.add(image)
            yield problem("W-LATEST", place, image=image)
