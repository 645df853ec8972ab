"""What was measured: samples and failures, and their file."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """One counted run. `first` is how long the run before took, where it is a second one that counts."""

    workload: str
    tool: str
    round: int
    seconds: float
    first: float | None = None
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that did not do what it was to do, or a tool that cannot be had (then without a workload)."""

    tool: str
    workload: str
    reason: str


@dataclass(frozen=True, slots=True)
class Spread:
    """The usual figures of some values."""

    n: int
    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        return cls(len(values), statistics.median(values), min(values), max(values))


@dataclass
class Measured:
    """All that one call of the benchmark found out. `machine` has rows for people: what, and how much."""

    machine: dict[str, str]
    rounds: int
    samples: list[Sample] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def seconds(self, workload: str, tool: str) -> list[float]:
        """The times of a tool on a workload."""
        return [sample.seconds for sample in self.of(workload, tool)]

    def of(self, workload: str, tool: str) -> list[Sample]:
        """The samples of a tool on a workload."""
        return [sample for sample in self.samples if (sample.workload, sample.tool) == (workload, tool)]

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Measured:
        """Read what `write` wrote."""
        told = json.loads(path.read_text(encoding="utf-8"))
        samples = [Sample(**sample) for sample in told.pop("samples")]
        failures = [Failure(**failure) for failure in told.pop("failures")]
        return cls(**told, samples=samples, failures=failures)
