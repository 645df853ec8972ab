"""What an examination is about: a folder, the pipeline in it that is meant, the settings in force there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..formats.settings import Settings

if TYPE_CHECKING:
    from ..formats.notebook import Definition


@dataclass(slots=True)
class Subject:
    """What is examined; parts that are looked at first leave here what later ones need to know.

    `definition` is the pipeline, where a file was named; `settings` those that are built in, where the real ones cannot
    be read; `containers` tells whether nodes will run in containers, `why_not` why they will not; `engine_root` is the
    folder of an engine of this machine.
    """

    folder: Path
    settings: Settings = field(default_factory=Settings)
    definition: Definition | None = None
    containers: bool = False
    why_not: str = ""
    engine_root: str = ""

    @classmethod
    def of(cls, target: Path) -> Subject:
        """What is meant by a folder, or by the file of a pipeline. Raises PipelineError for a file that is none."""
        from ..formats.pipeline_file import read_definition

        place = target.absolute()
        return cls(place) if place.is_dir() else cls(place.parent, definition=read_definition(target))

    @property
    def file(self) -> Path | None:
        """The file of the pipeline, where one was named."""
        return self.definition.path.absolute() if self.definition else None

    @property
    def wants_containers(self) -> bool:
        """Whether nothing but containers will do: asked for by name."""
        return self.settings.executor == "docker"
