"""Where the code of a node run stands, and where it failed: the user's own file, the cell, the line in both.

A traceback counts the cells of the notebook that the node executed. They are the shared cells, a cell of parameters,
and the node's own, whose first line is its magic, so that its lines are those of the cell in the user's notebook.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .core.errors import PipelineError, Place
from .core.lifecycle import NodeRun
from .core.model import Kind
from .formats.file_lines import line_in_text, lines_of_cells
from .formats.notebook_file import load_notebook
from .formats.percent import is_percent, lines_of_script, read_percent
from .formats.sources import cell_magic
from .records.follow import Follower
from .records.run_rows import SNAPSHOT
from .view import plain

LARGEST_FILE = 50_000_000  # bytes of one that is searched for lines

# How IPython names a cell of the notebook in a traceback, in its order of execution; older ones give no line there.
_FRAME = re.compile(
    r"^[ ]*(?:(?:Cell|Input) In ?\[(\d+)\](?:, line (\d+))?|<ipython-input-(\d+)-[0-9a-f]+>)", re.MULTILINE
)
_ARROW = re.compile(r"^-+> (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where code stands: the user's file, the 1-based cell and the line in it, and the line of the file.

    Whatever is unknown is None; without a cell, as in YAML, `line` is None too.
    """

    file: Path | None = None
    cell: int | None = None
    line: int | None = None
    file_line: int | None = None

    def words(self) -> str:
        """`flow.ipynb, cell 6, line 11`; empty when nothing is known. Of a script the line is that of the file."""
        line = self.line if self.cell and not is_script(self.file) else self.file_line
        counted = (("cell", self.cell), ("line", line))
        parts = [self.file.name] if self.file else []
        return ", ".join([*parts, *(f"{word} {number}" for word, number in counted if number)])


class Text:
    """The text of a file of the user's, in which cells and pieces of code are looked for."""

    def __init__(self, file: Path | None, text: str) -> None:
        self.file = file
        self._text = text
        self._cells = lines_of_cells(text) if text.lstrip()[:1] == "{" else _cells_of_script(file, text)

    @classmethod
    def of(cls, file: Path, kept: Path | None = None) -> Text:
        """The text of `file`, taken from `kept` where that is a copy of it; empty when it cannot be read."""
        for path in (kept, file):
            try:
                if path and path.stat().st_size <= LARGEST_FILE:
                    return cls(file, path.read_bytes().decode("utf-8-sig", "replace"))
            except OSError:
                continue
        return cls(file, "")

    def origin(self, cell: int | None, line: int | None, source: str = "") -> Origin:
        """Where line `line` of cell `cell` stands; in a text without cells, of the code `source` below a magic line."""
        if self._cells:
            lines = self._cells[cell - 1] if cell and cell <= len(self._cells) else []
            known = line if line and line <= len(lines) else None
            return Origin(self.file, cell, known, lines[(known or 1) - 1] if lines else None)
        start = line_in_text(self._text, source.split("\n")) if source else None
        shift = line - 2 if line else 0
        if start:
            return Origin(self.file, None, None, start + shift)
        return Origin(self.file, cell, line if cell else None)


class Origins:
    """Finds where the code of the node runs of one run stands; each file is read once."""

    def __init__(self, follower: Follower) -> None:
        record = follower.row.record
        self._store = follower.store
        self._nodes: Mapping[str, Mapping[str, Any]] = {node["title"]: node for node in record["pipeline"]["nodes"]}
        self._shared: Sequence[str] = record["pipeline"].get("shared") or ()
        self._folder = Path(record.get("folder") or "")
        self._kept = follower.store.folder / "runs" / follower.row.id / SNAPSHOT
        file = Path(record["file"]) if record.get("file") else None
        self._text = Text.of(file, self._kept) if file else Text(None, "")
        self._others: dict[Path, Text] = {}

    def of(self, run: NodeRun) -> Origin:
        """Where the node run failed, as exactly as its traceback tells; of others, where the node's code begins.

        That is the innermost line of the cell that failed, whatever was called from there.
        """
        node = self._nodes.get(run.node)
        if node is None:
            return Origin(self._text.file)
        within = run.detail.get("nested") or {}
        if within.get("failed"):
            return self._within(str(within["run"]), str(within["failed"])) or self._in_node(node, None)
        at, line = (run.detail.get("error") or {}).get("cell"), failing_line(run)
        if node["kind"] == Kind.NOTEBOOK and node.get("path"):
            return self._other(self._folder / node["path"]).origin(None if at is None else at + 1, line)
        if line and at is not None and at < len(self._shared):
            return self._in_shared(self._shared[at], line)
        return self._in_node(node, line)

    def _within(self, run: str, failed: str) -> Origin | None:
        """Where the node run `failed` of a run within this one failed."""
        follower = Follower(self._store, run, outputs=False)
        follower.update()
        found = follower.so_far.node_runs.get(failed)
        return Origins(follower).of(found) if found else None

    def _in_node(self, node: Mapping[str, Any], line: int | None) -> Origin:
        spot = node.get("code_at") or node.get("defined")
        if spot is None:
            return self._text.origin(node.get("cell"), line, node.get("source") or "")
        shift = line - 2 if line and node.get("code_at") else 0
        return Origin(Path(spot["file"]) if Path(spot["file"]).is_file() else None, None, None, spot["line"] + shift)

    def _in_shared(self, body: str, line: int | None) -> Origin:
        return self._text.origin(_cell_of_shared(self._kept, body), line, body)

    def _other(self, file: Path) -> Text:
        return self._others.setdefault(file, Text.of(file))


def failing_line(run: NodeRun) -> int | None:
    """The line, from 1, of the cell that failed: the innermost one in it, whatever was called from there."""
    frames = list(frames_of(plain("\n".join(map(str, (run.detail.get("error") or {}).get("traceback") or ())))))
    last = max((number for number, _ in frames), default=0)  # the cell that was being executed
    return next((line for number, line in reversed(frames) if number == last), None)


def frames_of(traceback: str) -> Iterator[tuple[int, int | None]]:
    """The frames of an IPython traceback that lie in cells: the number of the cell, as executed, and the line in it."""
    found = list(_FRAME.finditer(traceback))
    for frame, after in zip(found, [*found[1:], None], strict=False):
        line = frame[2]
        if line is None:
            arrow = _ARROW.search(traceback, frame.end(), after.start() if after else len(traceback))
            line = arrow[1] if arrow else None
        yield int(frame[1] or frame[3]), int(line) if line else None


def _cell_of_shared(notebook: Path, body: str) -> int | None:
    """The position of the cell that has this shared code, where there is one alone."""
    try:
        cells = load_notebook(notebook)[0]["cells"]
    except (PipelineError, OSError):
        return None
    found = []
    for position, cell in enumerate(cells, 1):
        cut = cell_magic(cell["source"]) if cell["cell_type"] == "code" else None
        if cut and cut.magic.name == "pipeline_shared" and cut.body == body:
            found.append(position)
    return found[0] if len(found) == 1 else None


def origin_of_place(place: Place) -> Origin:
    """Where a finding stands in its file; without a cell, and in a script, its line is that of the file already."""
    if place.file is None:
        return Origin()
    file = Path(place.file)
    if place.cell is None or is_script(file):
        return Origin(file, place.cell, None, place.line)
    return Text.of(file).origin(place.cell, place.line)


def is_script(file: Path | None) -> bool:
    """Whether a file with cells is a script: who reads it sees the lines of the file, not those of cells."""
    return file is not None and file.suffix == ".py"


def _cells_of_script(file: Path | None, text: str) -> list[list[int]]:
    if not is_script(file) or not is_percent(text):
        return []
    try:
        return lines_of_script(text, read_percent(text, str(file))["cells"])
    except PipelineError:
        return []
