"""Images built from a Dockerfile: known by their content, so that the same code is the same tag and builds nothing."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from ..core.errors import MachineError, PipelineError, Place, Problem, problem
from ..formats.git_address import without_credentials
from .build_context import Archive, Project, archive
from .caches import only_one
from .derived import LINES, PROXIES
from .dockerfile_bases import bases_of
from .images import Images
from .pushing import unusable_login

if TYPE_CHECKING:
    from docker import APIClient

TAG = 12  # digits of the digest that make a tag
CONTENT = "dagbook.content"  # the label with the whole digest
BUILD = 1  # raise it when images are built differently


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds on one engine. `network` None: the engine's default."""

    client: APIClient
    images: Images
    network: str | None
    tell: Callable[[str], None]

    def image(self, project: Project, repository: str) -> str:
        """REPOSITORY:TAG of the project as it is now, built when it is not there.

        Raises PipelineError (E-FILE-MISSING, E-CODE, E-IMAGE-MISSING, E-DOCKERFILE) and MachineError (E-PUSH-LOGIN).
        """
        bases = self._bases(project)
        with archive(project) as made:
            content = json.dumps([BUILD, made.digest, project.name, bases])
            digest = hashlib.sha256(content.encode()).hexdigest()
            image = f"{repository}:{digest[:TAG]}"
            with only_one(f"content-{digest[:24]}"):
                if (known := self._known(digest)) is None:
                    self.tell(f"building {image} from {project.dockerfile}")
                    self._build(project, made, image, digest)
                else:
                    self.client.tag(known, repository, digest[:TAG])
        return image

    def _bases(self, project: Project) -> list[str]:
        """The ids of the images that it is built on, pulled when they are not there."""
        place = Place(str(project.dockerfile))
        try:
            text = project.dockerfile.read_text("utf-8", errors="replace")
        except OSError as error:
            hint = f"Name it with --dockerfile ({error.strerror})."
            found = problem("E-FILE-MISSING", place, file=str(project.dockerfile), hint=hint)
            raise PipelineError(found) from None
        ids, found_all = [], []
        for base in bases_of(text):
            if why := self.images.fetch(base.image, self.tell):
                hint = f"Pull or build it first: docker pull {base.image}"
                at = Place(str(project.dockerfile), line=base.line)
                found_all.append(problem("E-IMAGE-MISSING", at, image=base.image, why=why.strip(), hint=hint))
            else:
                ids.append(str(self.client.inspect_image(base.image)["Id"]))  # type: ignore[no-untyped-call]
        if found_all:
            raise PipelineError(*found_all)
        return ids

    def _known(self, digest: str) -> str | None:
        found = self.client.images(filters={"label": f"{CONTENT}={digest}"})
        return str(found[0]["Id"]) if found else None

    def _build(self, project: Project, made: Archive, image: str, digest: str) -> None:
        from docker.errors import APIError, DockerException

        lines: deque[str] = deque(maxlen=LINES)
        why = ""
        try:
            for step in self._steps(project, made.file, image, digest):
                why = str(step.get("error") or "").strip() or why
                said = without_credentials(str(step.get("stream") or ""))
                for line in filter(str.strip, said.splitlines()):
                    lines.append(line)
                    self.tell(line)
        except APIError as error:
            why = str(error.explanation or error)
        except DockerException as error:  # a login is sent along, for images that the build may ask for
            raise MachineError(unusable_login(image, str(error))) from None
        if why:
            raise PipelineError(_failed(project, without_credentials(why), lines))

    def _steps(self, project: Project, file: IO[bytes], image: str, digest: str) -> Any:
        proxies = {name: os.environ[name] for name in PROXIES if os.environ.get(name)}
        return self.client.build(
            fileobj=file,
            custom_context=True,
            dockerfile=project.name,
            tag=image,
            labels={CONTENT: digest},
            buildargs=proxies,  # no such argument stays in the image
            network_mode=self.network,
            rm=True,
            forcerm=True,
            decode=True,
        )


def _failed(project: Project, why: str, lines: deque[str]) -> Problem:
    line = re.search(r"\bline (\d+)", why)
    place = Place(str(project.dockerfile), line=int(line[1]) if line else None)
    said = "\n".join(f"    {one}" for one in lines)
    hint = f"The build's last lines:\n{said}" if said else "The engine's own builder builds it, without BuildKit."
    return problem("E-DOCKERFILE", place, dockerfile=project.dockerfile, why=why[:400], hint=hint)
