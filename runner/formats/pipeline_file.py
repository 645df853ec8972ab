"""A file that defines a pipeline: a notebook, dagbook's own YAML, or a file of another system."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..core.errors import PipelineError, Place, Problem, problem
from ..core.model import WHERE, Pipeline
from ..core.values import Value
from .attachments import check_attachments
from .documents import text_of
from .given_grids import given_to
from .given_values import parameters_of
from .imported import Imported
from .nearby import file_meant
from .notebook import Definition, body_problems, read_notebook
from .percent import is_percent
from .pipeline_notebook import notebook_of
from .python_program import is_program, read_program
from .recognised import AS_USUAL, Wishes, as_findings, chosen, name_from, read_pipelines
from .unused_names import unused_parameters

TEXTS = (".yaml", ".yml", ".json")
_CELLS = re.compile(rb'\A\s*\{.*?"(?:cells|nbformat|worksheets)"\s*:', re.DOTALL)
_IN_SUM = {"W-KEPT", "W-CHANGED", "W-KEY-UNKNOWN", "W-LATEST"}  # told one by one by `dagbook import`
_FIRST = 4096  # bytes in which a notebook that is called otherwise shows itself


def read_definition(
    path: Path,
    parameters: Mapping[str, Value] | None = None,
    project: Path | None = None,
    *,
    pipeline: str | None = None,
    wishes: Wishes = AS_USUAL,
    text: str | None = None,
    grids: Sequence[str] = (),
) -> Definition:
    """The pipeline that the file at `path` defines. Nothing is executed, but for a program (`python_program`).

    `parameters` (`-p`) and `grids` (`--grid`) take the place of what it says; `project` is the folder that nodes see
    at /code; `pipeline` names one of several in the file; `text` is what the file holds, where it was fetched.
    Raises PipelineError for a file that cannot be read; other faults are in `problems`.
    """
    if is_notebook(path, text):
        return read_notebook(path, parameters, project, grids, text)
    if text is None and is_program(path):
        built = read_program(path, parameters or {}, pipeline)
        return _definition(path, built.pipeline, built.folder, built.folder, parameters, grids)
    known = read_text_file(path) if text is None else text
    imported = read_pipelines(known, str(path), replace(wishes, name=name_from(path.name), folder=path.parent))
    made = chosen(imported, pipeline, path.name)
    found = _definition(path, made, path.parent, project, parameters, grids)
    return replace(found, problems=(*_told(imported, path), *found.problems), text=known)


def _definition(
    path: Path,
    made: Pipeline,
    folder: Path,
    project: Path | None,
    parameters: Mapping[str, Value] | None,
    grids: Sequence[str],
) -> Definition:
    """What a file that is no notebook defines, with values and axes that were given from outside."""
    known = parameters_of(made)
    read, (made, faults) = made, given_to(made, known, parameters or {}, grids, folder)
    notebook, placed = notebook_of(made)
    cells = {node.title: node.cell for node in placed.nodes if node.cell is not None}
    found = [*faults, *body_problems(made, folder, project), *check_attachments(made, folder)]
    if not any(node.dialect or node.defined for node in made.nodes):  # a program may use its parameters itself
        found += unused_parameters(read, known)
    problems = tuple(one.at(Place(file=str(path))) for one in found)
    return Definition(path, made, notebook, problems, known, cells, folder)


def _told(imported: Imported, path: Path) -> list[Problem]:
    """The records as findings; of what was only kept, or understood in another way, the number."""
    found = as_findings(imported.records)
    kept = [one for one in found if one.code in _IN_SUM]
    if len(kept) < 2:
        return found
    summed = problem("W-IMPORT", Place(file=str(path)), count=len(kept), file=path.name)
    return [*(one for one in found if one.code not in _IN_SUM), summed]


def read_text_file(path: Path) -> str:
    """The text of a pipeline file. Raises PipelineError (E-FILE-MISSING, E-YAML-SIZE, E-YAML-SYNTAX)."""
    if not path.is_file():
        raise PipelineError(problem("E-FILE-MISSING", Place(file=str(path)), file=str(path), hint=file_meant(path)))
    try:
        return text_of(path.read_bytes(), str(path))
    except OSError as error:
        hint = error.strerror or str(error)
        raise PipelineError(problem("E-FILE-MISSING", Place(file=str(path)), file=str(path), hint=hint)) from None


def is_notebook(path: Path, text: str | None = None) -> bool:
    """Whether the file is read as a notebook: by its ending, else by how it begins; `text` is what it holds, if known.

    A program that was fetched is none, and is not executed either.
    """
    if text is not None:
        script = path.suffix == ".py" and is_percent(text)
        return path.suffix == ".ipynb" or script or bool(_CELLS.match(text[:_FIRST].encode()))
    if path.suffix == ".py":
        return not is_program(path)
    if path.suffix == ".ipynb" or (path.suffix not in TEXTS and not path.is_file()):
        return True
    try:
        with path.open("rb") as file:
            return bool(_CELLS.match(file.read(_FIRST)))
    except OSError:
        return False


def without_places(pipeline: Pipeline) -> Pipeline:
    """The pipeline without where in a notebook its nodes stood."""
    nodes = (node.model_copy(update=dict.fromkeys(WHERE)) for node in pipeline.nodes)
    return pipeline.model_copy(update={"nodes": tuple(nodes)})
