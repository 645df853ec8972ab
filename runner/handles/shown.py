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


def look_on(store: Store, run: str, quiet: bool) -> None:
    """Show a run until it is over. With `quiet` it is only waited for."""
    if quiet:
        for _ in Follower(store, run, outputs=False, journals=False).follow():
            pass
    elif _kernel() is not None:
        _show_in_cell(Follower(store, run))
    else:
        from .. import console

        console.follow_on(sys.stdout, Follower(store, run))


def tell_end(store: Store, run: str) -> None:
    """The last lines of a run that is over; in a notebook its picture tells."""
    if _kernel() is None:
        from .. import console

        follower = Follower(store, run)
        follower.update()
        console.tell_end(sys.stdout, follower)


def nobody_can_be_asked() -> bool:
    """Whether this program is a notebook that is executed in a batch: papermill, nbclient, nbconvert.

    A front end that can ask its user says so with each execute request.
    """
    kernel = _kernel()
    return kernel is not None and not kernel.get_parent("shell").get("content", {}).get("allow_stdin", False)


def _kernel() -> Any:
    """The kernel of the notebook that this program is; None for any other program."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None)


def _show_in_cell(follower: Follower) -> None:
    """One display, which is changed while the run goes on and stays as the picture of its end."""
    from IPython.display import display

    follower.update()
    about = {"dagbook": {"run": follower.row.id}}
    handle = display(_lines(follower), raw=True, display_id=True, metadata=about)  # type: ignore[no-untyped-call]
    shown = time.monotonic()
    for _ in follower.follow(idle=True):
        if follower.over or time.monotonic() - shown >= PACE:
            handle.update(_end(follower) if follower.over else _lines(follower), raw=True, metadata=about)
            shown = time.monotonic()


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
