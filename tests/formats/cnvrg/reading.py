"""What the tests of cnvrg's files share: reading a text, and small flows made of their tasks."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.formats.cnvrg import read_cnvrg, write_cnvrg
from dagbook.runner.formats.documents import documents_of
from dagbook.runner.formats.imported import Counts, Ledger, Record

HERE = Path(__file__).parent
NOW = datetime(2030, 6, 1, 12, 0)
FLOW = (HERE / "shop.yaml").read_text(encoding="utf-8")
BLUEPRINT = (HERE / "sorting.yaml").read_text(encoding="utf-8")


def read(
    text: str, *, csv_grid: bool = False, strict: bool = False
) -> tuple[list[tuple[Pipeline, Counts]], list[Record]]:
    """What is read, and the records."""
    ledger = Ledger("flow.yaml", strict=strict)
    found = read_cnvrg(documents_of(text, "flow.yaml"), ledger, csv_grid=csv_grid, now=NOW)
    return found, ledger.records


def sound(text: str, *, csv_grid: bool = False) -> Pipeline:
    """The only pipeline of a text without an error in it."""
    found, records = read(text, csv_grid=csv_grid)
    assert [record.problem.describe() for record in records if record.problem.is_error] == []
    ((pipeline, _),) = found
    return pipeline


def write(pipeline: Pipeline) -> str:
    """The pipeline as a file."""
    return write_cnvrg([pipeline], Ledger("flow.yaml"))


def told(text: str, *, csv_grid: bool = False, strict: bool = False) -> list[tuple[str, int | None, str]]:
    """Code, line and path of each record."""
    _, records = read(text, csv_grid=csv_grid, strict=strict)
    return [(record.problem.code, record.problem.place.line, record.path) for record in records]


def task(title: str, *lines: str) -> str:
    """An exec task with a command, and these lines."""
    return "\n".join(
        [f"- title: {title}", *(f"  {line}" for line in ("type: exec", "input: run", "computes: [m]", *lines))]
    )


def flow(*tasks: str, relations: tuple[tuple[str, str], ...] = (), top: tuple[str, ...] = ()) -> str:
    """A flow of these tasks, and relations between them."""
    arrows = "\n".join(f"- {{from: {source}, to: {target}}}" for source, target in relations)
    return "\n".join(["flow: F", *top, "tasks:", *tasks, f"relations:\n{arrows}" if arrows else "relations: []"]) + "\n"


def only_node(*lines: str, csv_grid: bool = False) -> Node:
    """The node of a flow with one exec task that has these lines."""
    (node,) = sound(flow(task("a", *lines)), csv_grid=csv_grid).nodes
    return node
