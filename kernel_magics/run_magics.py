"""The magics that run and look: %pipeline_run, %pipeline_plan, %pipeline_show, %pipeline_runs, %pipeline_stop."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand

from ..runner.formats.options import help_text
from .draft import Draft

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..runner.formats.magic_lines import Line
    from ..runner.plan import Asked
    from ..runner.records.follow import Follower
    from ..runner.records.store import Store
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

    @no_var_expand
    @line_magic
    def pipeline_run(self, line: str) -> None:
        from ..runner.formats.magic_lines import read_line
        from ..runner.launch import launch

        read = read_line("pipeline_run", line)
        asked = self._asked(read)
        waits = _must_wait(self.shell) or read.values["wait"]
        print_line = _Progress()
        launched = launch(asked, _store_folder(read), tied=waits, tell=print_line)
        print_line.done()
        _tell_warnings(launched.warnings)
        follower = _follower(launched.store, launched.run)
        live = self._show_live(follower, asked)
        if not waits:
            live.start()
            return
        try:
            live.follow()
        except KeyboardInterrupt:
            _cancel(follower, "Ctrl-C")
            live.follow()
            raise
        _raise_unless_passed(follower)

    def _show_live(self, follower: Follower, asked: Asked) -> Live:
        from IPython.display import display

        from ..extension import pictures
        from .live import Live

        if self._live:
            self._live.leave()
        board = f"dagbook-run-{follower.row.id}"
        about = {"dagbook": {"run": follower.row.id}}
        display(pictures.board(follower), raw=True, display_id=board, metadata=about)  # type: ignore[no-untyped-call]
        handles = {node.title: self._draft.handle_of(node.title) for node in asked.pipeline.nodes}
        self._live = Live(follower, {title: id for title, id in handles.items() if id}, board)
        return self._live

    def _asked(self, read: Line) -> Asked:
        from ..runner.core.errors import raise_errors
        from ..runner.core.graph import check
        from ..runner.formats.settings import read_settings
        from ..runner.plan import ask

        pipeline = self._draft.to_pipeline(self.shell.user_ns)
        _tell_warnings(raise_errors(check(pipeline)))
        folder, file = _where(self.shell)
        names = ("executor", "jobs", "image", "max_runs", "code")
        settings = read_settings(folder, {name: read.values.get(name) for name in names})
        more = {"nodes": read.values["node"], "start": read.values["from"], "until": read.values["until"]}
        titles = {name: tuple(found or ()) for name, found in more.items()}
        on_error = read.values.get("on_error")
        return ask(pipeline, settings, folder, file=file, on_error=on_error, started_by="%pipeline_run", **titles)

    @no_var_expand
    @line_magic
    def pipeline_plan(self, line: str) -> None:
        from ..runner import view
        from ..runner.core.scheduler import planner
        from ..runner.formats.magic_lines import read_line
        from ..runner.plan import check_asked

        pipeline, reused, warnings = check_asked(self._asked(read_line("pipeline_plan", line)))
        _tell_warnings(warnings)
        _show_text(view.plan_text(pipeline, planner(pipeline, reused)))

    @no_var_expand
    @line_magic
    def pipeline_show(self, line: str) -> None:
        from IPython.display import display

        from ..extension import pictures
        from ..runner.formats.magic_lines import read_line

        read = read_line("pipeline_show", line)
        if not read.title:
            display(self._drawn(), raw=True)  # type: ignore[no-untyped-call]
            return
        store = _store(read)
        follower = _follower(store.folder, store.run(read.title).id)
        follower.update()
        display(pictures.board(follower), raw=True)  # type: ignore[no-untyped-call]
        for title in dict.fromkeys(watched.run.node for watched in follower.listed()):
            runs = [watched for watched in follower.listed() if watched.run.node == title]
            display(pictures.bundle(title, runs), raw=True)  # type: ignore[no-untyped-call]

    def _drawn(self) -> dict[str, str]:
        """The pipeline as Mermaid, which JupyterLab and GitHub draw, and as a tree of text."""
        from ..runner import view
        from ..runner.core.errors import raise_errors
        from ..runner.core.graph import check

        pipeline = self._draft.to_pipeline(self.shell.user_ns)
        _tell_warnings(raise_errors(check(pipeline)))
        return {
            "text/markdown": f"```mermaid\n{view.mermaid(pipeline)}\n```",
            "text/plain": view.tree(pipeline),
        }

    @no_var_expand
    @line_magic
    def pipeline_runs(self, line: str) -> None:
        from ..runner import view
        from ..runner.formats.magic_lines import read_line
        from ..runner.records.follow import settle_all

        store = _store(read_line("pipeline_runs", line))
        settle_all(store)
        _show_text(view.runs_text(store.runs(), time.time()))

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


for _name in ("pipeline_run", "pipeline_plan", "pipeline_show", "pipeline_runs", "pipeline_stop"):
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


def _must_wait(shell: Any) -> bool:
    """True where nobody looks on and nothing comes after the last cell: papermill, nbclient, nbconvert, a terminal.

    A front end that can ask its user says so with each execute request; batch runners say that they cannot.
    """
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return True
    request = kernel.get_parent("shell")
    return not request.get("content", {}).get("allow_stdin", False)


def _where(shell: Any) -> tuple[Path, Path | None]:
    """The notebook's folder, and its file where the front end tells it."""
    told = shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    file = Path(told) if told and Path(told).suffix == ".ipynb" and Path(told).is_file() else None
    return Path.cwd(), file.absolute() if file else None


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
    from ..runner.launch import cancel
    from ..runner.records.processes import user_name

    return cancel(follower.store, follower.row.id, f"cancelled by {user_name()} with {how}")


def _raise_unless_passed(follower: Follower) -> None:
    """End the cell with an error when the run did not succeed, so that papermill and CI see it."""
    from ..runner.core.lifecycle import RunState
    from ..runner.report import run_error

    if follower.so_far.state is not RunState.SUCCEEDED:
        raise run_error(follower)


def _tell_warnings(warnings: Any) -> None:
    for found in warnings:
        _show_text(found.describe())


def _show_text(text: str) -> None:
    from IPython.display import display

    display({"text/plain": text}, raw=True)  # type: ignore[no-untyped-call]
