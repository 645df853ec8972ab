"""The images that the nodes of a pipeline need, made before any run, and sent to a registry.

A node without a Dockerfile gets what a run would give it: its image with requirements and prerun script in it. With
one, the project itself is in the image, as systems want it that know images and no code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .asked import Asked
from .core.errors import PipelineError, Problem, problem, raise_errors
from .core.image_names import is_moving, split_image
from .core.model import WITHOUT_WORK, ExecutorName, Node, Pipeline
from .core.quantities import check_image
from .denied_images import denied_bases, denied_images
from .executors.build_context import Project
from .executors.contract import Needs, Runtime
from .executors.pushing import Pushed
from .node_needs import needs_of
from .secret_lookup import secret_files

if TYPE_CHECKING:
    from docker import APIClient

    from .executors.images import Images

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """How images are to be made: a Dockerfile for the project, the REPOSITORY whose tags they get, and whether they
    are to be pushed there."""

    dockerfile: Path | None = None
    repository: str | None = None
    push: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """The image of one node: as asked for, as made, its id and bytes; whether it is new on this machine.

    `installed`: the node's requirements and prerun script are in it; `tagged`: its tag is made of its content.
    `pushed` is what the registry said.
    """

    node: str
    asked: str
    image: str
    id: str
    size: int
    new: bool
    installed: bool
    tagged: bool
    pushed: Pushed | None = None


def containers_of(pipeline: Pipeline) -> list[Node]:
    """The nodes that run in containers, or would where there is an engine."""
    return [
        node
        for node in pipeline.nodes
        if node.kind not in WITHOUT_WORK and (node.executor or pipeline.defaults.executor) is not ExecutorName.PROCESS
    ]


def moving_images(asked: Asked, nodes: Sequence[Node]) -> list[Problem]:
    """W-LATEST for each image that may be another one tomorrow."""
    default = asked.pipeline.defaults.image or asked.image
    images = dict.fromkeys(node.image or default for node in nodes)
    return [problem("W-LATEST", image=image) for image in images if is_moving(image)]


def make_images(asked: Asked, nodes: Sequence[Node], wish: Wish, tell: Tell) -> tuple[list[Made], list[Problem]]:
    """An image for each of `nodes`, and warnings; those that are there are not made again.

    Raises PipelineError and MachineError (no engine; E-PUSH, E-PUSH-LOGIN, E-PUSH-REACH).
    """
    from .executors.daemon import connect

    if wish.repository:
        _check_repository(wish.repository)
    if wish.push and not wish.repository and not wish.dockerfile:
        hint = "Name one: -t REGISTRY/NAME. With --dockerfile it is the one that the nodes' images name."
        raise PipelineError(problem("E-USAGE", what="no repository is named to push to", hint=hint))
    # A Dockerfile's image takes the place of the one that nodes have which name none.
    found = denied_images(asked, engine_answers=lambda: wish.dockerfile is None)
    raise_errors([*found, *(denied_bases(asked, wish.dockerfile) if wish.dockerfile else ())])
    client = connect()
    try:
        return _Making(client, asked, wish, tell).all_of(nodes)
    finally:
        client.close()


@dataclass(frozen=True, slots=True)
class _Making:
    """Makes the images of one call."""

    client: APIClient
    asked: Asked
    wish: Wish
    tell: Tell

    def all_of(self, nodes: Sequence[Node]) -> tuple[list[Made], list[Problem]]:
        from .executors.images import Images

        there = {str(one["Id"]) for one in self.client.images()}
        needs = [needs_of(self.asked, self.asked.pipeline, node) for node in nodes]
        images = Images(self.client, self.asked.pipeline.defaults.image or self.asked.image, self.asked.build_network)
        references = {need.title: images.reference(need) for need in needs}
        built = self._built(needs, images)
        needs = [replace(need, image=built.get(need.title, need.image)) for need in needs]
        runtimes, found = images.settle(needs, self.tell)
        warnings = raise_errors(found)
        made = []
        for need in needs:
            repository = self.wish.repository
            if self.wish.dockerfile:
                repository = split_image(built[need.title])[0] if need.title in built else None
            shown = dict(self.client.inspect_image(runtimes[need.title].digest))  # type: ignore[no-untyped-call]
            image = self._named(runtimes[need.title], shown, repository, need.title in built)
            facts: dict[str, Any] = {"id": shown["Id"], "size": shown["Size"], "new": shown["Id"] not in there}
            installed = bool(need.requirements or need.prerun)
            one = Made(need.title, references[need.title], image, **facts, installed=installed, tagged=bool(repository))
            made.append(one)
        return (self._pushed(made) if self.wish.push else made), warnings

    def _built(self, needs: Sequence[Needs], images: Images) -> dict[str, str]:
        """By title the image that comes of the Dockerfile, for the nodes that it is for."""
        from .executors.dockerfile import Builder

        if self.wish.dockerfile is None or not needs:
            return {}
        repository, titles = meant({need.title: need.image for need in needs}, self.wish.repository)
        code = self.asked.code
        folder = None if code == "none" else (self.asked.folder / (code or ".")).resolve()
        if folder and not folder.is_dir():
            hint = "Give a folder, or --code none."
            raise PipelineError(problem("E-CODE", what=f"--code {code} is not a folder", hint=hint))
        # The pipeline's own file changes with each tag that is written into it.
        own = [*([self.asked.file] if self.asked.file else []), *(secret_files(self.asked, folder) if folder else [])]
        keep_out = frozenset((*self.asked.keep_out, *own))
        project = Project(self.wish.dockerfile.absolute(), folder, keep_out)
        image = Builder(self.client, images, self.asked.build_network, self.tell).image(project, repository)
        return dict.fromkeys(titles, image)

    def _named(self, runtime: Runtime, shown: dict[str, Any], repository: str | None, built: bool) -> str:
        """What the image of a node is called; tagged by content, where there is a repository for it."""
        from .executors.derived import REPOSITORY
        from .executors.dockerfile import TAG

        asked = self.client.inspect_image(runtime.reference)["Id"]  # type: ignore[no-untyped-call]
        derived = [tag for tag in shown["RepoTags"] or [] if split_image(tag)[0] == REPOSITORY]
        as_it_is = shown["Id"] == asked or not derived
        if repository is None or (built and as_it_is):
            return runtime.reference if as_it_is else derived[0]
        content = str(shown["Id"]).removeprefix("sha256:") if as_it_is else str(split_image(derived[0])[1])
        self.client.tag(shown["Id"], repository, content[:TAG])
        return f"{repository}:{content[:TAG]}"

    def _pushed(self, made: list[Made]) -> list[Made]:
        """The same, after each image that got a tag was sent, once."""
        from .executors.pushing import push

        images = dict.fromkeys(one.image for one in made if one.tagged)
        sent = {image: push(self.client, image, self.tell) for image in images}
        return [replace(one, pushed=sent.get(one.image)) for one in made]


def meant(images: Mapping[str, str | None], repository: str | None) -> tuple[str, list[str]]:
    """The repository of a Dockerfile's image, and the titles of the nodes that it is for, from the images they name.

    These are the nodes that name none or one of that repository; where there is no such node, all, if they name one
    and the same. Raises PipelineError (E-USAGE) when that leaves it open.
    """
    named = list(dict.fromkeys(split_image(image)[0] for image in images.values() if image))
    if repository is None and len(named) != 1:
        what = "--dockerfile needs a repository for its image"
        several = f"The nodes name several: {', '.join(named)}. " if named else ""
        raise PipelineError(problem("E-USAGE", what=what, hint=f"{several}Name it: -t REPOSITORY."))
    wanted = repository or named[0]
    titles = [title for title, image in images.items() if not image or split_image(image)[0] == wanted]
    if not titles and len(named) > 1:
        what = f"no node names an image of {wanted}, and they name several others: {', '.join(named)}"
        hint = f"Say which of them it replaces: --image-map '{named[0]}*={wanted}'"
        raise PipelineError(problem("E-USAGE", what=what, hint=hint))
    return wanted, titles or list(images)


def _check_repository(repository: str) -> None:
    """Raises PipelineError (E-IMAGE-REF, E-USAGE) for what is no REPOSITORY, or has a tag already."""
    if "@" in check_image(repository) or split_image(repository)[1] is not None:
        hint = f"The tag is made of the content: -t {split_image(repository)[0]}"
        raise PipelineError(problem("E-USAGE", what=f"-t {repository} names a tag", hint=hint))
