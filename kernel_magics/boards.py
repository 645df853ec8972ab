"""The boards of a notebook: shown where somebody looks on, with a static picture for those who come later.

A widget lives as long as its kernel; a notebook that is saved and opened again has none. So each board stands below
a static picture, and only the one is seen: the board where it is alive, the picture elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..extension.board import Board
    from ..runner.core.errors import Problem
    from ..runner.core.model import Pipeline
    from ..runner.launch import Launched
    from ..runner.records.follow import Follower
    from .draft import Origin

HINT = "Interactive board: pip install 'dagbook[lab]', and restart JupyterLab."
_WIDGET = "application/vnd.jupyter.widget-view+json"


def board_is_there() -> bool:
    """Whether this kernel has what a board is made of."""
    return find_spec("ipywidgets") is not None and find_spec("ipycytoscape") is not None


class Shown(Protocol):
    """A board of any kind."""

    @property
    def widget(self) -> Any:
        """What is put into the page."""
        ...


class Closable(Protocol):
    """What a cell shows, and what may follow a run for it."""

    def close(self) -> None:
        """Show no more."""
        ...


C = TypeVar("C", bound=Closable)


class Kept:
    """What the cells of one notebook show. A cell that runs again shows something new, and what it showed is closed."""

    def __init__(self) -> None:
        self._by_cell: dict[str, tuple[int, list[Closable]]] = {}

    def keep(self, origin: Origin, shown: C) -> C:
        """Keep what the cell that runs now shows: one cell may show several."""
        execution, there = self._by_cell.get(origin.cell, (origin.execution, []))
        if execution != origin.execution:
            for before in there:
                before.close()
            there = []
        self._by_cell[origin.cell] = origin.execution, [*there, shown]
        return shown


_KEPT: WeakKeyDictionary[InteractiveShell, Kept] = WeakKeyDictionary()


def kept_of(shell: InteractiveShell) -> Kept:
    """What the cells of a shell show (a notebook's kernel has one shell)."""
    return _KEPT.setdefault(shell, Kept())


class Boards:
    """Makes boards where they can be made; tells once where not."""

    def __init__(self) -> None:
        self._told = False

    def of_run(self, follower: Follower, theme: str, begun: Callable[[Launched], None]) -> Board | None:
        """The board of a run; None, and once a hint, where none can be made."""
        if not self._can():
            return None
        from ..extension.run_board import run_board

        return run_board(follower, theme, begun)

    def of_pipeline(self, pipeline: Pipeline, theme: str, faults: Sequence[Problem] = ()) -> Board | None:
        """The board of a pipeline that was not run, likewise; of one with mistakes too."""
        if not self._can():
            return None
        from ..extension.plan_board import plan_board

        return plan_board(pipeline, theme, faults)

    def _can(self) -> bool:
        there = board_is_there()
        if not there and not self._told:
            self._told = True
            _display({"text/plain": HINT})
        return there


def show(picture: Mapping[str, Any], board: Shown | None, display_id: str | None = None, **about: Any) -> None:
    """Display a static picture, and below it the board, if there is one: one of the two is seen.

    `picture` is a mime bundle, whose HTML is a `board_style.twin` where there is a board; `about` goes to its metadata.
    """
    _display(picture, display_id, {"dagbook": about} if about else None)
    if board is not None:
        bundle = board.widget._repr_mimebundle_()
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        _display({_WIDGET: data[_WIDGET], "text/plain": ""})


def plan_picture(pipeline: Pipeline, with_board: bool, problems: Sequence[Problem] = ()) -> dict[str, str]:
    """A static picture of a pipeline: beside a board its graph, else Mermaid, which JupyterLab and GitHub draw.

    Nodes that `problems` are about are marked in the graph; what cannot be drawn for them is left out.
    """
    from ..runner import diagram
    from ..runner.board.mistakes import mistakes_of

    mistakes = mistakes_of(pipeline, problems)
    pipeline = mistakes.drawable
    if not with_board:
        return {
            "text/markdown": f"```mermaid\n{diagram.mermaid(pipeline)}\n```",
            "text/plain": diagram.tree(pipeline),
        }
    from ..extension.board_style import twin
    from ..runner.board.graph_svg import graph_svg
    from ..runner.board.pictured import planned_scene

    return {
        "text/html": twin(graph_svg(planned_scene(pipeline, mistakes=mistakes), "auto")),
        "text/plain": diagram.tree(pipeline),
    }


def show_nodes(follower: Follower) -> None:
    """What each node shows, below the picture of the run: nobody can click on it there."""
    from ..extension import pictures

    for title in dict.fromkeys(watched.run.node for watched in follower.listed()):
        runs = [watched for watched in follower.listed() if watched.run.node == title]
        _display(pictures.bundle(title, runs, follower.row.id))


def _display(bundle: Mapping[str, Any], display_id: str | None = None, about: Mapping[str, Any] | None = None) -> None:
    from IPython.display import display

    more: dict[str, Any] = {"metadata": dict(about)} if about else {}
    if display_id:
        more["display_id"] = display_id
    display(dict(bundle), raw=True, **more)  # type: ignore[no-untyped-call]
