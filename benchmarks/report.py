"""The report: tables in Markdown, for the terminal and for the page of the documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from .figures import Bound, Row, bounds, cells, first_runs, per_node, rows, throughput
from .samples import Measured
from .workloads import WORKLOADS

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def report(measured: Measured, titles: Mapping[str, str], against: str) -> str:
    """All tables; `titles` names the tools in words, `against` is the one that the others are compared with."""

    def title(tool: str) -> str:
        return titles.get(tool, tool)

    parts = [plain_table(["Machine", ""], measured.machine.items())]
    for workload in WORKLOADS.values():
        tools = dict.fromkeys(sample.tool for sample in measured.samples if sample.workload == workload.name)
        if tools:
            named = [(title(tool), measured.seconds(workload.name, tool)) for tool in tools]
            peer = title(against if against in tools else next(iter(tools)))
            parts.append(f"### {workload.title}\n\n{table(rows(named, peer), peer)}")
    parts += _inner(measured, title)
    if found := bounds(measured):
        parts.append(f"### What dagbook wants to keep\n\n{bounds_table(found)}")
    if measured.failures:
        lines = [(title(one.tool), one.workload, one.reason.replace("|", "\\|")) for one in measured.failures]
        parts.append(f"### What failed\n\n{plain_table(['Tool', 'Workload', 'Why'], lines)}")
    return "\n\n".join(parts) + "\n"


def _inner(measured: Measured, title: Callable[[str], str]) -> list[str]:
    found = (
        ("The first runs before those second ones", first_runs, "s", "the first row"),
        ("What a node costs besides 1 s of work", per_node, "ms", "`docker run … papermill`"),
        ("50 cells on a kernel that is ready", cells, "ms", "the raw messages"),
        ("Containers that do nothing, by second", throughput, "", "`docker run … papermill`"),
    )
    made = [(heading, rows_of(measured, title), unit, against) for heading, rows_of, unit, against in found]
    return [f"### {heading}\n\n{table(some, against, unit)}" for heading, some, unit, against in made if some]


def table(some: Sequence[Row], against: str, unit: str = "s") -> str:
    """Rows as a Markdown table, with the ratios to `against`: of medians, and of minima."""
    factor, digits = (1000.0, 0) if unit == "ms" else (1.0, 2)
    named = f" ({unit})" if unit else ""
    head = ["", "n", f"median{named}", "min", "max", f"ratio to {against}", "of minima"]
    lines = []
    for row in some:
        figures = (row.spread.median, row.spread.least, row.spread.most)
        ratios = ["" if ratio is None else f"{ratio:.2f}" for ratio in (row.ratio, row.ratio_of_minima)]
        lines.append([row.title, str(row.spread.n), *(f"{factor * value:.{digits}f}" for value in figures), *ratios])
    return _aligned(head, lines)


def bounds_table(found: Sequence[Bound]) -> str:
    """Bounds as a Markdown table."""
    lines = [
        [
            one.title,
            f"{one.value:.2f}",
            f"{'≥' if one.least else '≤'} {one.limit:g}",
            "yes" if one.kept else "no",
        ]
        for one in found
    ]
    return _aligned(["", "measured", "wanted", "kept"], lines)


def plain_table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Words as a Markdown table."""
    return _aligned(head, [list(line) for line in lines], numbers=False)


def _aligned(head: Sequence[str], lines: Sequence[Sequence[str]], *, numbers: bool = True) -> str:
    """A Markdown table that also reads well as it is; with `numbers`, all but the first column to the right."""
    widths = [max(len(line[at]) for line in (head, *lines)) for at in range(len(head))]

    def row(line: Sequence[str]) -> str:
        first, *others = zip(line, widths, strict=True)
        placed = str.rjust if numbers else str.ljust
        padded = [first[0].ljust(first[1]), *(placed(text, width) for text, width in others)]
        return f"| {' | '.join(padded)} |"

    side = ":" if numbers else "-"
    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + side for width in widths[1:])]) + "|"
    return "\n".join([row(head), rule, *(row(line) for line in lines)])


def put(text: str, page: Path) -> None:
    """Replace what stands between the markers of a page. Raises ValueError where they are missing."""
    whole = page.read_text(encoding="utf-8")
    before, begin, rest = whole.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page.name} has no lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")
