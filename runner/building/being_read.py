"""A program that a command reads: it is executed for the pipeline that it builds, and does not run it itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..core.errors import PipelineError, problem
from ..core.values import Value


@dataclass(slots=True)
class BeingRead:
    """The file that is read, and the values that its pipeline's parameters are given (`-p`)."""

    file: Path
    given: Mapping[str, Value] = field(default_factory=dict)


current: BeingRead | None = None  # in the process that reads one


def declared(parameters: dict[str, Value]) -> dict[str, Value]:
    """A pipeline's parameters, with the values that the command that reads it was given: its nodes may follow them."""
    if current is None:
        return parameters
    return {name: current.given.get(name, value) for name, value in parameters.items()}


def refuse(verb: str) -> None:
    """Raise PipelineError (E-PROGRAM) when a program that is only read wants its pipeline to run."""
    if current is not None:
        what = f"{current.file.name} runs its pipeline when it is read: .{verb}() stands where every import executes it"
        hint = 'Put it below: if __name__ == "__main__":'
        raise PipelineError(problem("E-PROGRAM", what=what, hint=hint))
