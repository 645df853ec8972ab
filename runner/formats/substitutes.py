"""Other images and addresses in place of those that a file names: for machines that cannot reach them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..core.dialect import Slot
from ..core.errors import PipelineError, nearest, problem
from ..core.model import Pipeline
from ..core.quantities import check_image

Pairs = tuple[tuple[str, str], ...]  # what is written, and what is taken in its place


def read_image_map(texts: Sequence[str]) -> Pairs:
    """The pairs that `OLD=NEW` texts spell. Raises PipelineError (E-USAGE, E-IMAGE-REF)."""
    found = []
    for text in texts:
        old, equals, new = text.partition("=")
        if not (old and equals and new):
            raise PipelineError(problem("E-USAGE", what=f"--image-map {text!r} is no pair", hint="Write OLD=NEW."))
        found.append((old.strip(), check_image(new.strip())))
    return tuple(found)


def with_images(pipeline: Pipeline, image_map: Pairs) -> Pipeline:
    """The pipeline with its images exchanged; the first pair that fits counts.

    Raises PipelineError (E-USAGE) for a pair that fits no image, as that is a typing mistake.
    """
    images = [image for image in (pipeline.defaults.image, *(node.image for node in pipeline.nodes)) if image]
    for old, _new in image_map:
        if images and not any(_fits(old, image) for image in images):
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


def _mapped(image: str, image_map: Pairs) -> str:
    return next((new for old, new in image_map if _fits(old, image)), image)


def _fits(pattern: str, image: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), image) is not None


def read_input_map(texts: Sequence[str]) -> Pairs:
    """The pairs that `OLD=NEW` texts spell, the longest first. Raises PipelineError (E-USAGE)."""
    found = []
    for text in texts:
        old, equals, new = text.partition("=")
        if not (old and equals and new):
            raise PipelineError(problem("E-USAGE", what=f"--input-map {text!r} is no pair", hint="Write OLD=NEW."))
        found.append((old.strip(), new.strip()))
    return tuple(sorted(found, key=lambda pair: -len(pair[0])))


def with_inputs(pipeline: Pipeline, input_map: Pairs) -> Pipeline:
    """The pipeline with the beginnings of its inputs' addresses exchanged.

    Raises PipelineError (E-USAGE) for a pair with which no address begins.
    """
    addresses = [uri for node in pipeline.nodes for slot in node.slots for uri in slot.default]
    for old, _new in input_map:
        if not any(uri.startswith(old) for uri in addresses):
            what = f"--input-map {old}=…: no input's address begins so"
            raise PipelineError(problem("E-USAGE", what=what, hint=nearest(old, addresses)))
    nodes = tuple(
        node.model_copy(update={"slots": tuple(_readdressed(slot, input_map) for slot in node.slots)})
        if node.slots
        else node
        for node in pipeline.nodes
    )
    return pipeline.model_copy(update={"nodes": nodes})


def _readdressed(slot: Slot, input_map: Pairs) -> Slot:
    return slot.model_copy(update={"default": tuple(_other(uri, input_map) for uri in slot.default)})


def _other(uri: str, input_map: Pairs) -> str:
    return next((new + uri[len(old) :] for old, new in input_map if uri.startswith(old)), uri)
