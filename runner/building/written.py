"""Writing a pipeline that a program has built as a file that commands read."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import PipelineError, problem
from ..core.model import Pipeline
from ..formats.exported import write_as
from ..formats.imported import Ledger
from ..formats.pipeline_file import without_places
from ..saved_text import save_text

_FORMATS = {".yaml": "native", ".yml": "native", ".ipynb": "notebook"}


def write(pipeline: Pipeline, path: Path) -> Path:
    """Write it, whole or not at all. Raises PipelineError (E-USAGE, E-FILE-WRITE)."""
    form = _FORMATS.get(path.suffix)
    if form is None:
        what = f"{path.name} does not say in which format it is to be"
        raise PipelineError(problem("E-USAGE", what=what, hint="Let its name end in .yaml or .ipynb."))
    save_text(path, write_as([without_places(pipeline)], form, Ledger(str(path))))
    return path
