"""A node whose notebook, or file, is a pipeline itself: read, judged, and put into the node that it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.check import check
from ..core.consequences import without_consequences
from ..core.errors import PipelineError, Place, Problem, nearest, problem, raise_errors
from ..core.model import Kind, Node, Pipeline
from ..core.nested import DEEPEST, source_of
from ..core.values import Value
from .cells import KINDS
from .notebook_file import in_the_file, load_notebook, notebook_text
from .notebook_glance import is_pipeline_notebook
from .python_program import is_program
from .read_findings import Surroundings
from .sources import cell_magic, magics_in

if TYPE_CHECKING:
    from .notebook import Definition

_DEFINING = {*KINDS, "pipeline_yaml", "pipeline_import"}
_FILES = (".yaml", ".yml", ".json")
_around: ContextVar[tuple[Path, ...]] = ContextVar("around", default=())  # the files that are being read, within others
_inputs: ContextVar[frozenset[str]] = ContextVar("inputs", default=frozenset())  # what is below /input around these


def is_pipeline(path: Path) -> bool:
    """Whether a file that is a node is a pipeline: a notebook that defines nodes, or a file of any other kind.

    A notebook that cannot be read is none; what is wrong with it is told where it is checked.
    """
    if path.suffix in _FILES or is_program(path):
        return True
    if not is_pipeline_notebook(path):
        return False
    try:
        notebook, _ = load_notebook(path)
    except PipelineError:
        return False
    return any(cell["cell_type"] == "code" and _defines(cell["source"]) for cell in notebook["cells"])


def _defines(source: str) -> bool:
    """Whether a cell defines a node, or a whole pipeline."""
    if cut := cell_magic(source):
        return cut.magic.name in _DEFINING
    return any(found.name in _DEFINING and not found.is_help for found in magics_in(source))


def is_nested(node: Node, folder: Path) -> bool:
    """Whether the node of a pipeline in `folder` is a pipeline itself."""
    if node.kind is Kind.PIPELINE:
        return True
    return node.kind is Kind.NOTEBOOK and bool(node.path) and is_pipeline(folder / str(node.path))


def with_nested(pipeline: Pipeline, folder: Path) -> Pipeline:
    """The pipeline with each node that is a pipeline as such: all of it, and of what is within it, is in the node.

    So what is planned, approved and recorded is what runs, whatever becomes of the files.
    Raises PipelineError with all that is wrong in them.
    """
    around = Surroundings(pipeline, inputs_around())
    nodes = tuple(_taken_in(node, folder, around) for node in pipeline.nodes)
    changed = any(new is not old for new, old in zip(nodes, pipeline.nodes, strict=True))
    return pipeline.model_copy(update={"nodes": nodes}) if changed else pipeline


def _taken_in(node: Node, folder: Path, around: Surroundings) -> Node:
    if node.source or not is_nested(node, folder):
        return node
    definition = _read(node, folder, around)
    raise_errors(_findings(definition))
    with _within(definition.path, node.place, around.inputs(node)):
        inner = with_nested(definition.pipeline, definition.path.parent)
    nodes = tuple(_with_text(one, definition.path.parent) for one in inner.nodes)
    made = inner.model_copy(update={"nodes": nodes})
    return node.model_copy(update={"kind": Kind.PIPELINE, "source": source_of(made)})


def _with_text(node: Node, folder: Path) -> Node:
    if node.kind is not Kind.NOTEBOOK or node.source:
        return node
    return node.model_copy(update={"source": notebook_text(folder / str(node.path))})


def inputs_around() -> frozenset[str]:
    """The folders below /input that nodes of the pipeline which is being read see from around it."""
    return _inputs.get()


def as_seen(pipeline: Pipeline, folder: Path) -> Pipeline:
    """The same for a picture: a node whose pipeline has a mistake stays as it is."""
    try:
        return with_nested(pipeline, folder)
    except PipelineError:
        return pipeline


def check_nested(node: Node, folder: Path, around: Surroundings | None = None) -> list[Problem]:
    """Findings in the file of a node that is a pipeline, each with its place there; and what is wrong with the node:
    E-PARAM-UNKNOWN and E-PARAM-TYPE for its parameters, E-NEST-CYCLE, E-NEST-DEPTH, E-NEST-OPTION.

    `around` is what the node itself finds around it.
    """
    try:
        definition = _read(node, folder, around)
    except PipelineError as error:
        return [_of_node(one, node) for one in error.problems]
    found = [one for one in _findings(definition) if one.code != "W-NB-REPAIRED"]
    if around is None:  # what comes before it is not known yet
        found = [one for one in found if not one.code[1:].startswith("-NO-")]
    if node.datums:
        option = "--map works on files with a kernel for each, and a pipeline has no kernel"
        found.append(problem("E-NEST-OPTION", node.place, node=node.title, why=option))
    return [*found, *_parameter_findings(node, definition)]


def _of_node(found: Problem, node: Node) -> Problem:
    """The finding at the cell that names the file, unless it stands in another file already."""
    if found.code == "E-USAGE":  # several pipelines in one file, of which an option of commands chooses
        found = replace(found, hint="Write the one that is meant into a file of its own: dagbook export FILE.")
    return found if found.code.startswith("E-NEST") and found.place.file else replace(found, place=node.place)


def _read(node: Node, folder: Path, around: Surroundings | None = None) -> Definition:
    """What the file of the node defines. Raises PipelineError (E-NEST-CYCLE, E-NEST-DEPTH, what reading it raises)."""
    from .pipeline_file import read_definition

    path = folder / str(node.path)
    seen = around or Surroundings(Pipeline(nodes=(node,)), inputs_around())
    with _within(path, node.place, seen.inputs(node)):
        return read_definition(path, None, path.parent)


@contextmanager
def _within(path: Path, place: Place, inputs: frozenset[str]) -> Iterator[None]:
    """Meanwhile the file is being read: it may not be read within itself."""
    known, real = _around.get(), path.resolve()
    if real in known:
        chain = " → ".join(one.name for one in (*known[known.index(real) :], real))
        raise PipelineError(problem("E-NEST-CYCLE", place, path=chain))
    if len(known) >= DEEPEST:
        raise PipelineError(problem("E-NEST-DEPTH", place, depth=DEEPEST, file=path.name))
    tokens = _around.set((*known, real)), _inputs.set(inputs)
    try:
        yield
    finally:
        _around.reset(tokens[0])
        _inputs.reset(tokens[1])


def _findings(definition: Definition) -> list[Problem]:
    """All that is wrong with a definition, with its file."""
    place = Place(file=str(definition.path))
    whole = [one.at(place) for one in check(definition.pipeline)]
    found = [*definition.problems, *in_the_file(whole, definition.path, definition.notebook, definition.text)]
    return [_from_around(one, definition.path.name) for one in without_consequences(found)]


def _from_around(found: Problem, file: str) -> Problem:
    """The finding with what helps where the file is a node: no command line gives it values."""
    if found.code != "E-PARAM-MISSING":
        return found
    hint = f"Give it a value in a cell of {file} that has the tag `parameters`; the node can then give another one."
    return replace(found, hint=hint)


def _parameter_findings(node: Node, definition: Definition) -> list[Problem]:
    from .given_values import with_values

    known = {*definition.parameters, *definition.pipeline.parameters}
    asked: dict[str, list[Value]] = {name: [] for name in node.uses}
    asked |= {name: [value] for name, value in node.params.items()} | {n: list(v) for n, v in node.grid.items()}
    found = [
        problem("E-PARAM-UNKNOWN", node.place, name=name, nearest=nearest(name, known))
        for name in asked
        if name not in known
    ]
    for name, values in asked.items():
        for value in values if name in known else ():
            pipeline, parameters, given = definition.pipeline, definition.parameters, {name: value}
            _, faults = with_values(pipeline, parameters, given, definition.path.parent)
            found += [replace(one, place=node.place) for one in faults]
    return found


def as_plain(node: Node) -> dict[str, Any]:
    """What the node says for the nodes of its pipeline that do not say it themselves."""
    return {name: value for name in _HANDED_ON if (value := getattr(node, name)) not in (None, (), {})}


# Of the options of the node these hold for the nodes within it; all others are about the node as a whole.
_HANDED_ON = (
    "image", "requirements", "prerun", "kernel", "executor", "network", "cpus", "memory", "secrets", "gpus", "compute",
    "git",
)  # fmt: skip
