"""The board of a run: what it shows, and the buttons that steer it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets

from ..runner.board.scene import Card
from ..runner.records.follow import Follower
from .board import Board
from .board_subjects import WatchedRun
from .run_within import RunWithin
from .steering import Steering
from .steering_buttons import Buttons

if TYPE_CHECKING:
    from ..runner.launch import Launched


def run_board(follower: Follower, theme: str = "auto", begun: Callable[[Launched], None] | None = None) -> Board:
    """A board that shows the run as `follower` knows it. Whoever updates that holds the board's lock, then paints.

    `begun` is called, on a thread of the board's, when one of its buttons made the run go on.
    """
    subject = WatchedRun(follower)
    board = Board(subject, theme)
    steering = Steering(follower.store.folder, follower, lambda _line: None, begun)
    buttons = Buttons(steering)
    within = RunWithin(follower.store, theme)
    acts = ipywidgets.VBox([buttons.box, within.button])
    board.widget.children = (*board.widget.children, within.place)

    def buttons_of(card: Card | None) -> Any:
        watched = subject.node_run(card)
        run = watched.run if watched else None
        of = sum(run is not None and other.node == run.node for other in follower.so_far.node_runs.values())
        buttons.show(run, follower.so_far.state, not follower.suspended, of)
        within.show(run)
        return acts

    board.act_with(buttons_of)
    board.on_close(steering.close)
    board.on_close(within.close)
    return board
