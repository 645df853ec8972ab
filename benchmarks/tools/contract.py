"""What the rounds need to know of a tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..processes import Finished
from ..workloads import Workload


@dataclass(frozen=True, slots=True)
class Results:
    """What one command left behind.

    `files` has the file that each task wrote. `ran` is how many tasks ran, where the tool tells; `details` are
    figures of its own.
    """

    files: Mapping[str, Path]
    ran: int | None = None
    details: Mapping[str, Any] | None = None


class Tool(Protocol):
    """One tool in one way of using it."""

    @property
    def name(self) -> str:
        """What it is called on the command line and in the JSON file."""

    @property
    def title(self) -> str:
        """What it is called in tables."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of its commands, all of them."""

    def set_up(self) -> None:
        """Make what it needs: its environment, its image. Raises Failed."""

    def takes(self, workload: Workload) -> bool:
        """Whether it can do this workload at all."""

    def write(self, workload: Workload, folder: Path) -> None:
        """Write the workload into an empty folder."""

    def command(self, workload: Workload) -> list[str]:
        """The command that runs it, in that folder."""

    def results(self, workload: Workload, finished: Finished) -> Results:
        """What the command left. Raises Failed when it cannot be read."""
