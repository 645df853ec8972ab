"""The pipeline's notebook with every node's outputs, tags and metrics in its cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import cell_view, view_json
from ..executors.hiding import Hiding
from ..records.follow import Follower, Watched

if TYPE_CHECKING:
    from ..formats.notebook import Definition


def notebook_text(definition: Definition, follower: Follower, hiding: Hiding | None = None) -> str:
    """The notebook as JSON; what nodes showed and what is told of the run has its secrets hidden."""
    from ..formats.notebook import write_back
    from ..formats.notebook_file import text_of

    by_node: dict[str, list[Watched]] = {}
    for watched in follower.listed():
        by_node.setdefault(watched.run.node, []).append(watched)
    by_cell: dict[int, list[Watched]] = {}
    for title, cell in definition.cells.items():  # several in one cell where that is a whole pipeline
        by_cell.setdefault(cell, []).extend(by_node.get(title, []))
    cells = {cell: cell_view.outputs(shown, follower.row.id) for cell, shown in by_cell.items()}
    row = follower.store.run(follower.row.id)
    about = view_json.run_json(row, follower.so_far, follower.store.artifacts, row.started)
    if hiding:
        cells = {cell: [hiding.values(output) for output in outputs] for cell, outputs in cells.items()}
        about = hiding.values(about)
    return text_of(write_back(definition.notebook, cells, about))
