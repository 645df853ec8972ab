"""What a run within another one shows in the cell of its node: a line for each of its node runs, and their outputs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from .core.lifecycle import ENDED, Changed, Fact, Kept, NodeRun, RunSoFar, State
from .core.model import Kind, Node, Pipeline
from .records.journal import Journal, Shown
from .records.store import Store

MOST_SHOWN = 100  # node runs whose outputs are shown; of more there is a line


@dataclass(frozen=True, slots=True)
class _Told:
    """A node run that has ended: the line that says so, and where its outputs are (None: nowhere)."""

    node: str
    line: str
    folder: Path | None


class Narrator:
    """Writes the journal of a node run in `folder` while its run goes on. A context: its end waits for what is left."""

    def __init__(self, store: Store, run: str, folder: Path, pipeline: Pipeline, ring: Callable[[], None]) -> None:
        self._store = store
        self._run = run
        self._journal = Journal(folder)
        self._nodes = {node.title: node for node in pipeline.nodes}
        self._ring = ring
        self._news: asyncio.Queue[_Told | None] = asyncio.Queue()
        self._shown: list[tuple[_Told, list[dict[str, Any]]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Narrator:
        self._writing = asyncio.create_task(self._write_all())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._news.put_nowait(None)
        assert self._writing is not None
        await asyncio.wait([self._writing])
        self._journal.close()

    def heard(self, facts: Sequence[Fact], so_far: RunSoFar) -> None:
        """Take in what was recorded; called in the event loop."""
        for fact in facts:
            if (isinstance(fact, Changed) and fact.state in ENDED) or isinstance(fact, Kept):
                run = so_far.node_runs[fact.id]
                kept = isinstance(fact, Kept)
                folder = None if kept or self._nodes[run.node].kind is Kind.DATA else self._folder_of(run)
                self._news.put_nowait(_Told(run.node, _line(run, kept), folder))

    def _folder_of(self, run: NodeRun) -> Path:
        earlier: Mapping[str, Any] | None = run.detail.get("from") if run.state is State.CACHED else None
        if earlier:
            return self._store.attempt_folder(earlier["run"], earlier["node_run"], earlier["attempt"])
        return self._store.attempt_folder(self._run, run.id, max(run.attempt, 1))

    async def _write_all(self) -> None:
        while (told := await self._news.get()) is not None:
            await asyncio.to_thread(self._write, told)
            self._ring()

    def _write(self, told: _Told) -> None:
        self._journal.write(0, {"output_type": "stream", "name": "stdout", "text": f"{told.line}\n"})
        if told.folder and len(self._shown) < MOST_SHOWN:
            shown = Shown(told.folder)
            shown.update()
            outputs = _outputs(shown.outputs)
            self._shown.append((told, outputs))
            for output in outputs:
                self._journal.write(0, output)
        self._journal.flush()

    def write_record(self, path: Path) -> None:
        """Write what was shown as a notebook, a cell with its outputs for each node run."""
        from .executors.record import save
        from .formats.nbformat_import import import_nbformat

        import_nbformat()
        from nbformat import v4

        cells = [
            v4.new_code_cell(  # type: ignore[no-untyped-call]
                _source(self._nodes[told.node], told.line),
                outputs=[v4.new_output(**output) for output in outputs],  # type: ignore[no-untyped-call]
            )
            for told, outputs in self._shown
        ]
        save(v4.new_notebook(cells=cells, metadata={"language_info": {"name": "python"}}), path)  # type: ignore[no-untyped-call]


def _outputs(by_cell: Mapping[int, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The outputs of a node run, those of all its cells, as a notebook holds them."""
    found = [output for cell in sorted(by_cell) for output in by_cell[cell] if output["output_type"] != "clear"]
    return [{key: value for key, value in output.items() if key != "transient"} for output in found]


def _line(run: NodeRun, kept: bool) -> str:
    """`train#2 succeeded after 0.3 s`."""
    words = f"{run.id} {run.state.replace('_', ' ')}"
    if kept:
        return f"{words} before"
    seconds = run.detail.get("duration_s")
    if run.state is State.SUCCEEDED and seconds is not None:
        return f"{words} after {seconds:.1f} s"
    return f"{words}: {run.reason}" if run.reason else words


def _source(node: Node, line: str) -> str:
    return f"# {line}\n{node.source}" if node.kind in (Kind.CELL, Kind.COMMAND) else f"# {line}"
