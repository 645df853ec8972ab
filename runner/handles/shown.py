"""Looking on while a program waits for a run: on a terminal, or in the cell of a notebook."""

from __future__ import annotations

import contextlib
import html
import sys
import time
from collections.abc import Mapping
from typing import Any

from .. import cell_view, view
from ..asking import questions
from ..records.follow import Follower
from ..records.store import Store

MOST_LINES = 40  # node runs that the picture lists while a run goes on
PACE = 0.25  # seconds between two pictures


class Looking:
    """Shows a run until it is over; an interrupted `follow` can be called again, and goes on."""

    def __init__(self, store: Store, run: str, quiet: bool) -> None:
        self._follower = Follower(store, run, outputs=not quiet, journals=not quiet)
        self._quiet = quiet
        self._in_cell = kernel() is not None
        self._handle: Any = None  # of the picture in the cell
        if not quiet and not self._in_cell:
            print(f"Run {run} of {self._follower.row.pipeline}", flush=True)  # noqa: T201

    @property
    def has_picture(self) -> bool:
        """Whether the picture of the run's end stands in the cell."""
        return self._handle is not None

    def follow(self) -> None:
        """Show it, or with `quiet` only wait for it, until it is over."""
        if self._quiet:
            for _ in self._follower.follow():
                pass
        elif self._in_cell:
            self._draw()
        else:
            from ..console import follow_on

            follow_on(sys.stdout, self._follower)

    def tell_end(self) -> None:
        """The last lines of a run that is over; in a notebook its picture tells."""
        if not self._quiet and not self._in_cell:
            from ..run_end import tell_end

            self._follower.update()
            tell_end(sys.stdout, self._follower)

    def _draw(self) -> None:
        """One display, which is changed while the run goes on and stays as the picture of its end."""
        from IPython.display import display

        follower, about = self._follower, {"dagbook": {"run": self._follower.row.id}}
        if self._handle is None:
            follower.update()
            self._handle = display(_lines(follower), raw=True, display_id=True, metadata=about)  # type: ignore[no-untyped-call]
        shown = time.monotonic()
        for _ in follower.follow(idle=True):
            if follower.over or time.monotonic() - shown >= PACE:
                drawn = _end(follower) if follower.over else _lines(follower)
                self._handle.update(drawn, raw=True, metadata=about)
                shown = time.monotonic()


def nobody_can_be_asked() -> bool:
    """Whether this program is a notebook that is executed in a batch: papermill, nbclient, nbconvert.

    A front end that can ask its user says so with each execute request.
    """
    found = kernel()
    return found is not None and not found.get_parent("shell").get("content", {}).get("allow_stdin", False)


def kernel() -> Any:
    """The kernel of the notebook that this program is; None for any other program."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None)


def _lines(follower: Follower) -> Mapping[str, str]:
    """How a run stands: a line for itself and one for each node run."""
    now, watched = time.time(), follower.listed()
    shown = watched[:MOST_LINES]
    states = view.tally(one.run.state for one in watched)
    head = f"{follower.row.pipeline} · run {follower.row.id} · {view.state_word(follower.so_far.state)} · {states}"
    parts = [f"<div>{html.escape(head)}</div>", *(cell_view.status_html(one, now) for one in shown)]
    texts = [head, *(cell_view.status_text(one, now) for one in shown)]
    if len(shown) < len(watched):
        texts.append(f"… {len(watched) - len(shown)} more")
        parts.append(f"<div>{texts[-1]}</div>")
    for asked in questions(one.run for one in watched):
        texts.append(cell_view.question_text(asked, follower.row.id))
        parts.append(cell_view.question_html(asked, follower.row.id))
    return {"text/html": cell_view.page(parts), "text/plain": "\n".join(texts)}


def _end(follower: Follower) -> Mapping[str, str]:
    """The picture that stays; plain lines where it cannot be drawn."""
    from ..board.page import run_bundle

    with contextlib.suppress(Exception):  # a picture is not worth the run
        return run_bundle(follower, time.time())
    return _lines(follower)
