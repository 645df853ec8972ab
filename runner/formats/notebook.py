"""A pipeline notebook, read without executing it: its pipeline magics and its `parameters` cell count, nothing else.

Reading the file is in `notebook_file`, finding magics in `sources`, checking bodies in `checks`; what is made of a
pipeline (the notebooks that nodes execute, outputs put back) is in `node_notebook`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.edge import Edge
from ..core.errors import DagbookError, PipelineError, Place, Problem, problem, raise_errors
from ..core.model import UNNAMED, Defaults, Kind, Node, Pipeline
from ..core.values import Value
from .attachments import check_attachments
from .cells import KINDS, parse_edge, parse_node, parse_pipeline, parse_shared, read_line
from .checks import check_node, check_plain, check_reads, check_shared, shared_names
from .data_globs import data_glob_problems
from .given_grids import given_to
from .given_values import parameters_of
from .magic_table import MAGICS
from .nested import check_nested, inputs_around, is_nested
from .node_notebook import check_notebook_node, node_notebook, save_notebook, write_back
from .notebook_file import Content, in_the_file, language_of, load_notebook, size_problems, text_of_file
from .parameter_cell import Parameter, overridden, read_parameters
from .read_findings import Surroundings
from .sources import Cut, Found, cell_magic, check_body_magics, check_late_cell_magics, magics_in, misplaced, unknown
from .unused_names import unused_parameters, unused_shared
from .whole_pipeline import merged, read_whole

__all__ = ["Definition", "Parameter", "node_notebook", "read_notebook", "save_notebook", "write_back"]


@dataclass(frozen=True, slots=True)
class Definition:
    """What a notebook file defines, and all that is wrong with it.

    `problems` holds errors and warnings in the order of the cells, each with file, cell, line and node as far as
    they are known; `raise_errors` turns the errors into an exception. A node with an error of its line is not in
    `pipeline`; one with an error in its body is. `core.graph.check` judges the pipeline as a whole.
    """

    path: Path
    pipeline: Pipeline
    notebook: Content
    problems: tuple[Problem, ...] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    placed: Mapping[str, int] | None = None  # where nodes stand in `notebook`, if not where they say
    folder: Path | None = None  # what relative paths mean, if not the file's
    text: str | None = None  # what the file held when it was read; of a program None

    @property
    def cells(self) -> Mapping[str, int]:
        """The 1-based position in `notebook` of the cell of each node, by title."""
        if self.placed is not None:
            return self.placed
        return {node.title: node.cell for node in self.pipeline.nodes if node.cell is not None}

    def raise_errors(self) -> list[Problem]:
        """Raise PipelineError with all findings when one is an error; else give the warnings."""
        return raise_errors(self.problems)


def read_notebook(
    path: Path | str,
    parameters: Mapping[str, Value] | None = None,
    project: Path | None = None,
    grids: Sequence[str] = (),
    text: str | None = None,
) -> Definition:
    """Read the pipeline of the notebook at `path`; `parameters` (`-p`) and `grids` take the place of what it says.

    `project` is the folder shown to nodes at /code (None: not shown, and no hints about it). `text` is what the
    notebook holds, where it was fetched.
    All findings are collected. Raises PipelineError only for a file that cannot be read as a notebook
    (E-FILE-MISSING, E-NB-PARSE, E-NB-VERSION).
    """
    path = Path(path)
    sized = size_problems(path) if text is None else []
    held = text_of_file(path) if text is None else text  # once: it may be saved at any moment
    notebook, warnings = load_notebook(path, held)
    reader = _Reader([*sized, *warnings], path.parent)
    for position, cell in enumerate(notebook["cells"], 1):
        reader.read(position, cell)
    reader.check_language(notebook)
    read = reader.pipeline(os.fsencode(path.stem).decode("utf-8", "replace"))
    pipeline, faults = given_to(read, reader.parameters, parameters or {}, grids, path.parent)
    reader.problems += faults
    for position, source in reader.plain:
        reader.problems += check_plain(source, Place(cell=position))
    reader.problems += body_problems(pipeline, path.parent, project)
    reader.problems += unused_parameters(read, reader.parameters, reader.elsewhere())
    reader.problems += unused_shared(pipeline, reader.shared_in)
    reader.problems += check_attachments(pipeline, path.parent)
    place = Place(file=str(path))
    found = in_the_file((one.at(place) for one in reader.problems), path, notebook, held)
    problems = sorted(found, key=_in_cell_order)
    return Definition(path, pipeline, notebook, tuple(problems), reader.parameters, text=held)


def _in_cell_order(found: Problem) -> tuple[int, int]:
    return (found.place.cell or 0, found.place.line or 0)


def body_problems(pipeline: Pipeline, folder: Path, project: Path | None) -> Iterator[Problem]:
    """Findings in the code of the nodes, and in notebooks that are nodes."""
    names, around = shared_names(pipeline.shared), Surroundings(pipeline, inputs_around())
    for node in pipeline.nodes:
        if is_nested(node, folder):
            yield from check_nested(node, folder, around)
        elif node.kind is Kind.NOTEBOOK:
            yield from check_notebook_node(node, folder, around)
        else:
            yield from check_node(node, names, pipeline.defaults, project, pipeline.parameters, around)
    yield from data_glob_problems(pipeline, folder)


def flow_findings(pipeline: Pipeline, folder: Path) -> Iterator[Problem]:
    """What nodes take and do not find around them, and globs over data that match nothing.

    For a pipeline whose bodies were checked one by one, before it was known what comes before them.
    """
    around = Surroundings(pipeline)
    for node in pipeline.nodes:
        if is_nested(node, folder):
            continue
        if node.kind is Kind.NOTEBOOK:
            yield from (one for one in check_notebook_node(node, folder, around) if one.code[1:].startswith("-NO-"))
        else:
            yield from check_reads(node, pipeline.defaults, around)
    yield from data_glob_problems(pipeline, folder)


class _Reader:
    """Goes through the cells once and remembers what they define and what is wrong."""

    def __init__(self, problems: list[Problem], folder: Path) -> None:
        self.problems = problems
        self._folder = folder
        self.wholes: list[Pipeline] = []
        self.nodes: dict[str, Node] = {}  # by slug, in order
        self.edges: list[Edge] = []
        self.shared: list[str] = []
        self.shared_in: list[int] = []  # the positions of their cells
        self.name: str | None = None
        self.defaults = Defaults()
        self.parameters: dict[str, Parameter] = {}
        self._named_in: int | None = None
        self._first_magic: tuple[int, Found] | None = None
        self._tagged: dict[str, int] = {}
        self.plain: list[tuple[int, str]] = []  # cells that define no node, with their positions

    def elsewhere(self) -> list[str]:
        """The texts of the cells that define nothing, not even parameters."""
        return [source for position, source in self.plain if position not in self._tagged.values()]

    def read(self, position: int, cell: Content) -> None:
        """Take one cell in; every fault becomes a problem that carries the cell's position."""
        source: str = cell["source"]
        try:
            if cell["cell_type"] == "markdown":
                _check_markdown(source)
            elif cell["cell_type"] == "code":
                self._read_code(position, cell, source)
        except DagbookError as error:
            self.problems += [one.at(Place(cell=position)) for one in error.problems]

    def _read_code(self, position: int, cell: Content, source: str) -> None:
        self._read_tags(position, cell, source)
        if "%" not in source:
            self.plain.append((position, source))
            return
        cut = cell_magic(source)
        if cut and cut.magic.ours:
            self._read_cell_magic(position, cell["id"], cut)
            return
        check_late_cell_magics(source)
        if cut is None:
            self.plain.append((position, source))
            for found in magics_in(source):
                self._read_line_magic(position, cell["id"], found)

    def _read_tags(self, position: int, cell: Content, source: str) -> None:
        tags = cell["metadata"].get("tags", ())
        for tag in ("parameters", "injected-parameters"):
            if not isinstance(tags, list) or tag not in tags:
                continue
            if tag == "parameters" and tag in self._tagged:
                raise PipelineError(problem("E-PARAMS-DUP", first=self._tagged[tag], second=position))
            self._tagged[tag] = position
            # papermill puts the injected cell below, so what it sets wins simply by coming later
            found = read_parameters(source, Place(cell=position))
            self.parameters |= overridden(self.parameters, found) if tag == "injected-parameters" else found

    def _read_cell_magic(self, position: int, cell_id: str, cut: Cut) -> None:
        found = cut.magic
        if error := unknown(found):
            raise error
        if not MAGICS[found.name].defines:
            return  # it acts, it defines nothing
        self._first_magic = self._first_magic or (position, found)
        check_body_magics(found.typed, cut.body, python=found.name not in ("pipeline_command", "pipeline_yaml"))
        if found.name == "pipeline_shared":
            parse_shared(found.rest)
            self.problems += check_shared(cut.body, Place(cell=position, line=found.line))
            self.shared.append(cut.body)
            self.shared_in.append(position)
        elif found.name == "pipeline_yaml":
            self._take(found.name, found.rest, cut.body, position, cell_id)
        else:
            self._add(parse_node(found.name, found.rest, cut.body, position, cell_id))

    def _read_line_magic(self, position: int, cell_id: str, found: Found) -> None:
        if found.is_help:
            return
        if error := unknown(found):
            raise error
        if found.name not in ("pipeline", "pipeline_edge", "pipeline_import", *KINDS):
            return  # a run magic: it acts, it defines nothing
        if found.typed != f"%{found.name}":
            what = f"%{found.name} is indented, so whether it counts is known only when the cell runs"
            raise misplaced(found, what, "Let it begin its line.")
        self._first_magic = self._first_magic or (position, found)
        try:
            if found.name == "pipeline":
                self._name_pipeline(position, found)
            elif found.name == "pipeline_edge":
                self.edges.append(parse_edge(found.rest, position))
            elif found.name == "pipeline_import":
                self._take(found.name, found.rest, "", position, cell_id)
            else:
                self._add(parse_node(found.name, found.rest, "", position, cell_id))
        except PipelineError as error:
            at = Place(cell=position, line=found.line)
            raise PipelineError(*(Problem(p.code, p.message, p.hint, at) for p in error.problems)) from None

    def _name_pipeline(self, position: int, found: Found) -> None:
        given = read_line("pipeline", found.rest).given
        if given and set(given) <= {"forget", "reset"}:
            return  # these tidy a live notebook up; a file holds only the cells that are there
        if self._named_in is not None:
            what = f"%pipeline stands in cell {self._named_in} already"
            raise misplaced(found, what, "Keep one %pipeline line in the notebook.")
        name, defaults = parse_pipeline(found.rest)
        self.name, self.defaults, self._named_in = name, defaults, position

    def _take(self, magic: str, line: str, body: str, position: int, cell_id: str) -> None:
        """Take in a whole pipeline: its nodes as if each had a cell of its own, the rest when all is read."""
        pipeline, warnings = read_whole(magic, line, body, self._folder, position, cell_id)
        self.problems += warnings
        for node in pipeline.nodes:
            self._add(node)
        self.wholes.append(pipeline)
        self.parameters |= parameters_of(pipeline)

    def _add(self, node: Node) -> None:
        """Keep `node`, unless an earlier cell has its title or its folder."""
        other = self.nodes.setdefault(node.slug, node)
        if other is not node:
            raise PipelineError(name_clash(node, other))

    def check_language(self, notebook: Content) -> None:
        """E-NB-KERNEL when the notebook has our magics and a kernel that knows no IPython magics."""
        language = language_of(notebook)
        if self._first_magic is None or language in ("python", "ipython", "python3", ""):
            return
        position, found = self._first_magic
        what = f"the notebook's kernel speaks {language}, and {found.typed} is a magic of the Python kernel"
        hint = "Choose a Python kernel for the notebook; a node takes another with --kernel (for instance --kernel ir)."
        self.problems.append(problem("E-NB-KERNEL", Place(cell=position, line=found.line), what=what, hint=hint))

    def pipeline(self, stem: str) -> Pipeline:
        """The pipeline that was read; without a %pipeline name it is called after the file."""
        said: dict[str, Any] = {"name": self.name} if self.name else {}
        if self._named_in is not None:
            said["defaults"] = self.defaults
        own = Pipeline(
            nodes=tuple(self.nodes.values()),
            shared=tuple(self.shared),
            parameters={name: one.value for name, one in self.parameters.items() if one.plain},
            edges=tuple(self.edges),
            **said,
        )
        made = merged(self.wholes, own)
        named = self.name or any(one.name != UNNAMED for one in self.wholes)
        return made if named else made.model_copy(update={"name": stem})


def name_clash(node: Node, other: Node) -> Problem:
    """E-NODE-DUP or E-NAME-COLLIDES for `node`, whose folder `other` has already; both cells are named."""
    where = f"in cell {other.cell}" if other.cell else "in another cell"
    place = Place(cell=node.cell, line=1, node=node.title)
    if other.title == node.title:
        return problem("E-NODE-DUP", place, title=node.title, other=where)
    found = problem("E-NAME-COLLIDES", place, title=node.title, other=other.title, slug=node.slug)
    return Problem(found.code, f"{found.message} (the other one is {where})", found.hint, found.place)


def _check_markdown(source: str) -> None:
    lines = [line for line in source.splitlines() if line.strip()]
    if not lines or not lines[0].startswith("%"):
        return
    for found in magics_in(lines[0]):
        error = unknown(found)
        what = f"{found.typed} stands in a Markdown cell, where it does nothing"
        raise error or misplaced(found, what, "Make it a code cell (in JupyterLab: Esc, then Y).")
