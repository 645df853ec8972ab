"""The pipeline that a live notebook has defined so far: its draft.

A draft
- keeps each node with the cell that defined it; running that cell again replaces it,
- refuses a title that another cell has, and says how to go on,
- keeps each edge (`%pipeline_edge`) with its cell in the same way,
- knows the display handle of each defining cell, for the run to be shown there,
- makes a `Pipeline` of what it holds, with the parameters that the nodes take from the notebook's variables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..runner.core.errors import PipelineError, Place, Problem, nearest, problem
from ..runner.core.names import slug_of
from ..runner.core.values import Value, check_value

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..runner.core.edge import Edge
    from ..runner.core.model import Defaults, Node, Pipeline


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in a live notebook something was defined: a cell, in one of its executions.

    `cell` is the cell's id as the front end tells it. Where none does (a terminal, papermill), it is made of
    `execution`, and `known` is False: the same cell then has another id each time it runs. `execution` counts the
    cells that ran since the extension was loaded; `number` is the one people see (`In[3]`).
    `interactive` is False when nobody sits there (papermill, nbclient).
    """

    cell: str
    execution: int
    number: int = 0
    known: bool = True
    interactive: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """A node of the draft, and where it comes from."""

    node: Node
    origin: Origin


@dataclass(frozen=True, slots=True)
class Drawn:
    """The edges that one execution of a cell has drawn."""

    edges: tuple[Edge, ...]
    origin: Origin


class Draft:
    """The pipeline of one notebook while it is being written. Order is that of first definition."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.defaults: Defaults | None = None
        self._entries: dict[str, Entry] = {}  # by slug
        self._shared: dict[str, str] = {}  # by cell
        self._drawn: dict[str, Drawn] = {}  # by cell
        self._wholes: dict[str, Pipeline] = {}  # by cell: what a whole pipeline says besides its nodes

    def define(self, node: Node, origin: Origin) -> str:
        """Keep `node`, defined by the cell of `origin`; returns a note for people when it takes another's place.

        Raises PipelineError (E-NODE-DUP, E-NAME-COLLIDES) when another cell has the title or its folder.
        """
        other = self._entries.get(node.slug)
        if other and not _same_cell(other.origin, origin):
            raise PipelineError(_clash(node, other))
        outdated = [
            slug
            for slug, entry in self._entries.items()
            if entry.origin.cell == origin.cell and entry.origin.execution != origin.execution and slug != node.slug
        ]
        note = _note(node, other, [self._entries[slug].node.title for slug in outdated])
        self._replace(node, origin, outdated)
        self._drop_outdated_edges(origin)
        return note

    def _replace(self, node: Node, origin: Origin, outdated: list[str]) -> None:
        """Put the node in; a cell whose title changed keeps its place in the order."""
        fresh: dict[str, Entry] = {}
        for slug, entry in self._entries.items():
            if slug == node.slug or (slug in outdated and node.slug not in self._entries):
                fresh.setdefault(node.slug, Entry(node, origin))
            elif slug not in outdated:
                fresh[slug] = entry
        fresh.setdefault(node.slug, Entry(node, origin))
        self._entries = fresh

    def take(self, pipeline: Pipeline, origin: Origin) -> str:
        """Keep a whole pipeline, given by one cell; running that cell again replaces it.

        Returns a note for people. Raises PipelineError as `define`, having kept nothing.
        """
        for node in pipeline.nodes:
            other = self._entries.get(node.slug)
            if other and not _same_cell(other.origin, origin):
                raise PipelineError(_clash(node, other))
        before = [entry.node for entry in self._entries.values() if entry.origin.cell == origin.cell]
        for node in pipeline.nodes:
            self.define(node, origin)
        self._wholes[origin.cell] = pipeline.model_copy(update={"nodes": ()})
        return "replaces what this cell said before" if before else ""

    def connect(self, edge: Edge, origin: Origin) -> None:
        """Keep `edge`; the edges that an earlier execution of the same cell has drawn are gone."""
        self._drop_outdated_edges(origin)
        for cell, drawn in self._drawn.items():
            if cell != origin.cell and _same_cell(drawn.origin, origin):  # perhaps that cell, run again
                self._drawn[cell] = Drawn(tuple(one for one in drawn.edges if _ends(one) != _ends(edge)), drawn.origin)
        before = self._drawn.get(origin.cell, Drawn((), origin)).edges
        self._drawn[origin.cell] = Drawn((*before, edge), origin)

    def _drop_outdated_edges(self, origin: Origin) -> None:
        drawn = self._drawn.get(origin.cell)
        if drawn and drawn.origin.execution != origin.execution:
            self._drawn[origin.cell] = Drawn((), origin)  # the cell keeps its place in the order

    def edges(self) -> tuple[Edge, ...]:
        """The edges that stand by themselves, in the order in which their cells first ran."""
        return tuple(edge for drawn in self._drawn.values() for edge in drawn.edges)

    def share(self, body: str, origin: Origin) -> str:
        """Keep a shared cell; running that cell again replaces it. Returns a note when an equal cell was there."""
        for cell, known in self._shared.items():
            if known == body and cell != origin.cell:
                del self._shared[cell]  # a front end without cell ids ran the same cell again
                break
        again = origin.cell in self._shared
        self._shared[origin.cell] = body
        return "replaces what this cell shared before" if again else ""

    def configure(self, name: str | None, defaults: Defaults) -> None:
        """Name the pipeline and set the defaults of its nodes; both replace what was said before."""
        self.name, self.defaults = name, defaults

    def forget(self, titles: Iterable[str]) -> None:
        """Take nodes out whose cells were deleted, and the edges that lead to them or from them.

        Raises PipelineError (E-NODE-UNKNOWN), having taken none out.
        """
        wanted = {slug_of(title): title for title in titles}
        named = [*self.titles(), *(title for edge in self.edges() for title in (edge.source, edge.target))]
        for slug, title in wanted.items():
            if slug not in map(slug_of, named):
                raise PipelineError(problem("E-NODE-UNKNOWN", node=title, nearest=nearest(title, named)))
        for slug in wanted:
            self._entries.pop(slug, None)
        for cell, drawn in self._drawn.items():
            left = (one for one in drawn.edges if not {slug_of(one.source), slug_of(one.target)} & set(wanted))
            self._drawn[cell] = Drawn(tuple(left), drawn.origin)

    def reset(self) -> None:
        """Forget everything: nodes, edges, shared cells, name and defaults."""
        self.__init__()  # type: ignore[misc]

    def titles(self) -> list[str]:
        """The titles of all nodes, in definition order."""
        return [entry.node.title for entry in self._entries.values()]

    def numbers(self) -> dict[str, int]:
        """By title the number that people see at the defining cell: the 3 of `In[3]`."""
        return {entry.node.title: entry.origin.number for entry in self._entries.values()}

    def nodes(self) -> list[Node]:
        """All nodes, in definition order."""
        return [entry.node for entry in self._entries.values()]

    def shared(self) -> list[str]:
        """The bodies of the shared cells, in the order in which they first ran."""
        return list(self._shared.values())

    def handle_of(self, title: str) -> str | None:
        """The display id under which the defining cell of `title` shows its node; None when there is no such node.

        `update_display(…, display_id=…)` changes what that cell shows, also after the cell has run.
        """
        slug = slug_of(title)
        return f"dagbook-node-{slug}" if slug in self._entries else None

    def to_pipeline(self, variables: Mapping[str, Any] | None = None, told: list[Problem] | None = None) -> Pipeline:
        """The pipeline as it stands now. `variables` (the notebook's) give the parameters that nodes take by name.

        Raises PipelineError with all findings: E-PARAM-MISSING for a name without a variable, E-PARAM-TYPE and
        E-PARAM-VALUE for one whose value cannot be a parameter. With a list `told` they are added to it instead.
        """
        from ..runner.core.model import Pipeline
        from ..runner.formats.whole_pipeline import merged

        parameters: dict[str, Value] = {}
        faults: list[Problem] = []
        nodes = tuple(self.nodes())
        given = {name for whole in self._wholes.values() for name in whole.parameters}
        for node in nodes:
            for name in node.uses:
                if name in given:
                    continue
                try:
                    parameters[name] = _taken(name, variables or {})
                except PipelineError as error:
                    faults += [one.at(Place(node=node.title)) for one in error.problems]
        if faults and told is None:
            raise PipelineError(*faults)
        if told is not None:
            told += faults
            nodes = tuple(_without(node, {*parameters, *given}) for node in nodes)
        said: dict[str, Any] = {"name": self.name} if self.name else {}
        if self.defaults:
            said["defaults"] = self.defaults
        own = Pipeline(nodes=nodes, shared=tuple(self.shared()), parameters=parameters, edges=self.edges(), **said)
        return merged(self._wholes.values(), own)


def _without(node: Node, known: Collection[str]) -> Node:
    """The node without what it takes by names that nobody knows: that was told already."""
    return node.model_copy(update={"uses": tuple(name for name in node.uses if name in known)})


def _same_cell(before: Origin, now: Origin) -> bool:
    if before.cell == now.cell:
        return before.execution != now.execution
    # Without ids nobody can tell a cell that ran again from a second one; somebody who sits there sees the note.
    return not before.known and not now.known and now.interactive


def _ends(edge: Edge) -> Edge:
    """The edge but for what may change when its line is written anew."""
    return edge.model_copy(update={"optional": False})


def _clash(node: Node, other: Entry) -> Problem:
    title = other.node.title
    how = f'Rename one of the two; if that cell is deleted or renamed: %pipeline --forget "{title}"'
    place = Place(cell=node.cell, line=1, node=node.title)
    same = node.cell_id == other.origin.cell
    where = "in the same cell" if same else f"in another cell, run as In[{other.origin.number}]"
    if title == node.title:
        found = problem("E-NODE-DUP", place, title=title, other=where)
    else:
        found = problem("E-NAME-COLLIDES", place, title=node.title, other=title, slug=node.slug)
    return Problem(found.code, found.message, how, found.place)


def _note(node: Node, other: Entry | None, outdated: list[str]) -> str:
    if outdated and other is None:
        return "replaces " + ", ".join(f'"{title}"' for title in outdated)
    if other is None or other.node == node:
        return ""
    if not other.origin.known:
        return f"replaces the node of In[{other.origin.number}]"
    return "replaced"


def _taken(name: str, variables: Mapping[str, Any]) -> Value:
    """The notebook's variable `name` as a plain parameter value (a numpy float64 is a float like any other)."""
    if name not in variables:
        close = nearest(name, [key for key, value in variables.items() if _is_plain(value)])
        close = close if close.startswith("Did you mean") else ""
        what = f"{name} is taken with --param {name}, but the notebook has no variable of that name now"
        hint = f"Run the cell that sets it (tagged `parameters`), or write --param {name}=VALUE. {close}".strip()
        raise PipelineError(Problem("E-PARAM-MISSING", what, hint))
    return _plain(check_value(name, variables[name]))


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str | list)


def _plain(value: Any) -> Value:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return None


_DRAFTS: WeakKeyDictionary[InteractiveShell, Draft] = WeakKeyDictionary()


def draft_of(shell: InteractiveShell) -> Draft:
    """The one draft of a shell (a notebook's kernel has one shell)."""
    return _DRAFTS.setdefault(shell, Draft())
