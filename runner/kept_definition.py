"""The definition that a run keeps of its beginning: its notebook as it was, whatever became of the file since."""

from __future__ import annotations

from pathlib import Path

from .core.errors import PipelineError, Problem, problem
from .core.model import Pipeline
from .core.nested import as_written, bound_text, source_of
from .formats.commands import as_seen
from .formats.notebook import Definition, read_notebook
from .formats.pipeline_file import is_notebook
from .formats.pipeline_notebook import notebook_of
from .records.run_rows import SNAPSHOT
from .records.store import RunRow, Store


def definition_of(store: Store, row: RunRow) -> Definition:
    """The notebook of a run as it was when the run began.

    Of a file that was no notebook it is the one that its pipeline makes.
    Raises PipelineError (E-FILE-MISSING) where it was not known, as a batch runner does not tell it to the kernel.
    """
    kept = store.folder / "runs" / row.id / SNAPSHOT
    if not kept.exists():
        hint = "The run was started by a notebook's kernel that did not know its file. Leave -o out."
        raise PipelineError(problem("E-FILE-MISSING", file=f"the notebook of run {row.id}", hint=hint))
    file = Path(row.record["file"] or kept)
    text = kept.read_text("utf-8-sig", "replace")
    if is_notebook(file, text):
        return read_notebook(kept)
    notebook, pipeline = notebook_of(as_written(Pipeline.model_validate(row.record["pipeline"])))
    return Definition(file, pipeline, notebook)


def changed_since(store: Store, row: RunRow) -> list[Problem]:
    """W-RESUME-OLD where the nodes of the run's notebook are others now, or otherwise, than when the run began.

    Nothing where that cannot be told: the file has gone or has mistakes, is a program, or was not known.
    """
    kept, file = store.folder / "runs" / row.id / SNAPSHOT, Path(row.record.get("file") or "")
    try:
        if not is_notebook(file, file.read_text("utf-8-sig", "replace")) or _words_of(kept) == _words_of(file):
            return []
    except (PipelineError, OSError):
        return []
    return [problem("W-RESUME-OLD", file=as_seen(file), run=row.id)]


def _words_of(notebook: Path) -> str:
    """What the notebook says of its nodes, wherever in it they stand."""
    return bound_text(source_of(read_notebook(notebook).pipeline.model_copy(update={"name": ""})))
