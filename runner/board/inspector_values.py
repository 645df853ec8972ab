"""What the inspector tells of a node run, of a node before any run, and of all runs of a node. Values only.

Times are in seconds since the epoch, durations in seconds. Secrets are masked already; nothing is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.lifecycle import State
from ..core.values import Value
from .artifact_listing import ArtifactListing

Points = Sequence[tuple[float, Value]]  # of a metric: step and value


@dataclass(frozen=True, slots=True)
class Named:
    """A name with its value in words; `origin` says where the value is from, as far as that is known."""

    name: str
    value: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a node run; `state` is where it is or how it ended."""

    number: int
    state: State
    seconds: float | None
    reason: str = ""
    notebook: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a condition says of one run before the node: `passed` is None while that is not decided.

    `here` tells that the run lies on the route of the node run inspected.
    """

    condition: str
    run: str
    label: str
    value: str
    passed: bool | None
    why: str = ""
    here: bool = False


@dataclass(frozen=True, slots=True)
class Approval:
    """Who is asked whether it may start; who said what, when and how, once somebody has (`approved` is None before)."""

    asked: tuple[str, ...]
    approved: bool | None = None
    by: str = ""
    how: str = ""
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The exception that ended it; `cell` is the position of the failing cell in the executed notebook, 1-based;
    `hint` says what would help, where that is known."""

    name: str
    message: str
    traceback: tuple[str, ...]
    cell: int | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """The images that were logged under one name: how many, and the last one."""

    name: str
    count: int
    step: float
    file: Path
    store: Path  # the file is read only when it lies in it


@dataclass(frozen=True, slots=True)
class Command:
    """Something to type: in a terminal, and in the notebook where a magic does the same."""

    does: str
    terminal: str
    magic: str = ""


@dataclass(frozen=True, slots=True)
class Inspected:
    """All that is known of one node run.

    `cached` says why an earlier result stands for it, or why none does. `log` is the last that it printed, with a
    terminal's colours, and `log_left_out` how many lines were before; `outputs` are what it displayed, in nbformat's
    shape, each with the number of its cell.
    """

    run: str
    id: str
    title: str
    route: str
    kind: str
    state: State
    line: str
    reason: str = ""
    created: float | None = None
    began: float | None = None
    ended: float | None = None
    seconds: float | None = None
    progress: tuple[int, int] | None = None  # its cell and how many there are
    attempts: tuple[Attempt, ...] = ()
    parameters: tuple[Named, ...] = ()
    tags: tuple[Named, ...] = ()
    metrics: Mapping[str, Points] | None = None
    pictures: tuple[Picture, ...] = ()
    artifact: ArtifactListing | None = None
    image: tuple[Named, ...] = ()
    executor: str = ""
    limits: tuple[Named, ...] = ()
    used: tuple[Named, ...] = ()
    environment: tuple[Named, ...] = ()
    cached: str = ""
    because: str = ""
    verdicts: tuple[Verdict, ...] = ()
    verdicts_left_out: int = 0
    approval: Approval | None = None
    failure: Failure | None = None
    warnings: tuple[str, ...] = ()
    log: str = ""
    log_left_out: int = 0
    outputs: tuple[tuple[int, Mapping[str, Any]], ...] = ()
    outputs_left_out: int = 0
    notebook: str = ""
    parents: tuple[str, ...] = ()
    nested: str = ""  # the run that it is, and of which pipeline
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class InspectedNode:
    """The definition of a node, before any run. `expected` is None where only the run decides how often it runs."""

    title: str
    kind: str
    cell: int | None
    expected: int | None
    options: tuple[Named, ...] = ()
    parameters: tuple[Named, ...] = ()
    grid: tuple[Named, ...] = ()
    conditions: tuple[str, ...] = ()
    approve: tuple[str, ...] = ()
    before: tuple[Named, ...] = ()  # parents, each with what comes from it
    after: tuple[str, ...] = ()  # children
    environment: tuple[Named, ...] = ()
    source: str = ""
    source_left_out: int = 0  # lines


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One run of a node among the others."""

    id: str
    state: State
    values: Mapping[str, str]  # what tells it from the others, by name
    seconds: float | None
    tags: Mapping[str, str]
    best: bool = False  # a condition after it chose it


@dataclass(frozen=True, slots=True)
class InspectedGroup:
    """All runs of a node: their columns by name, their rows, and their metrics by name and run."""

    title: str
    states: str
    columns: tuple[str, ...]
    tags: tuple[str, ...]
    rows: tuple[GroupRow, ...]
    left_out: int = 0
    metrics: Mapping[str, Mapping[str, Points]] | None = None
