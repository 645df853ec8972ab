"""The magics that run and look: %pipeline_run, _resume, _plan, _show, _stop."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand

from ..runner.core.errors import only_new
from ..runner.formats.parsers import help_text
from .boards import Boards, kept_of, plan_picture, show, show_nodes
from .draft import Draft
from .hooks import must_wait, origin_of
from .spares import heed

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..runner.asked import Asked
    from ..runner.core.errors import PipelineError, Problem
    from ..runner.formats.magic_lines import Line
    from ..runner.launch import Launched
    from ..runner.records.follow import Follower
    from ..runner.records.store import RunRow, Store
    from .live import Live


STOP_SECONDS = 30  # how long %pipeline_stop waits for the end of the run


@magics_class
class RunMagics(Magics):
    """Runs the notebook's pipeline in a process of its own, and shows it in the notebook's cells."""

    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell, draft: Draft) -> None:
        super().__init__(shell)
        self._draft = draft
        self._live: Live | None = None
        self._told: list[Problem] = []  # warnings of the pipeline as it was when it was last asked for
        self._shows: dict[str, Live] = {}  # which run the cell with a display id shows
        self._boards = Boards()

    @no_var_expand
    @line_magic
    def pipeline_run(self, line: str) -> None:
        from ..runner.formats.magic_lines import read_line
        from ..runner.launch import launch

        read = read_line("pipeline_run", line)
        asked = self._asked(read)
        waits = must_wait(self.shell) or read.values["wait"]
        if earlier := self._live_run(read):
            how = "waits for an approval" if earlier.state == "pending_approval" else "goes on"
            _show_text(f"Run {earlier.id} still {how}: %pipeline_show {earlier.id}, or %pipeline_stop {earlier.id}")
        progress = _Progress()
        launched = launch(asked, _store_folder(read), tied=waits, tell=progress, observers=_observers(read))
        with launched.attended():
            progress.done()
            self._attend(launched, waits, read.values.get("theme") or "auto")

    @no_var_expand
    @line_magic
    def pipeline_resume(self, line: str) -> None:
        from ..runner.core.values import to_json, typed
        from ..runner.formats.magic_lines import pairs, read_line
        from ..runner.steer import again, done_words, go_on

        read = read_line("pipeline_resume", line)
        self._told = []
        store = _store(read)
        wanted = read.title or (self._live.run if self._live else "latest")
        parameters = {name: to_json(typed(value or "")) for name, value, _ in pairs(read, "param")}
        waits = must_wait(self.shell) or read.values["wait"]
        run, force = store.run(wanted).id, read.values["force"] or ()
        order = again(run, "%pipeline_resume", parameters, force, waits=not must_wait(self.shell))
        if words := done_words(store, order):
            _show_text(words)
            return
        progress = _Progress()
        launched = go_on(store, order, progress, tied=waits, observers=_observers(read))
        with launched.attended():
            progress.done()
            self._attend(launched, waits, read.values.get("theme") or "auto")

    def _attend(self, launched: Launched, waits: bool, theme: str) -> None:
        """Show the run in the cells; wait for it where nobody looks on."""
        _tell_warnings(only_new(launched.warnings, self._told))
        follower = _follower(launched.store, launched.run)
        live = self._show_live(follower, theme)
        if not waits:
            live.start()
            return
        try:
            live.follow()
        except KeyboardInterrupt:
            _cancel(follower, "Ctrl-C")
            live.follow()
            raise KeyboardInterrupt from None  # where our code was at that moment tells nobody anything
        launched.wait_for_observers()
        _raise_unless_passed(follower, self._draft.numbers())

    def _show_live(self, follower: Follower, theme: str) -> Live:
        """Show a run, on a board where somebody looks on, and in the cells that define its nodes."""
        titles = [node["title"] for node in follower.row.record["pipeline"]["nodes"]]
        handles = {title: self._draft.handle_of(title) for title in titles}
        cells = {title: id for title, id in handles.items() if id}
        for id in cells.values():
            if id in self._shows:
                self._shows[id].leave_cells([id])  # the earlier run keeps its own cell
        self._live = self._shown(follower, cells, theme)
        self._shows |= dict.fromkeys(cells.values(), self._live)
        return self._live

    def _shown(self, follower: Follower, cells: dict[str, str], theme: str) -> Live:
        """Show a run in the cell that runs now: a static picture, and a board where somebody looks on."""
        from .live import Live, run_picture

        follower.update()
        started: list[Live] = []
        board = None
        if not must_wait(self.shell):
            board = self._boards.of_run(follower, theme, lambda _launched: started[0].start())
        run, shown = follower.row.id, f"dagbook-run-{follower.row.id}"
        show(run_picture(follower, board is not None), board, shown, run=run)
        started.append(Live(follower, cells, shown, board))
        return started[0] if must_wait(self.shell) else kept_of(self.shell).keep(origin_of(self.shell), started[0])

    def _asked(self, read: Line) -> Asked:
        from ..runner.asked import ask
        from ..runner.core.check import check
        from ..runner.core.consequences import without_consequences
        from ..runner.core.errors import raise_errors
        from ..runner.formats.notebook import flow_findings
        from ..runner.formats.settings import read_settings

        pipeline = self._draft.to_pipeline(self.shell.user_ns)
        folder, file = _where(self.shell)
        self._told = raise_errors(without_consequences([*check(pipeline), *flow_findings(pipeline, folder)]))
        _tell_warnings(self._told)
        names = ("executor", "jobs", "image", "max_runs", "code")
        flags = {name: read.values.get(name) for name in names}
        settings = read_settings(folder, {**flags, **_observers(read)})
        heed(settings.spare)
        more = {"nodes": read.values["node"], "start": read.values["from"], "until": read.values["until"]}
        titles: dict[str, Any] = {name: tuple(found or ()) for name, found in more.items()}
        titles["force"] = tuple(read.values.get("force") or ())
        titles["cache"] = not read.values.get("no_cache")
        titles["keep_failed"] = bool(read.values.get("keep_failed"))
        # Where nobody can be asked, nobody can decide: the run ends, and can be resumed.
        titles["waits"] = not (read.values.get("no_wait") or must_wait(self.shell))
        on_error = read.values.get("on_error")
        return ask(pipeline, settings, folder, file=file, on_error=on_error, started_by="%pipeline_run", **titles)

    @no_var_expand
    @line_magic
    def pipeline_plan(self, line: str) -> None:
        from ..runner.forecast import forecast
        from ..runner.formats.magic_lines import read_line
        from ..runner.plan_view import plan_text

        read = read_line("pipeline_plan", line)
        progress = _Progress()
        pipeline, planned, _computes, warnings = forecast(self._asked(read), _store_folder(read), progress)
        progress.done()
        _tell_warnings(only_new(warnings, self._told))
        _show_text(plan_text(pipeline, planned))

    @no_var_expand
    @line_magic
    def pipeline_show(self, line: str) -> None:
        from ..runner.formats.magic_lines import read_line

        read = read_line("pipeline_show", line)
        theme = read.values.get("theme") or "auto"
        going = None if read.title or read.values.get("plan") else self._live_run(read)
        if going:
            _show_text(f"Run {going.id} goes on. The pipeline as it is written now: %pipeline_show --plan")
        wanted = read.title or (going.id if going else None)
        if wanted is None:
            self._show_plan(theme)
            return
        store = _store(read)
        follower = _follower(store.folder, store.run(wanted).id)
        live = self._shown(follower, {}, theme) if read.title else self._show_live(follower, theme)
        if must_wait(self.shell):
            show_nodes(follower)
        else:
            live.start()

    def _live_run(self, read: Line) -> RunRow | None:
        """The run of this notebook that goes on, if there is one: after a reload or a restart it is picked up again."""
        from ..runner.core.errors import PipelineError
        from ..runner.records.glance import live_run

        if must_wait(self.shell):  # nobody comes back to a batch
            return None
        try:
            store = _store(read)
        except PipelineError:  # there is none yet
            return None
        name = (self._draft.name or "pipeline") if self._draft.nodes() else None
        return live_run(store, name, _where(self.shell)[1])

    def _show_plan(self, theme: str) -> None:
        """Show the pipeline as it is written so far; mistakes in it are marked, and end the cell."""
        from ..runner.core.check import check
        from ..runner.core.errors import raise_errors
        from ..runner.formats.notebook import flow_findings

        faults: list[Problem] = []
        pipeline = self._draft.to_pipeline(self.shell.user_ns, faults)
        faults += flow_findings(pipeline, _where(self.shell)[0])
        problems = [*faults, *check(pipeline)]
        _tell_warnings(one for one in problems if not one.is_error)
        board = None
        if pipeline.nodes and not must_wait(self.shell):
            board = self._boards.of_pipeline(pipeline, theme, faults)
            if board is not None:
                kept_of(self.shell).keep(origin_of(self.shell), board)
        if pipeline.nodes:
            show(plan_picture(pipeline, board is not None, problems), board)
        raise_errors(problems)

    @no_var_expand
    @line_magic
    def pipeline_stop(self, line: str) -> None:
        from ..runner.formats.magic_lines import read_line

        read = read_line("pipeline_stop", line)
        store = _store(read)
        wanted = read.title or (self._live.run if self._live else "latest")
        follower = _follower(store.folder, store.run(wanted).id)
        if _cancel(follower, "%pipeline_stop"):
            deadline = time.monotonic() + STOP_SECONDS
            for _ in follower.follow(idle=True):
                if time.monotonic() > deadline:
                    break
            state = follower.so_far.state if follower.over else "was asked to end; its process is silent"
            _show_text(f"Run {follower.row.id} {state}.")
        else:
            _show_text(f"Run {follower.row.id} is over already: {store.run(wanted).state}.")


for _name in ("pipeline_run", "pipeline_resume", "pipeline_plan", "pipeline_show", "pipeline_stop"):
    getattr(RunMagics, _name).__doc__ = help_text(_name)


class _Progress:
    """Lines of progress while a run is being prepared, in one display that is taken away when it begins."""

    def __init__(self) -> None:
        self._handle: Any = None

    def __call__(self, text: str) -> None:
        from IPython.display import display

        bundle = {"text/plain": text}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True)

    def done(self) -> None:
        """Take the line away."""
        if self._handle is not None:
            self._handle.update({"text/plain": ""}, raw=True)


def _where(shell: Any) -> tuple[Path, Path | None]:
    """The notebook's folder, and its file where the front end tells it."""
    told = shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    file = Path(told) if told and Path(told).suffix == ".ipynb" and Path(told).is_file() else None
    return Path.cwd(), file.absolute() if file else None


def _observers(read: Line) -> dict[str, Any]:
    """The settings of those who look on, as far as the line gives them."""
    names = ("mlflow", "mlflow_experiment", "notify", "notify_on")
    return {name: read.values[name] for name in names if read.values.get(name)}


def _store_folder(read: Line) -> Path:
    from ..runner.formats.settings import find_store

    return find_store(read.values.get("store"))


def _store(read: Line) -> Store:
    from ..runner.records.store import Store

    return Store(_store_folder(read), create=False)


def _follower(store: Path, run: str) -> Follower:
    from ..runner.records.follow import Follower
    from ..runner.records.store import Store

    return Follower(Store(store, create=False), run)


def _cancel(follower: Follower, how: str) -> bool:
    from ..runner.steer import stop

    return stop(follower.store, follower.row.id, how)


def _raise_unless_passed(follower: Follower, numbers: Mapping[str, int]) -> None:
    """End the cell with an error when the run did not succeed, so that papermill and CI see it."""
    from ..runner.core.lifecycle import RunState
    from ..runner.run_error import run_error

    if follower.so_far.state is RunState.PENDING_APPROVAL:
        raise _waits(follower)
    if follower.so_far.state is not RunState.SUCCEEDED:
        raise run_error(follower, numbers)


def _waits(follower: Follower) -> PipelineError:
    """What a cell raises that may not wait for people: who is asked, and the commands that go on."""
    from ..runner.core.errors import PipelineError, Place, problem
    from ..runner.core.lifecycle import State
    from ..runner.formats.commands import deciding, going_on
    from ..runner.view import label

    store, row = follower.store.folder, follower.row
    pending = [run for run in follower.so_far.node_runs.values() if run.state is State.PENDING_APPROVAL]
    commands = "\n  ".join([*(deciding(store, row.id, run) for run in pending), going_on(store, row.outermost)])
    waiting = ", ".join(f"{label(run)} {run.reason}" for run in pending)
    place = Place(cell=follower.cell_of(pending[0].node))
    return PipelineError(problem("E-PENDING", place, run=row.id, waiting=waiting, commands=commands))


def _tell_warnings(warnings: Any) -> None:
    for found in warnings:
        _show_text(found.describe())


def _show_text(text: str) -> None:
    from IPython.display import display

    display({"text/plain": text}, raw=True)  # type: ignore[no-untyped-call]
