"""A run process in small: runs one cell on one executor; a script for the tests that kill it or run it as others."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nbformat
import nbformat.v4

from dagbook.runner.core.model import Kind
from dagbook.runner.executors.contract import CellStarted, Executor, Job, Needs, Report


def executor_of(name: str, image: str) -> Executor:
    if name == "docker":
        from dagbook.runner.executors.docker import DockerExecutor

        return DockerExecutor(default_image=image)
    from dagbook.runner.executors.process import ProcessExecutor

    return ProcessExecutor(sandbox=name == "sandbox")


def say(what: Any) -> None:
    sys.stdout.write(json.dumps(what, default=str) + "\n")
    sys.stdout.flush()


def report(one: Report) -> None:
    if isinstance(one, CellStarted):
        say("started")


async def main(name: str, image: str, folder: Path, store: str, cell: str) -> None:
    executor = executor_of(name, image)
    runtimes, problems = executor.prepare([Needs("node", Kind.CELL)], lambda line: None)
    say([one.code for one in problems])
    (folder / "output").mkdir(parents=True, exist_ok=True)
    notebook = folder / "source.ipynb"
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])  # type: ignore[no-untyped-call]
    nbformat.write(made, notebook)  # type: ignore[no-untyped-call]
    labels = {"dagbook": store, "dagbook.run": "run1"}
    job = Job(
        id=f"{store}-1", node_run="node1", title="node", kind=Kind.CELL, runtime=runtimes["node"], notebook=notebook,
        record=folder / "notebook.ipynb", output=folder / "output", labels=labels,
    )  # fmt: skip
    outcome = await executor.run(job, report)
    await executor.close()
    say(asdict(outcome))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4], sys.argv[5]))
