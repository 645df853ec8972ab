"""Reading and writing in tests of Valohai's formats."""

from __future__ import annotations

from pathlib import Path

from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.formats.documents import documents_of
from dagbook.runner.formats.imported import Counts, Ledger
from dagbook.runner.formats.valohai import is_valohai, read_valohai, write_valohai, write_valohai_api

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "data"
FILE = "valohai.yaml"
STEP = "- step: {name: s, image: 'python:3.12', command: run, parameters: [{name: p}], inputs: [{name: i}]}\n"


def read(text: str, *, strict: bool = False) -> tuple[list[tuple[Pipeline, Counts]], Ledger]:
    """What a text holds, and what was taken down."""
    ledger = Ledger(FILE, strict=strict)
    documents = documents_of(text, FILE)
    assert is_valohai(documents)
    return read_valohai(documents, ledger), ledger


def sound(text: str) -> list[Pipeline]:
    """The pipelines of a text without errors."""
    found, ledger = read(text)
    assert not ledger.failed, [record.problem.describe() for record in ledger.records]
    return [pipeline for pipeline, _ in found]


def codes(text: str) -> list[str]:
    """The codes of all that was taken down."""
    return [record.problem.code for record in read(text)[1].records]


def told(text: str) -> str:
    """Everything that was taken down, as people read it."""
    return "\n".join(f"{one.path}: {one.problem.describe()} ({one.done})" for one in read(text)[1].records)


def written(pipelines: list[Pipeline]) -> str:
    """The text of a valohai.yaml of these pipelines."""
    return write_valohai(pipelines, Ledger(FILE))


def call(pipeline: Pipeline) -> str:
    """The body of the API call that creates a pipeline."""
    return write_valohai_api([pipeline], Ledger(FILE))


def kitchen() -> str:
    """A file with most of what there is."""
    return (HERE / "kitchen.yaml").read_text(encoding="utf-8")


def node(step: str = "", **lines: str) -> Node:
    """The node of a step with these lines (`key=YAML`), standing alone."""
    said = "".join(f"    {key.replace('_', '-')}: {value}\n" for key, value in lines.items())
    text = f"- step:\n    name: s\n    image: python:3.12\n{said}" + (
        "" if "command" in lines else "    command: run\n"
    )
    return sound(text + step)[0].nodes[0]
