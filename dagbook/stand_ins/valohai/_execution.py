"""What an execution knows of itself and of others beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from dagbook_stand_in import say

from ._parameters import configured


@dataclass(frozen=True)
class ExecutionConfig:
    """The execution's number, id and title."""

    counter: Any
    id: Any
    title: Any


class Execution:
    """`valohai.execution().config`."""

    @property
    def config(self) -> ExecutionConfig | None:
        """What the configuration says; None without one."""
        said = configured("execution.json")
        known = (said.get(f"valohai.execution-{name}") for name in ("counter", "id", "title"))
        return ExecutionConfig(*known) if said else None


def set_status_detail(status_detail: str) -> None:
    """Print it: there is no page that would show it."""
    say(f"status: {status_detail}")


class Distributed:
    """`valohai.distributed`: dagbook runs no distributed tasks, so there is never another member."""

    def is_distributed_task(self) -> bool:
        """No."""
        return False

    @property
    def rank(self) -> int | None:
        """None: this node is no member of anything."""
        return None

    @property
    def required_count(self) -> int:
        """Itself."""
        return 1

    def members(self) -> list[Any]:
        """Nobody."""
        return []

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"valohai.distributed.{name}: this node is no member of a distributed task")

    def flush_state(self) -> None:
        """Nothing."""
