"""What a board can be about: a pipeline that is being written, or a run. Both answer the same questions.

Text and HTML come from the pure room `runner/board`, and are escaped there.
"""

from __future__ import annotations

import contextlib
import html
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..runner.board.estimate import Estimate, History, forecast, history
from ..runner.board.header import Chip, chips_of, header, header_words_html
from ..runner.board.inspector import inspect_group, inspect_node, inspect_run
from ..runner.board.inspector_html import inspected_parts
from ..runner.board.mistakes import mistakes_html, mistakes_of
from ..runner.board.palette import palette
from ..runner.board.pictured import outline_of_run, planned_scene, run_scene
from ..runner.board.scene import Card, Form, Scene
from ..runner.core.check import check
from ..runner.core.errors import DagbookError, Problem
from ..runner.core.lifecycle import State
from ..runner.core.model import Pipeline
from ..runner.core.names import slug_of
from ..runner.records.follow import Follower, Watched
from ..runner.view import label

LIST = "List"  # the title of the page that lists node runs
ESTIMATE_SECONDS = 5.0  # for which an estimate is kept
Page = Callable[[frozenset[State]], str]  # the states to show, all where there are none -> HTML


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of a list: what it is called, the node run that it is, and the key of its node's card."""

    words: str
    node_run: str
    card: str


class Subject(Protocol):
    """What a board asks. None of it is safe to ask from two threads at once."""

    def scene(self, opened: frozenset[str]) -> Scene:
        """The picture as it is now; the cards `opened` show their node runs one by one."""
        ...

    def header(self) -> str:
        """What stands above the picture, as HTML."""
        ...

    def chips(self) -> Sequence[Chip]:
        """The words of the header that filter."""
        ...

    def inspected(self, card: Card) -> list[str]:
        """All facts of a card, as pieces of HTML."""
        ...

    def pages(self) -> Mapping[str, Page]:
        """What stands below the picture, by the title of its tab."""
        ...

    def listed(self, states: frozenset[State]) -> Sequence[Listed]:
        """What the rows of the page `List` stand for, of these states, all where there are none."""
        ...

    @property
    def over(self) -> bool:
        """Whether nothing changes any more by itself."""
        ...


class PlannedPipeline:
    """A pipeline before any run."""

    over = True

    def __init__(self, pipeline: Pipeline, faults: Sequence[Problem] = ()) -> None:
        self._faults = tuple(faults)
        self.pipeline = pipeline

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline as it is written, or as it would be after an edit."""
        return self._pipeline

    @pipeline.setter
    def pipeline(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self.mistakes = mistakes_of(pipeline, [*self._faults, *check(pipeline)])

    def scene(self, opened: frozenset[str]) -> Scene:
        """The definitions; those with mistakes are marked."""
        return planned_scene(self.pipeline, opened, mistakes=self.mistakes)

    def header(self) -> str:
        """Its name and size."""
        from ..runner.core.routes import count

        nodes, counted = len(self.pipeline.nodes), count(self.mistakes.drawable)
        more = " or more" if counted.unknown else ""
        words = [_several(nodes, "node"), f"{_several(counted.node_runs, 'node run')}{more}"]
        if wrong := len(self.mistakes.all):
            mark = palette("auto").mistake
            words = [words[0], f'<b style="color:{mark.text}">{mark.glyph} {_several(wrong, "mistake")}</b>']
        return f"<b>{html.escape(self.pipeline.name)}</b> · {' · '.join(words)} · not run yet"

    def chips(self) -> Sequence[Chip]:
        """None: nothing has a state."""
        return ()

    def inspected(self, card: Card) -> list[str]:
        """The definition of a node, and before it what is wrong with it."""
        wrong = mistakes_html(self.mistakes.by_node.get(slug_of(card.node), ()))
        return [*([wrong] if wrong else []), *inspected_parts(inspect_node(self.mistakes.drawable, card.node))]

    def pages(self) -> Mapping[str, Page]:
        """What is wrong with it."""
        return {"Mistakes": lambda _states: mistakes_html(self.mistakes.all)} if self.mistakes.all else {}

    def listed(self, states: frozenset[State]) -> Sequence[Listed]:
        """None: there is no list."""
        return ()


def _several(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


class WatchedRun:
    """A run, live or over."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self._estimated: tuple[float, Estimate | None] = (float("-inf"), None)
        self._history: History | None = None
        self._looking_back: threading.Thread | None = None

    @property
    def over(self) -> bool:
        """Whether the run is over, or waits with nobody running it."""
        return self.follower.over

    def scene(self, opened: frozenset[str]) -> Scene:
        """The node runs."""
        return run_scene(self.follower, opened, time.time())

    def header(self) -> str:
        """Pipeline, run, state, times."""
        now = time.time()
        return header_words_html(header(self.follower, now, self._estimate(now)))

    def chips(self) -> Sequence[Chip]:
        """The states that there are, grouped as people read them."""
        return chips_of(one.run for one in self.follower.watched.values())

    def inspected(self, card: Card) -> list[str]:
        """A node run, all node runs of a folded card, or the definition where there is none yet."""
        now = time.time()
        if (one := self.node_run(card)) is not None:
            return inspected_parts(inspect_run(self.follower, one.run.id, now, self._pipeline))
        if any(one.run.node == card.node for one in self.follower.watched.values()):
            return inspected_parts(inspect_group(self.follower, card.node, now))
        return inspected_parts(inspect_node(self._pipeline, card.node))

    def node_run(self, card: Card | None) -> Watched | None:
        """The node run that a card shows; None for a card of several, and of none yet."""
        if card is None or card.form is not Form.NODE:
            return None
        if card.inside or card.key in self.follower.watched:
            return self.follower.watched.get(card.key)
        several = [one for one in self.follower.watched.values() if one.run.node == card.node]
        return several[0] if len(several) == 1 else None

    def pages(self) -> Mapping[str, Page]:
        """The timeline, and the list that tells the same in words."""
        return {"Timeline": self._timeline, LIST: self._list}

    def listed(self, states: frozenset[State]) -> Sequence[Listed]:
        """The node runs in the list."""
        from ..runner.board.listing import listed_rows

        return [
            Listed(label(one.run), one.run.id, slug_of(one.run.node))
            for one in listed_rows(self.follower, states or None)
        ]

    def _timeline(self, _states: frozenset[State]) -> str:
        from ..runner.board.timeline import timeline
        from ..runner.board.timeline_svg import timeline_html

        now = time.time()
        return timeline_html(timeline(self.follower, now, self._estimate(now)))

    def _list(self, states: frozenset[State]) -> str:
        from ..runner.board.listing import listing_html

        return listing_html(self.follower, time.time(), states or None, lines=True)

    @property
    def _pipeline(self) -> Pipeline:
        return outline_of_run(self.follower).pipeline

    def _estimate(self, now: float) -> Estimate | None:
        if self.follower.over:
            return None
        if self._history is None:
            self._begin_to_look_back()
            return None
        made, known = self._estimated
        if now - made > ESTIMATE_SECONDS:
            known = forecast(self._history, self.follower, now)
            self._estimated = now, known
        return known

    def _begin_to_look_back(self) -> None:
        """Read what earlier runs tell, once: it takes seconds in a store of large runs, and nobody waits for it."""
        if self._looking_back is None:
            self._looking_back = threading.Thread(target=self._look_back, name="dagbook-history", daemon=True)
            self._looking_back.start()

    def _look_back(self) -> None:
        # Without it there is no estimate; what is wrong with the store, whoever follows the run tells.
        with contextlib.suppress(DagbookError, sqlite3.Error, OSError, ValueError):
            self._history = history(self.follower.store, self.follower.row.pipeline, self.follower)
