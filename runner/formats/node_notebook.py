"""The notebooks made of a pipeline: the one that a node executes, and the user's own with outputs in it."""

from __future__ import annotations

import copy
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import PipelineError, Place, Problem, nearest, problem
from ..core.model import Kind, Node, Pipeline
from .checks import check_code
from .nbformat_import import import_nbformat
from .notebook_file import (
    Content,
    as_node,
    in_the_file,
    kernelspec,
    language_of,
    language_of_kernel,
    load_notebook,
    save_notebook,
)
from .parameter_cell import Parameter, read_parameters
from .parameter_faults import ill_typed
from .python_code import read_code
from .read_findings import Surroundings
from .reads import Meaning, meaning_of, reads_in_code
from .sources import cell_magic

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["check_notebook_node", "node_notebook", "save_notebook", "write_back"]

_COMMENT = {"javascript": "//", "scala": "//", "java": "//", "rust": "//", "c++": "//", "go": "//", "sql": "--",
            "haskell": "--", "clojure": ";", "matlab": "%"}  # fmt: skip
_SPELLED = {"r": "R"}  # papermill and kernelspecs write it so


def node_notebook(
    pipeline: Pipeline, node: Node, folder: Path | None = None, kernel: str | None = None, language: str | None = None
) -> NotebookNode:
    """The notebook that papermill executes for a node of a cell, or of a notebook (looked up in `folder`).

    For a cell: the shared cells (unless its kernel speaks another language), a place for the injected parameters,
    the node's own cell. Code begins with its magic line as a comment, so that the line numbers of a traceback are
    those of the user's cell. `kernel` and `language` fill the kernelspec; without them the node, the pipeline's
    defaults and python3 decide. `metadata.dagbook` tells the node's title and `heading`, how many cells come before
    its own.
    Raises PipelineError for a notebook node whose file cannot be read.
    """
    import_nbformat()
    if node.kind is Kind.NOTEBOOK:
        return _whole_notebook(node, folder or Path(), kernel, language)
    name = kernel or node.kernel or pipeline.defaults.kernel or "python3"
    spoken = language or language_of_kernel(name)
    # Shared code is Python, as the notebook is; a node in another language starts without it.
    shared = pipeline.shared if spoken.lower() == pipeline.language else ()
    cells = [
        _code_cell(_below("%%pipeline_shared", body, spoken), f"shared-{number}")
        for number, body in enumerate(shared, 1)
    ]
    if placeholder := _parameters_of(pipeline, node):
        # papermill replaces the cell tagged `injected-parameters` where it stands; of the one tagged `parameters` it
        # takes the known names. Without both it would inject on top, before the shared code that may set defaults.
        cells.append(_code_cell(placeholder, "parameters", ("parameters", "injected-parameters")))
    heading = len(cells)
    line = f"%%pipeline_node {shlex.quote(node.title)}"
    cells.append(_code_cell(_below(line, node.source, spoken), _cell_id(node)))
    return _notebook(cells, _metadata(node, heading, name, spoken))


def _code_cell(source: str, name: str, tags: Sequence[str] = ()) -> NotebookNode:
    from nbformat.v4 import new_code_cell

    metadata = {"tags": list(tags)} if tags else {}
    return new_code_cell(source, id=name, metadata=metadata)  # type: ignore[no-any-return, no-untyped-call]


def _notebook(cells: list[NotebookNode], metadata: dict[str, Any]) -> NotebookNode:
    from nbformat.v4 import new_notebook

    return new_notebook(cells=cells, metadata=metadata)  # type: ignore[no-any-return, no-untyped-call]


def _below(magic_line: str, body: str, language: str) -> str:
    return f"{_COMMENT.get(language.lower(), '#')} {magic_line}\n{body}".rstrip("\n")


def _cell_id(node: Node) -> str:
    name = node.cell_id or ""
    taken = name.startswith("shared-") or name == "parameters"
    ok = 0 < len(name) <= 64 and all(c.isascii() and (c.isalnum() or c in "-_") for c in name)
    return name if ok and not taken else "node"


def _parameters_of(pipeline: Pipeline, node: Node) -> str:
    """A line per parameter that the node will be given, whose values papermill replaces."""
    names = dict.fromkeys([*node.uses, *pipeline.parameters_of(node), *node.grid])
    return "\n".join(f"{name} = None" for name in names)


def _metadata(node: Node, heading: int, kernel: str, language: str) -> dict[str, Any]:
    language = _SPELLED.get(language.lower(), language)
    return {
        "kernelspec": kernelspec(kernel, language),
        "language_info": {"name": language},
        "dagbook": {"node": node.title, "heading": heading},
    }


def _whole_notebook(node: Node, folder: Path, kernel: str | None, language: str | None) -> NotebookNode:
    content, _ = load_notebook(folder / (node.path or ""))
    notebook = as_node(content)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    name = kernel or node.kernel
    if name:
        spoken = language or language_of_kernel(name)
        notebook.metadata.update(_metadata(node, 0, name, spoken))
    notebook.metadata.setdefault("language_info", {"name": notebook.metadata.kernelspec.get("language", "python")})
    notebook.metadata["dagbook"] = {"node": node.title, "heading": 0}
    return notebook


def check_notebook_node(node: Node, folder: Path, around: Surroundings | None = None) -> list[Problem]:
    """Findings in the notebook that is a node: the file's own (E-NB-*), E-SYNTAX, E-STDIN, E-PARAMS-DUP, and
    E-PARAM-UNKNOWN and E-PARAM-TYPE for what its `parameters` cell does not have or take; with `around` also what it
    takes and does not find there. Each names that file and its cell."""
    path = folder / (node.path or "")
    file = str(path)
    try:
        notebook, found = load_notebook(path)
    except PipelineError as error:  # the place is the cell that names the file; the message has the file
        return [Problem(one.code, one.message, one.hint, node.place) for one in error.problems]
    found = [one for one in found if one.code != "W-NB-REPAIRED"]
    return in_the_file([*found, *_findings(node, notebook, file, around)], path, notebook)


def _findings(node: Node, notebook: Content, file: str, around: Surroundings | None) -> list[Problem]:
    found: list[Problem] = []
    if language_of(notebook) in ("python", "ipython", "python3", ""):
        found += _code_findings(node, notebook, file, around)
        found += _parameter_findings(node, notebook, file)
    return found


def _code_findings(node: Node, notebook: Content, file: str, around: Surroundings | None) -> Iterator[Problem]:
    meaning = Meaning()
    for position, cell in enumerate(notebook["cells"], 1):
        if cell["cell_type"] != "code" or cell_magic(cell["source"]):
            continue
        place = Place(file, position, 0, node.title)
        try:
            code = read_code(cell["source"], place)
        except PipelineError as error:
            yield from error.problems
            continue
        yield from check_code(code, place)
        if around:
            yield from around.findings(node, reads_in_code(code, meaning), place)
            meaning = meaning_of(code, meaning)


def parameters_in(node: Node, folder: Path) -> dict[str, Parameter]:
    """What the `parameters` cell of a notebook that is a node says; empty for other nodes, and without such a cell."""
    if node.kind is not Kind.NOTEBOOK:
        return {}
    try:
        notebook, _ = load_notebook(folder / (node.path or ""))
        return _tagged(notebook, str(folder / (node.path or "")))[1]
    except PipelineError:  # what is wrong with it is told where it is checked
        return {}


def _tagged(notebook: Content, file: str) -> tuple[list[int], dict[str, Parameter]]:
    """Where the cells tagged `parameters` stand, and what they say. Raises PipelineError (E-SYNTAX, E-PARAM-NAME)."""
    known: dict[str, Parameter] = {}
    positions: list[int] = []
    for position, cell in enumerate(notebook["cells"], 1):
        tags = cell["metadata"].get("tags", ())
        if cell["cell_type"] == "code" and isinstance(tags, list) and "parameters" in tags:
            positions.append(position)
            known |= read_parameters(cell["source"], Place(file, position))
    return positions, known


def _parameter_findings(node: Node, notebook: Content, file: str) -> list[Problem]:
    try:
        tagged, known = _tagged(notebook, file)
    except PipelineError:
        return []  # its syntax was told already
    if len(tagged) > 1:
        place = Place(file, tagged[1], None, node.title)
        return [problem("E-PARAMS-DUP", place, first=tagged[0], second=tagged[1])]
    if not tagged:
        return []
    asked = dict.fromkeys([*node.params, *node.uses, *node.grid])
    found = [
        problem("E-PARAM-UNKNOWN", node.place, name=name, nearest=nearest(name, known))
        for name in asked
        if name not in known
    ]
    values = [*node.params.items(), *((name, one) for name, axis in node.grid.items() for one in axis)]
    faults = (ill_typed(known[name], value) for name, value in values if name in known)
    return found + [replace(fault, place=node.place) for fault in faults if fault]


def write_back(
    notebook: Content,
    outputs: Mapping[int, Sequence[Mapping[str, Any]]],
    metadata: Mapping[str, Any] | None = None,
    cell_metadata: Mapping[int, Mapping[str, Any]] | None = None,
) -> Content:
    """A copy of the pipeline notebook with outputs put into its cells, for `-o OUT.ipynb`; the original is not touched.

    `outputs` holds lists of nbformat outputs by the 1-based position of the defining cell; `metadata` goes to
    `metadata.dagbook` of the notebook, `cell_metadata` (tags, metrics, state, by position) to that of the cells.
    """
    extra = cell_metadata or {}
    filled = copy.copy(notebook)
    filled["metadata"] = copy.deepcopy(notebook["metadata"])
    if metadata is not None:
        filled["metadata"]["dagbook"] = copy.deepcopy(dict(metadata))
    filled["cells"] = [
        _filled(cell, outputs.get(position), extra.get(position)) if position in outputs or position in extra else cell
        for position, cell in enumerate(notebook["cells"], 1)
    ]
    return filled


def _filled(cell: Content, outputs: Sequence[Mapping[str, Any]] | None, metadata: Mapping[str, Any] | None) -> Content:
    changed = copy.deepcopy(cell)
    if outputs is not None:
        # `transient` belongs to messages, and a notebook that holds it is not valid
        kept = [{key: value for key, value in output.items() if key != "transient"} for output in outputs]
        changed["outputs"] = copy.deepcopy(kept)
        changed["execution_count"] = None
    if metadata is not None:
        changed["metadata"]["dagbook"] = copy.deepcopy(dict(metadata))
    return changed
