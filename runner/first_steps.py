"""What a bare `dagbook` says: the commands that come next where one is."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .core.lifecycle import RunState
from .formats.nearby import MOST_NAMED, pipeline_files

if TYPE_CHECKING:
    from .records.run_rows import ListedRun

MOST_FILES = 3  # that are named

_WHAT = "dagbook runs the cells of a notebook as a pipeline."
_IN_A_NOTEBOOK = "In a notebook:  %load_ext dagbook   then begin a cell with   %%pipeline_node TITLE"
_FIRST = (
    ("dagbook tutorial intro", "a notebook to learn from, put into this folder"),
    ("dagbook init", "a pipeline to start from: notebook, test, CI"),
    ("dagbook doctor", "is this machine fit for it?"),
)
_HELP = ("dagbook --help", "everything else")


def first_steps(folder: Path) -> str:
    """What to type next in `folder`, by the pipelines and runs that are there; lines for a terminal."""
    files = pipeline_files(folder)
    latest = _latest_run(folder)
    if not files and latest is None:
        return _page(_FIRST, ())
    steps = [("dagbook runs", "the runs of this folder")] if latest else []
    return _page((*_of_files(files), *steps), [_word_on(latest)] if latest else ())


def file_left_out(folder: Path, command: str) -> str:
    """What to tell who left FILE out of `command`: the files that it may be, and one as it is typed."""
    files = pipeline_files(folder)
    if not files:
        return "which FILE? No pipeline is in this folder. Begin with: dagbook tutorial intro, or dagbook init"
    named = ", ".join(shlex.quote(name) for name in files[:MOST_NAMED])
    more = " …" if len(files) > MOST_NAMED else ""
    are = "Here are" if len(files) > 1 else "Here is"
    return f"which FILE? {are} {named}{more}. Type: {command} {shlex.quote(files[0])}"


def _of_files(files: Sequence[str]) -> list[tuple[str, str]]:
    """The commands for these files: all that one wants of the first, how to run the next ones."""
    if not files:
        return [("dagbook run FILE", "run a notebook, a script or a YAML file")]
    first, *others = (shlex.quote(name) for name in files[:MOST_FILES])
    return [
        (f"dagbook run {first}", "run it (papermill's -p, -y, -f give parameters)"),
        (f"dagbook plan {first}", "what would run"),
        (f"dagbook check {first}", "what is wrong with it"),
        *((f"dagbook run {name}", "") for name in others),
    ]


def _page(steps: Sequence[tuple[str, str]], told: Sequence[str]) -> str:
    steps = (*steps, _HELP)
    width = min(max(len(command) for command, _ in steps), 44)
    lines = [f"  {command:<{width}}   {words}".rstrip() for command, words in steps]
    return "\n".join([_WHAT, "", *lines, "", *told, _IN_A_NOTEBOOK])


def _latest_run(folder: Path) -> ListedRun | None:
    """The latest run of the store that commands in `folder` would find; None where there is none that can be read."""
    from .core.errors import DagbookError
    from .formats.settings import find_store

    # What is wrong with settings or store is told by the commands that use them.
    with contextlib.suppress(DagbookError, OSError):
        place = find_store(cwd=folder)
        if place.is_dir():
            from .records.settling import settle_if_it_can
            from .records.store import Store

            store = Store(place, create=False)
            with contextlib.closing(store):
                for row in store.latest(most=1):
                    return store.find(row.id) if settle_if_it_can(store, row) else row
    return None


def _word_on(run: ListedRun) -> str:
    going = {RunState.RUNNING: "goes on", RunState.PENDING_APPROVAL: "waits for an approval"}
    ended = f"was {run.state}" if run.state in (RunState.CANCELLED, RunState.REJECTED) else run.state
    return f"The latest run, {run.id} of {run.pipeline}, {going.get(run.state, ended)}:  dagbook show"
