"""The pipeline that was named: whether it can be read, and whether the images that its nodes name are at hand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..core.errors import MachineError
from ..core.model import WITHOUT_WORK
from .findings import Finding, note, ok, trouble
from .subject import Subject


def pipeline_part(subject: Subject) -> Iterator[Finding]:
    """Nothing where no file was named."""
    if subject.definition is None:
        return
    from ..core.check import check

    name, pipeline = subject.definition.path, subject.definition.pipeline
    wrong = [one for one in (*subject.definition.problems, *check(pipeline)) if one.is_error]
    if wrong:
        yield note("pipeline", f"{name}: {wrong[0].message}", f"All that is wrong with it: dagbook check {name}")
    else:
        count = len(pipeline.nodes)
        yield ok("pipeline", f"{name}: {count} node{'' if count == 1 else 's'}", nodes=count)
    images: dict[str, list[str]] = {}
    for node in pipeline.nodes:
        if node.kind not in WITHOUT_WORK and (image := node.image or pipeline.defaults.image):
            images.setdefault(image, []).append(node.title)
    if images:
        yield from _images(subject, images)


def _images(subject: Subject, wanted: dict[str, list[str]]) -> Iterator[Finding]:
    """Whether each image that nodes name is here, or can be had; they run in no process."""
    from ..executors.daemon import connect
    from .docker_part import inspected, registry_lacks

    asking = ", ".join(title for titles in wanted.values() for title in titles)
    try:
        client = connect() if subject.settings.executor != "process" else None
    except MachineError:
        client = None
    if client is None:
        yield trouble("pipeline", f"these nodes name images, and need Docker: {asking}", "Start it, or drop --image.")
        return
    with contextlib.closing(client):
        for image, titles in wanted.items():
            base, why = inspected(client, image)
            which = f"{image}, for {', '.join(titles)}"
            if base is not None:
                yield ok("pipeline", f"the image {which}, is here", image=image)
            elif why or (why := registry_lacks(client, image)):
                fix = f"Pull or build it (docker pull {image}), or another in its place: --image-map '{image}=OTHER'"
                yield trouble("pipeline", f"the image {which}, cannot be had: {why}", fix, image=image)
            else:
                yield note("pipeline", f"the image {which}, is not here yet", "The first run pulls it.", image=image)
