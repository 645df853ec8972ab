"""Doing what a page says, in a folder of its own, and comparing what is printed with what it says."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from .reading import PIPELINE, Cell, File, Step, Typed

# What differs from run to run, and what it counts as.
_VARYING = (
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "DATE"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s|min|h)\b"), "TIME"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8}\b"), "RUN"),
    (re.compile(r"[─━]{2,}"), "──"),
    (re.compile(r"\s+"), " "),
)
_ANYTHING = "…"
_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


@dataclass
class Reader:
    """Somebody who does what a page says, in `folder`, which is theirs."""

    folder: Path
    env: Mapping[str, str]
    code: int = 0  # of the last command
    printed: str = ""  # by the last command

    def do(self, step: Step) -> None:
        """Do one step; what is printed must be what the page says, and a failure must be told there."""
        if isinstance(step, File):
            path = self.folder / step.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
        elif isinstance(step, Cell):
            self._put(step)
        else:
            self._type(step)

    def end(self) -> None:
        """The page is over: nothing may have failed that it does not tell."""
        assert self.code == 0, f"the page does not tell that this ends with {self.code}:\n{self.printed}"

    def _put(self, cell: Cell) -> None:
        path = self.folder / cell.notebook
        notebook = _notebook(path, pipeline=cell.notebook == PIPELINE or cell.source.startswith("%"))
        new: NotebookNode = new_code_cell(cell.source, metadata={"tags": list(cell.tags)} if cell.tags else {})  # type: ignore[no-untyped-call]
        same = [at for at, one in enumerate(notebook.cells) if _defines(one) == _defines(new)]
        if same and _defines(new):
            notebook.cells[same[0]] = new
        elif cell.source != "%load_ext dagbook":  # it is there already
            notebook.cells.append(new)
        nbformat.write(notebook, path)  # type: ignore[no-untyped-call]

    def _type(self, typed: Typed) -> None:
        if typed.command != "echo $?":
            self.end()
        done = subprocess.run(
            ["bash", "-c", f"(exit {self.code})\n{typed.command}"],
            cwd=self.folder,
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        self.code, self.printed = done.returncode, done.stdout.replace(f"{self.folder}/", "")
        if typed.printed:
            compare(typed.printed, self.printed.splitlines(), typed.command)


def _notebook(path: Path, pipeline: bool) -> NotebookNode:
    if path.exists():
        found: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        return found
    first = [new_code_cell("%load_ext dagbook")] if pipeline else []  # type: ignore[no-untyped-call]
    made: NotebookNode = new_notebook(cells=first, metadata={"kernelspec": _KERNEL})  # type: ignore[no-untyped-call]
    return made


def _defines(cell: NotebookNode) -> str:
    """What a cell defines, so that another version of it can take its place: a node by its title, or the parameters."""
    if "parameters" in cell.metadata.get("tags", []):
        return "the parameters"
    found = re.match(r'%+pipeline_(?:node|command|notebook|data) ("[^"]+"|\S+)', cell.source)
    return found[1].strip('"') if found else ""


def compare(told: Iterable[str], printed: Iterable[str], command: str) -> None:
    """Each line that is told must be printed, and each that is printed told, unless a line `…` leaves some out.

    The order is not compared, as nodes run side by side; nor are times, ids of runs and the width of columns. In a
    line, `…` stands for anything.
    """
    wanted = [_alike(line) for line in told if line.strip()]
    left = [_alike(line) for line in printed if line.strip()]
    everything, lost = list(left), []
    for line in wanted:
        if line == _ANYTHING:
            continue
        pattern = re.escape(line).replace(_ANYTHING, ".*")
        found = next((one for one in left if re.fullmatch(pattern, one)), None)
        lost += [line] if found is None else []
        left.remove(found) if found is not None else None
    surplus = [] if _ANYTHING in wanted else left
    shown = "\n".join(everything)
    assert not lost, f"$ {command}\ndoes not print\n  " + "\n  ".join(lost) + f"\nbut\n{shown}"
    assert not surplus, f"$ {command}\nalso prints\n  " + "\n  ".join(surplus)


def _alike(line: str) -> str:
    for pattern, name in _VARYING:
        line = pattern.sub(name, line)
    return line.strip()
