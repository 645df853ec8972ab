"""A pipeline that stands in a file, to be built on."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import raise_errors
from ..formats.pipeline_file import read_definition, without_places
from ..handles.callers import told_at_the_call
from .pipeline import Pipeline, of_model


@told_at_the_call
def read(path: Path | str, *, pipeline: str | None = None) -> Pipeline:
    """The pipeline that a file defines: a notebook, a script of cells, YAML of any system, a program.

        flow = dagbook.read("train.ipynb")
        flow.node("Report", make_report, after="Train")
        flow.run(epochs=5)

    Nothing is executed, but for a program (`.py`). `pipeline` names one of several in the file; relative paths are
    meant from its folder. Raises PipelineError with all that is wrong with the file.
    """
    file = Path(path).absolute()
    definition = read_definition(Path(path), pipeline=pipeline)
    raise_errors(definition.problems)
    return of_model(without_places(definition.pipeline), file.parent, file)
