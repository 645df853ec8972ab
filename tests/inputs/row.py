"""An input that is wrong, what has to be said of it, and the trial: it is told, and nothing is begun or kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from dagbook.runner.cli import main
from dagbook.runner.core.catalogue import CATALOGUE
from tests.formats.notebooks import write

LONGEST = 3000  # characters of a message; who reads it is no machine


@dataclass(frozen=True, slots=True)
class Row:
    """A wrong input: `files` (and `cells` as flow.ipynb), of which `file` is asked for.

    `code` is told at `place` (what is known of `cell`, `line`, `column`, `node`) with `says` in its message and `fix`
    in its hint (in the message where it has none). A code that begins with W- is told, and stops nothing.
    `typed` stands behind the file in each call.
    """

    name: str
    code: str
    says: str
    fix: str
    place: Mapping[str, Any] = field(default_factory=dict)
    cells: tuple[Any, ...] = ()
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    file: str = "flow.ipynb"
    typed: tuple[str, ...] = ()
    of: str = ""  # the file that the finding is in, where it is another one
    of_machine: bool = False  # a plan tells nothing of it

    def __str__(self) -> str:
        return self.name


def at(cell: int | None = None, line: int | None = None, column: int | None = None, node: str = "") -> dict[str, Any]:
    """A place in a file, as far as it has to be told."""
    known = {"cell": cell, "line": line, "column": column, "node": node or None}
    return {name: value for name, value in known.items() if value is not None}


def in_cells(name: str, code: str, *cells: Any, says: str, fix: str, **place: Any) -> Row:
    """A row that is a notebook of these cells."""
    return Row(name, code, says, fix, at(**place), cells)


def in_text(name: str, code: str, text: str | bytes, *, says: str, fix: str, file: str = "p.yaml", **place: Any) -> Row:
    """A row that is the text of one file."""
    return Row(name, code, says, fix, at(**place), files={file: text}, file=file)


def lay_out(row: Row, folder: Path) -> None:
    """Put the row's files into `folder`."""
    if row.cells:
        write(folder / "flow.ipynb", *row.cells)
    for name, text in row.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))


def call(*words: str) -> Result:
    """A call of the command line in this process; an exception of ours that gets out of it fails the test."""
    result = CliRunner().invoke(main, list(words), prog_name="dagbook")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Traceback" not in result.output
    return result


def told(row: Row) -> list[dict[str, Any]]:
    """All that `check` finds; of another system's file all that `import` records, which `check` only counts."""
    foreign = row.code.startswith("W-") and not row.cells
    result = call("import" if foreign else "check", row.file, "--json", *row.typed)
    said = json.loads(result.stdout)
    found: list[dict[str, Any]] = said["records"] if foreign else [one for kind in said.values() for one in kind]
    assert {one["code"] for one in found} <= set(CATALOGUE)
    errors = any(one["code"].startswith("E-") for one in found)
    assert result.exit_code == (2 if errors else 0)
    return found


def try_row(row: Row, folder: Path) -> None:
    """Check, plan and run the row's file in `folder`: the finding is as it has to be, and nothing was begun or kept."""
    lay_out(row, folder)
    before = sorted(str(path) for path in folder.rglob("*"))
    found = told(row)
    mine = [one for one in found if one["code"] == row.code]
    assert mine, f"{row.code} was not told, but {json.dumps(found, indent=1)}"
    best = max(mine, key=lambda one: (row.says in one["message"], row.fix in one["hint"]))
    assert row.says in best["message"], json.dumps(found, indent=1)
    assert row.fix in best["hint"] or (not best["hint"] and row.fix in best["message"]), json.dumps(found, indent=1)
    assert best["hint"] or row.fix, "no word of what to do"
    assert len(best["message"]) < LONGEST or row.code == "E-CYCLE", f"{len(best['message'])} characters"
    assert {name: best[name] for name in row.place} == dict(row.place), json.dumps(found, indent=1)
    assert best["file"] is not None
    assert Path(best["file"]).name == Path(row.of or row.file).name
    if row.code.startswith("E-"):
        call("graph", row.file)  # which draws what can be drawn
        for command in ("run",) if row.of_machine else ("plan", "run"):
            ended = call(command, row.file, "--executor", "process", *row.typed)
            assert ended.exit_code == 2, f"{command}: {ended.output}"
            assert row.code in ended.output
    assert sorted(str(path) for path in folder.rglob("*")) == before, "something was kept"
