"""`dagbook.Pipeline`: a pipeline that a program builds, node by node, and then runs, plans, draws or writes.

It is made into the model that notebooks and files are read into as well, so whatever can be done with those can be
done with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Unpack

from ..core import model
from ..core.edge import Edge
from ..core.errors import PipelineError, Problem, problem, raise_errors
from ..core.model import Defaults, Kind, Node
from ..core.names import clean_title
from ..core.values import Value, check_name
from ..handles.callers import caller, folder_of_caller, place_of, told_at_the_call
from .being_read import declared
from .functions import FunctionCode, code_of
from .nodes import Nodes, made_node
from .options import CommandOptions, NodeOptions, PipelineOptions, PlacedOptions, fields_of
from .signatures import with_options
from .texts import Code, shared_texts, source_fields
from .values import plain_value

if TYPE_CHECKING:
    from ..handles.node_run import NodeRun
    from ..handles.run import Run
    from .planned import Plan


class Pipeline:
    """A pipeline that is built in Python.

        flow = dagbook.Pipeline("harbors", parameters={"epochs": 3})
        prepare = flow.node("Preprocess", prepare_images, params={"harbor": "aalborg"})
        flow.node("Train", train_model, after=prepare, grid={"lr": [0.1, 0.01]})
        run = flow.run(epochs=5)

    `name` is the name of the pipeline; `parameters` are values that nodes take by name and that a run can change.
    `shared` is code that every node of a function or a text starts with: a text, a function, or several of these.
    `folder` is what relative paths mean and what nodes see at /code (None: that of this program's file, in a notebook
    the working directory). `store` is the folder that keeps runs (None: found as commands find it). All other options
    are those of `%pipeline`, and hold for every node that says nothing itself. Raises PipelineError.
    """

    @with_options("pipeline")
    @told_at_the_call
    def __init__(
        self,
        name: str = model.UNNAMED,
        *,
        parameters: Mapping[str, Any] | None = None,
        shared: Code | Sequence[Code] = (),
        folder: Path | str | None = None,
        store: Path | str | None = None,
        **options: Unpack[PipelineOptions],
    ) -> None:
        self._folder, self._file = folder_of_caller()
        self._beside = self._file  # where the store is looked for
        if folder is not None:
            self._folder = Path(folder).absolute()
            self._beside = self._folder / "pipeline"
        self._store = Path(store).absolute() if store is not None else None
        self._name = clean_title(name)
        self._parameters = declared({check_name(n): plain_value(n, v) for n, v in (parameters or {}).items()})
        self._shared = shared_texts(shared)
        self._defaults = Defaults(**fields_of("pipeline", "", options))
        self._rest = model.Pipeline()  # what was read from a file, and cannot be said here
        self._nodes = Nodes()
        self._told: set[Problem] = set()  # of what was doubtful
        self._edges: list[Edge] = []

    # what it is made of

    @property
    def name(self) -> str:
        """The name of the pipeline."""
        return self._name

    @property
    def parameters(self) -> Mapping[str, Value]:
        """The parameters; in a file that a command reads (`dagbook run flow.py -p epochs 5`) with the given values."""
        return MappingProxyType(self._parameters)

    @property
    def folder(self) -> Path:
        """What relative paths mean."""
        return self._folder

    @property
    def file(self) -> Path | None:
        """The file of the program that has built it, or the one that it was read from."""
        return self._file

    @property
    def store(self) -> Path:
        """The folder of the store that keeps its runs; it need not exist yet."""
        from ..formats.settings import find_store

        return find_store(self._store, self._beside)

    @property
    def nodes(self) -> list[Node]:
        """The nodes in the order in which they were defined."""
        return list(self.model.nodes)

    # defining nodes

    @with_options("pipeline_node")
    @told_at_the_call
    def node(self, title: str, code: Code, **options: Unpack[NodeOptions]) -> Node:
        """Add a node that runs a function, or code given as a text; gives the node, which `after=` takes.

            flow.node("Train", train_model, after="Preprocess", params={"epochs": 5}, memory="2g")
            flow.node("Report", "import dagbook; print(dagbook.input('Train'))", after=["Train"])

        What the node runs is the text of the function, in a process of its own: it has its arguments, what it imports
        itself, and what the pipeline shares, and nothing else of this program. An argument takes the value that
        `params` or `grid` give, else that of the pipeline's parameter of its name, else its default. When the function
        returns a dict, each entry becomes a tag; anything else that it returns is shown.

        The options are those of `%%pipeline_node`. Raises PipelineError, with the line of the call.
        """
        if callable(code):
            function = code_of(code)
            return self._add("pipeline_node", title, {"source": function.source}, options, function)
        return self._add("pipeline_node", title, source_fields(code, caller()), options)

    @with_options("pipeline_command")
    @told_at_the_call
    def command(self, title: str, script: str, **options: Unpack[CommandOptions]) -> Node:
        """Add a node that runs a shell script, in any image: `flow.command("Pack", "tar cf all.tar /input/train")`.

        The options are those of `%%pipeline_command`. Raises PipelineError, with the line of the call.
        """
        return self._add("pipeline_command", title, source_fields(script, caller()), options)

    @with_options("pipeline_notebook")
    @told_at_the_call
    def notebook(self, title: str, path: Path | str, **options: Unpack[NodeOptions]) -> Node:
        """Add a node that runs a whole notebook; its `parameters` cell says what can be given in `params` and `grid`.

        The options are those of `%pipeline_notebook`. Raises PipelineError, with the line of the call.
        """
        return self._add("pipeline_notebook", title, {"path": str(path)}, options)

    @told_at_the_call
    def data(
        self,
        title: str,
        source: Path | str | None = None,
        *,
        artifacts: Iterable[NodeRun | Run | str] | None = None,
        pin: str | None = None,
        **placed: Unpack[PlacedOptions],
    ) -> Node:
        """Add a dataset: a file, a folder or a URL; or with `artifacts` what node runs of earlier runs have left.

            flow.data("images", "data/images")
            flow.data("models", artifacts=[run["Train"] for run in runs])

        A node that names it in `after` finds it at /data/<title>, and by `dagbook.data(title)`. Artifacts are the
        folders 1, 2, … there, in their order; `runs.json` beside them lists their parameters and tags. They are not
        copied, and must be in the store of this pipeline. `pin` is the SHA-256 that the data must have.
        Raises PipelineError, with the line of the call.
        """
        from .data import data_fields

        fields = data_fields(source, artifacts, pin, self.store)
        at = {name: value for name, value in placed.items() if value is not None}
        return self._nodes.keep(made_node(Kind.DATA, title, {**fields, **at}))

    @told_at_the_call
    def edge(self, source: str, target: str, *, optional: bool = False) -> Edge:
        """Draw an edge between ports of two nodes: files to an input, a parameter or a tag to a parameter.

            flow.edge("Preprocess.output.*.csv", "Train.input.table")
            flow.edge("Preprocess.metadata.rows", "Train.parameter.rows")

        With `optional` the input slot may stay empty. Raises PipelineError, with the line of the call.
        """
        from ..formats.flow_words import edge_between, end_of

        made = edge_between(end_of(source), end_of(target), optional)
        self._edges.append(made)
        return made

    @told_at_the_call
    def add(self, node: Node) -> Node:
        """Add a node of the model as it is: the way to say what the methods above cannot."""
        return self._nodes.keep(node if node.defined else node.model_copy(update={"defined": caller()}))

    def _add(
        self,
        magic: str,
        title: str,
        source: Mapping[str, Any],
        options: Mapping[str, Any],
        function: FunctionCode | None = None,
    ) -> Node:
        from ..formats.cells import KINDS

        try:
            named = clean_title(title)
            fields = fields_of(magic, named, options)
            spot = {"code_at": function.spot} if function else {}
            return self._nodes.keep(made_node(KINDS[magic], named, {**source, **spot, **fields}), function)
        except PipelineError as error:
            place = place_of(caller(), title if isinstance(title, str) else None)
            raise PipelineError(*(one.at(place) for one in error.problems)) from None

    # as a model

    @property
    def model(self) -> model.Pipeline:
        """The pipeline as it stands now, as the model that notebooks and files are read into: frozen values.

        Raises PipelineError: E-FUNCTION for an argument of a function that nothing gives a value to.
        """
        edges = (*self._rest.edges, *self._edges)
        said = {
            "name": self._name,
            "nodes": self._nodes.settled(self._parameters, edges, self._shared),
            "shared": self._shared,
            "parameters": self._parameters,
            "defaults": self._defaults,
            "edges": edges,
        }
        return self._rest.model_copy(update=said)

    # looking at it

    @told_at_the_call
    def check(self) -> list[Problem]:
        """What is doubtful about the pipeline; a mistake in it raises PipelineError with all that is wrong."""
        return raise_errors(self.problems())

    def problems(self) -> list[Problem]:
        """Everything that is wrong or doubtful, as `dagbook check` tells it."""
        from ..core.check import check
        from ..core.consequences import without_consequences
        from ..formats.attachments import check_attachments
        from ..formats.notebook import body_problems

        try:
            made = self.model
        except PipelineError as error:
            return list(error.problems)
        found = [*body_problems(made, self._folder, self._folder), *check_attachments(made, self._folder)]
        return without_consequences([*found, *check(made)])

    @with_options("pipeline_run")
    @told_at_the_call
    def plan(self, **parameters: Any) -> Plan:
        """What a run would do: which node runs there would be, which are up to date, and why not. Nothing is run.

        Takes what `start` takes. Raises PipelineError, MachineError.
        """
        from .planned import plan_of
        from .running import asked

        return plan_of(asked(self, parameters, "Pipeline.plan"), self.store)

    @told_at_the_call
    def graph(self, form: Literal["text", "mermaid", "svg"] = "text") -> str:
        """The pipeline drawn as a text, as Mermaid, or as SVG. Raises PipelineError for one with mistakes."""
        from .. import diagram
        from ..core.check import check

        raise_errors(check(self.model))
        if form == "svg":
            from ..board.graph_svg import graph_svg
            from ..board.pictured import planned_scene

            return graph_svg(planned_scene(self.model), "light")
        if form not in ("text", "mermaid"):
            what = f"there is no drawing {form!r}"
            raise PipelineError(problem("E-USAGE", what=what, hint='Take "text", "mermaid" or "svg".'))
        return diagram.tree(self.model) if form == "text" else diagram.mermaid(self.model)

    @told_at_the_call
    def write(self, path: Path | str) -> Path:
        """Write it as a file that commands read: `.yaml` in dagbook's own format, `.ipynb` as a notebook with magics.

        Raises PipelineError (E-USAGE for another ending), MachineError (E-FILE-WRITE).
        """
        from .written import write

        return write(self.model, Path(path))

    # running it

    @with_options("pipeline_run")
    @told_at_the_call
    def run(self, *, check: bool = True, quiet: bool = False, **parameters: Any) -> Run:
        """Run it and wait for its end, shown on the terminal or in the notebook's cell; gives the run.

            run = flow.run(epochs=5)
            run["Train"].artifact / "model.pkl"

        Words that are no option are values of the pipeline's parameters; `parameters={…}` gives those that are called
        like an option. Ctrl-C ends the run in order, a second time at once; so does the end of this program. With
        `quiet` nothing is shown. A run that does not succeed raises RunFailed, unless `check` is False.
        Raises PipelineError for a mistake, before anything is started, and MachineError.
        """
        from .running import run

        return run(self, check, quiet, parameters)

    @with_options("pipeline_run")
    @told_at_the_call
    def start(self, **parameters: Any) -> Run:
        """Start it in a process of its own and give the run as soon as it has begun; it outlives this program.

            runs = [flow.start(harbor=harbor) for harbor in harbors]
            for run in dagbook.as_completed(runs):
                print(run, run.state)

        Takes what `run` takes. Raises PipelineError for a mistake, before anything is started, and MachineError.
        """
        from .running import start

        return start(self, parameters)

    # for people

    def __repr__(self) -> str:
        return f"<Pipeline {self._name}: {len(self._nodes)} nodes>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the graph."""
        try:
            return {"image/svg+xml": self.graph("svg"), "text/plain": self.graph()}
        except PipelineError as error:
            return {"text/plain": f"{self!r}\n{error}"}


def of_model(made: model.Pipeline, folder: Path, file: Path | None) -> Pipeline:
    """The pipeline that was read from a file, to be built on."""
    flow = Pipeline(made.name, folder=folder)
    flow._file = flow._beside = file
    flow._parameters, flow._shared, flow._defaults = dict(made.parameters), made.shared, made.defaults
    flow._nodes = Nodes(made.nodes)
    flow._rest = made.model_copy(update={"nodes": ()})
    return flow
