"""The board of a pipeline before any run: its definitions, and the forms that build it by hand."""

from __future__ import annotations

from collections.abc import Sequence

from ..runner.board.scene import Card
from ..runner.core.errors import Problem
from ..runner.core.model import Pipeline
from .board import Board
from .board_subjects import PlannedPipeline
from .building import Building


def plan_board(pipeline: Pipeline, theme: str = "auto", faults: Sequence[Problem] = ()) -> Board:
    """A board that shows the definitions of a pipeline, and what would come of an edit.

    `faults` are mistakes that the pipeline itself does not tell any more.
    """
    subject, building = PlannedPipeline(pipeline, faults), Building(pipeline)
    board = Board(subject, theme, tabs={"Build": building.box})

    def preview(edited: Pipeline) -> None:
        subject.pipeline = edited
        board.paint()

    def follow_the_click(card: Card) -> None:
        building.select(card.node)

    building.draw_with(preview, board.where, board.lock)
    board.on_inspect(follow_the_click)
    return board
