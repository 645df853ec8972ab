"""What follows from the samples: the rows of the tables, and the bounds that dagbook wants to keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from .samples import Measured, Sample, Spread
from .workloads import WORKLOADS

DOCKER, COLD, PROCESS = "dagbook-docker", "dagbook-docker-cold", "dagbook-process"
STOCK, PAPERMILL, RAW = "docker-papermill", "papermill", "raw-kernel"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table, with the row that it is compared with."""

    title: str
    spread: Spread
    other: Spread | None = None

    @property
    def ratio(self) -> float | None:
        """Its median by the other one's."""
        return self.spread.median / self.other.median if self.other else None

    @property
    def ratio_of_minima(self) -> float | None:
        """Its minimum by the other one's: what a quiet machine might say."""
        return self.spread.least / self.other.least if self.other else None


@dataclass(frozen=True, slots=True)
class Bound:
    """What dagbook wants to keep: `value` at most `limit` (with `least`: at least)."""

    title: str
    value: float
    limit: float
    least: bool = False

    @property
    def kept(self) -> bool:
        """Whether it does."""
        return self.value >= self.limit if self.least else self.value <= self.limit


def rows(named: Sequence[tuple[str, Sequence[float]]], against: str) -> list[Row]:
    """Rows of titles and values, those without a value left out, compared with the row titled `against`."""
    other = next((Spread.of(values) for title, values in named if title == against and values), None)
    return [Row(title, Spread.of(values), other) for title, values in named if values]


def per_node(measured: Measured, titles: Callable[[str], str]) -> list[Row]:
    """What a node of the chain that works costs besides its work, told in several ways."""
    tasks = WORKLOADS["work"].tasks
    work, count = tasks[0].work, len(tasks)

    def each(tool: str, seconds: Callable[[Sample], float]) -> list[float]:
        return [(seconds(sample) - count * work) / count for sample in measured.of("work", tool)]

    named = [(f"{titles(STOCK)}: whole script, by {count}", each(STOCK, lambda sample: sample.seconds))]
    for tool in (DOCKER, COLD, PROCESS):
        nodes = [_nodes(sample) for sample in measured.of("work", tool)]
        named += [
            (f"{titles(tool)}: whole command, by {count}", each(tool, lambda sample: sample.seconds)),
            (f"{titles(tool)}: the run in it, by {count}", each(tool, _run_seconds)),
            (f"{titles(tool)}: first node, from ready to recorded", [n[0]["duration_s"] - work for n in nodes]),
            (f"{titles(tool)}: first node, as reported (`overhead_s`)", [n[0]["overhead_s"] for n in nodes]),
            (
                f"{titles(tool)}: each later node, from ready to recorded",
                [one["duration_s"] - work for n in nodes for one in n[1:]],
            ),
            (
                f"{titles(tool)}: each later node, as reported (`overhead_s`)",
                [one["overhead_s"] for n in nodes for one in n[1:]],
            ),
        ]
    return rows(named, named[0][0])


def cells(measured: Measured, titles: Callable[[str], str]) -> list[Row]:
    """What 50 cells take on a kernel that is ready, compared with the raw messages."""
    named = []
    for tool in (RAW, DOCKER, PROCESS, STOCK, PAPERMILL):
        told = [sample.details or {} for sample in measured.of("cells", tool)]
        named.append((titles(tool), [float(one["cells_s"]) for one in told if "cells_s" in one]))
    return rows(named, titles(RAW))


def throughput(measured: Measured, titles: Callable[[str], str]) -> list[Row]:
    """Containers that do nothing, by second."""
    count = len(WORKLOADS["wide"].tasks)
    stock = f"{titles(STOCK)}: whole script"
    whole = [count / seconds for seconds in measured.seconds("wide", DOCKER)]
    named = [
        (stock, [count / seconds for seconds in measured.seconds("wide", STOCK)]),
        (f"{titles(DOCKER)}: whole command", whole),
        (f"{titles(DOCKER)}: the run in it", [count / _run_seconds(one) for one in measured.of("wide", DOCKER)]),
    ]
    return rows(named, stock)


def first_runs(measured: Measured, titles: Callable[[str], str]) -> list[Row]:
    """The first runs before the second ones that the workload `again` counts."""
    tools = dict.fromkeys(sample.tool for sample in measured.samples if sample.workload == "again")
    named = [(titles(tool), [one.first for one in measured.of("again", tool) if one.first]) for tool in tools]
    return rows(named, titles(DOCKER))


def bounds(measured: Measured) -> list[Bound]:
    """The bounds whose figures were measured, each a ratio of medians or a median."""
    found: list[Bound] = []
    nodes = {row.title: row.ratio for row in per_node(measured, lambda tool: tool)}
    for tool, title, limit in (
        (COLD, "a node that was not started ahead, besides its work, to one by hand", 0.35),
        (DOCKER, "a node that was started ahead, besides its work, to one by hand", 0.10),
    ):
        if ratio := nodes.get(f"{tool}: each later node, from ready to recorded"):
            found.append(Bound(title, ratio, limit))
    for workload, peer, title, limit in (
        ("chain", "ploomber-serial", "chain of 5, to `ploomber build`", 0.5),
        ("chain", "elyra", "chain of 5, to `elyra-pipeline run`", 0.5),
        ("fan", "ploomber-parallel", "fan-out of 8, to `ploomber build` side by side", 0.4),
    ):
        ours, theirs = measured.seconds(workload, DOCKER), measured.seconds(workload, peer)
        if ours and theirs:
            found.append(Bound(title, median(ours) / median(theirs), limit))
    again = measured.of("again", DOCKER)
    if again:
        second = median(sample.seconds for sample in again)
        first = median(sample.first or sample.seconds for sample in again)
        found += [Bound("second run, to the first one", second / first, 0.15), Bound("second run, seconds", second, 1)]
    found += [
        Bound("50 cells, to the raw messages", row.ratio, 1.4)
        for row in cells(measured, lambda tool: tool)
        if row.title == DOCKER and row.ratio is not None
    ]
    found += [
        Bound("containers that do nothing, by second", row.spread.median, 4, least=True)
        for row in throughput(measured, lambda tool: tool)
        if row.title == f"{DOCKER}: the run in it"
    ]
    return found


def _nodes(sample: Sample) -> list[dict[str, float]]:
    found: list[dict[str, float]] = (sample.details or {})["nodes"]
    return found


def _run_seconds(sample: Sample) -> float:
    return float((sample.details or {})["run_s"])
