"""Other images in place of those that a file names: for machines that cannot pull, or have them under other names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..core.errors import PipelineError, nearest, problem
from ..core.model import Pipeline
from ..core.quantities import check_image

ImageMap = tuple[tuple[str, str], ...]  # what is written (`*` stands for any text), and what is taken


def read_image_map(texts: Sequence[str]) -> ImageMap:
    """The pairs that `OLD=NEW` texts spell. Raises PipelineError (E-USAGE, E-IMAGE-REF)."""
    found = []
    for text in texts:
        old, equals, new = text.partition("=")
        if not (old and equals and new):
            raise PipelineError(problem("E-USAGE", what=f"--image-map {text!r} is no pair", hint="Write OLD=NEW."))
        found.append((old.strip(), check_image(new.strip())))
    return tuple(found)


def with_images(pipeline: Pipeline, image_map: ImageMap) -> Pipeline:
    """The pipeline with its images exchanged; the first pair that fits counts.

    Raises PipelineError (E-USAGE) for a pair that fits no image, as that is a typing mistake.
    """
    images = [image for image in (pipeline.defaults.image, *(node.image for node in pipeline.nodes)) if image]
    for old, _new in image_map:
        if not any(_fits(old, image) for image in images):
            what = f"--image-map {old}=… fits no image of the pipeline"
            raise PipelineError(problem("E-USAGE", what=what, hint=nearest(old, images)))
    nodes = tuple(
        node.model_copy(update={"image": _mapped(node.image, image_map)}) if node.image else node
        for node in pipeline.nodes
    )
    defaults = pipeline.defaults
    if defaults.image:
        defaults = defaults.model_copy(update={"image": _mapped(defaults.image, image_map)})
    return pipeline.model_copy(update={"nodes": nodes, "defaults": defaults})


def _mapped(image: str, image_map: ImageMap) -> str:
    return next((new for old, new in image_map if _fits(old, image)), image)


def _fits(pattern: str, image: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), image) is not None
