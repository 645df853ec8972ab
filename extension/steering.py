"""Steering a run from the board: what its buttons do, in a thread of its own, and which of them make sense when.

A click may come on any thread and must return at once, so it only leaves a command in a queue. The worker does what
the commands and magics of the same names do, and what came of it is told in a line.
"""

from __future__ import annotations

import os
import queue
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from ..runner.core.lifecycle import BROKEN, PASSED, NodeRun, RunState, State

if TYPE_CHECKING:
    from ipywidgets import HBox

    from ..runner.core.errors import Problem
    from ..runner.launch import Launched
    from ..runner.records.follow import Follower
    from ..runner.records.store import Store

HOW = "the board"  # by what it was decided, cancelled or resumed, in the run's record
_GOING_ON = frozenset({RunState.RUNNING, RunState.PENDING_APPROVAL})
_HAVE_A_NOTEBOOK = PASSED | BROKEN | {State.RUNNING, State.CANCELLED}
_RUN_AGAIN = BROKEN | {State.CANCELLED, State.UPSTREAM_FAILED}


_LATER = "When the run is over, or has been stopped"
_NOT_KEPT = "No kernel of it is kept. %pipeline_run --keep-failed keeps those of nodes that fail"


def buttons_for(state: State | None, run: RunState, lives: bool = True, kept: bool = False) -> dict[str, str]:
    """The buttons that make sense for a node run in `state` (None: none is chosen) of a run in `run`.

    By name, each with why it cannot be pressed now, or with nothing. `lives` is False for a run that waits for people
    without a process: it can be gone on with. `kept` says that a kernel of the node run stays. A node run is retried
    or forced only when the run is over, and never of a run that was rejected, which is final.
    """
    found: dict[str, str] = {}
    over = run not in _GOING_ON or not lives
    if state is State.PENDING_APPROVAL and run in _GOING_ON:
        found |= {"approve": "", "reject": ""}
    if state in _RUN_AGAIN and run is not RunState.REJECTED:
        found["retry"] = "" if over else _LATER
    if state in PASSED and over and run is not RunState.REJECTED:
        found["force"] = ""
    if state is State.FAILED:
        found["attach"] = "" if kept else _NOT_KEPT
    if state in _HAVE_A_NOTEBOOK:
        found["open_notebook"] = ""
    return found | ({"stop": ""} if run in _GOING_ON else {})


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a command: a line, whether it was done, texts to copy, and a link as seen from the notebook.

    `under_way` is True for what is told while the command is still at work.
    """

    verb: str
    text: str
    done: bool = True
    copy: tuple[str, ...] = ()
    link: str = ""
    under_way: bool = False


class Steering:
    """Steers one run of the store in `store`; each verb returns at once and may be called on any thread.

    `tell` is given a line for all that comes of it, `begun` the run process when the run was gone on with, so that
    whoever shows it can follow it again; both are called on the worker's thread.
    """

    def __init__(
        self,
        store: Path,
        run: Follower | str,
        tell: Callable[[str], None],
        begun: Callable[[Launched], None] | None = None,
    ) -> None:
        self.run = run if isinstance(run, str) else run.row.id
        self._folder = store
        self._tell, self._begun = tell, begun
        self._commands: queue.Queue[tuple[str, Callable[[Store], Report]] | None] = queue.Queue()
        self._listeners: list[Callable[[Report], None]] = []
        self._worker: threading.Thread | None = None
        self._starting = threading.Lock()
        self._children: list[Launched] = []  # a process that nobody holds would be warned of
        self.stopping = False  # somebody has asked for the end: the next stop is at once

    def listen(self, listener: Callable[[Report], None]) -> None:
        """Call `listener` with each report, on the worker's thread."""
        self._listeners.append(listener)

    def close(self) -> None:
        """Take no more commands; what is under way is done."""
        self._commands.put(None)

    # verbs

    def approve(self, node_run: str, by: str | None = None) -> None:
        """Let a pending node run start; a run that nobody runs goes on by itself. `by`: None is this user."""
        self._put("approve", lambda store: self._decide(store, node_run, True, by))

    def reject(self, node_run: str, by: str | None = None) -> None:
        """Do not let a pending node run start: the run is aborted."""
        self._put("reject", lambda store: self._decide(store, node_run, False, by))

    def retry(self, node_run: str) -> None:
        """Go on with a run that is over: this node run and all else that did not succeed run again."""
        self._put("retry", lambda store: self._again(store, "retry", f"{node_run} and what did not succeed"))

    def force(self, node: str) -> None:
        """Run a node again although it succeeded or was up to date, and what follows from it, when the run is over."""
        self._put("force", lambda store: self._again(store, "force", f'"{node}"', (node,)))

    def stop(self) -> None:
        """Ask the run to end; the second time, end it at once."""
        at_once, self.stopping = self.stopping, True
        self._put("stop", lambda store: self._stop(store, at_once))

    def attach(self, node_run: str) -> None:
        """Tell how to go into the kernel that --keep-failed left."""
        self._put("attach", lambda store: self._attach(store, node_run))

    def open_notebook(self, node_run: str) -> None:
        """Link the executed notebook; one that JupyterLab would not open is copied beside the user's notebook first."""
        self._put("open_notebook", lambda store: self._open_notebook(store, node_run))

    # the worker

    def _put(self, verb: str, work: Callable[[Store], Report]) -> None:
        with self._starting:
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name=f"dagbook-steer-{self.run}", daemon=True)
                self._worker.start()
        self._commands.put((verb, work))

    def _work(self) -> None:
        from contextlib import closing

        from ..runner.core.errors import DagbookError
        from ..runner.records.store import Store

        while (command := self._commands.get()) is not None:
            verb, work = command
            try:
                with closing(Store(self._folder, create=False)) as store:
                    report = work(store)
            except DagbookError as error:
                report = Report(verb, "; ".join(map(_in_a_line, error.problems)), done=False)
            except Exception as error:  # the board lives on, whatever a command meets
                report = Report(verb, f"{type(error).__name__}: {error}".splitlines()[0], done=False)
            if verb == "stop" and not report.done:
                self.stopping = False
            self._report(report)

    def _report(self, report: Report) -> None:
        self._tell(report.text)
        for listener in self._listeners:
            listener(report)

    def _progress(self, verb: str) -> Callable[[str], None]:
        return lambda text: self._report(Report(verb, text, under_way=True))

    # what the verbs do

    def _decide(self, store: Store, node_run: str, approved: bool, by: str | None) -> Report:
        from ..runner.deciding import decide

        decided = decide(store, self.run, node_run, approved, by, HOW)
        verb = "approve" if approved else "reject"
        told = " ".join(decided.lines()[: len(decided.decisions)])
        if decided.lives or not (approved and decided.as_wanted):
            return Report(verb, told, done=decided.as_wanted)
        return Report(verb, f"{told} {self._go_on_unless_somebody_does(store, verb)}")

    def _go_on_unless_somebody_does(self, store: Store, verb: str) -> str:
        from ..runner.core.errors import PipelineError

        try:
            return self._again(store, verb, "").text
        except PipelineError as error:
            if error.problems[0].code != "E-RUN-LIVE":
                raise
            return "The run goes on."

    def _again(self, store: Store, verb: str, what: str, force: tuple[str, ...] = ()) -> Report:
        from ..runner.core.errors import PipelineError
        from ..runner.steer import again, go_on

        try:
            launched = go_on(store, again(self.run, HOW, force=force), self._progress(verb))
        except PipelineError as error:
            if verb in ("retry", "force") and error.problems[0].code == "E-RUN-LIVE":
                return Report(verb, "The run goes on: this can run again when the run is over or stopped.", done=False)
            raise
        self.stopping = False
        self._children.append(launched)
        warnings = [_in_a_line(found) for found in launched.warnings]
        if self._begun:
            self._begun(launched)
        return Report(verb, " ".join(["The run goes on" + (f": {what} again." if what else "."), *warnings]))

    def _stop(self, store: Store, at_once: bool) -> Report:
        from ..runner.steer import stop, stop_at_once

        if not (stop_at_once if at_once else stop)(store, self.run, HOW):
            return Report("stop", f"Run {self.run} is over already: {store.run(self.run).state}.", done=False)
        return Report("stop", f"Run {self.run} {'was ended' if at_once else 'was asked to end'}.")

    def _attach(self, store: Store, node_run: str) -> Report:
        from ..runner.formats.cell_text import quoted
        from ..runner.formats.commands import command
        from ..runner.kept_runs import check_lives, find_kept
        from ..runner.view import label

        one = find_kept(self._follower(store), node_run)
        check_lives(one)
        elsewhere = f" --store {quoted(str(store.folder))}" if "--store" in command(store.folder, "attach") else ""
        magic = f"%%pipeline_attach {quoted(one.run.id)} --run {self.run}{elsewhere}"
        told = f"The kernel of {label(one.run)} is as it was. In a cell (code below it runs there), or in a terminal:"
        return Report("attach", told, copy=(magic, command(store.folder, "attach", self.run, one.run.id)))

    def _open_notebook(self, store: Store, node_run: str) -> Report:
        from ..runner.jobs import RECORD
        from ..runner.view import label

        follower = self._follower(store)
        run = follower.so_far.node_runs.get(node_run)
        file = follower.folder_of(run) / RECORD if run else None
        if run is None or file is None or not file.is_file():
            return Report("open_notebook", f"{node_run} has no executed notebook.", done=False)
        folder, name = _own_notebook()
        told = f"The executed notebook of {label(run)}"
        if link := notebook_link(file, folder):
            return Report("open_notebook", f"{told}:", copy=(str(file),), link=link)
        copied = folder / f"{name}-runs" / self.run / f"{run.id}.ipynb"
        try:
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copied)
        except OSError as error:
            told += f" could not be copied to {copied.parent} ({error.strerror or error}). It is here:"
            return Report("open_notebook", told, done=False, copy=(str(file),))
        told += ", as a copy, as JupyterLab does not open the store:"
        return Report("open_notebook", told, copy=(str(copied),), link=notebook_link(copied, folder))

    def _follower(self, store: Store) -> Follower:
        from ..runner.records.follow import Follower

        follower = Follower(store, self.run)
        follower.update()
        return follower


_HINTS = {"E-NOT-APPROVER": "Choose one of them beside the button"}  # where the usual hint is about a command line


def _in_a_line(found: Problem) -> str:
    """A problem's message and hint, without its place, in one line."""
    hint = _HINTS.get(found.code, found.hint)
    return " ".join(f"{found.message}. {hint}".strip(" .").split()) + "."


def _own_notebook() -> tuple[Path, str]:
    """The folder of the notebook that somebody sits at, and its name without its ending."""
    told = Path(os.environ.get("JPY_SESSION_NAME", ""))
    if told.suffix == ".ipynb" and told.is_file():
        return told.absolute().parent, told.stem
    return Path.cwd(), "notebook"


def notebook_link(file: Path, folder: Path) -> str:
    """`file` as a link from a notebook in `folder`; empty where a server would not open it.

    The folder of the notebook is below the server's root, what is above may be not; hidden folders are refused.
    """
    try:
        inside = file.resolve().relative_to(folder.resolve())
    except ValueError:
        return ""
    return "" if any(part.startswith(".") for part in inside.parts) else quote(inside.as_posix())


def buttons_box(steering: Steering, run: NodeRun | None, state: RunState, lives: bool = True) -> HBox:
    """The buttons for a node run (None: for the run alone) as they make sense now, and a line for what comes of them.

    To keep them through changes make `steering_buttons.Buttons` and call its `show`.
    """
    from .steering_buttons import Buttons

    buttons = Buttons(steering)
    buttons.show(run, state, lives)
    return buttons.box
