"""Commands that run or plan: run, plan, check, graph, cancel."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_options import (
    AS_JSON,
    FILE,
    STORE,
    asked_of,
    findings,
    guarded,
    parameter_options,
    print_json,
    read,
    selection_options,
    setting_options,
    settings_of,
    sound,
    store_at,
    tell_problems,
)

if TYPE_CHECKING:
    from .core.lifecycle import RunSoFar
    from .formats.notebook import Definition
    from .host import Hosted
    from .plan import Asked
    from .records.follow import Follower

CANCEL_SECONDS = 30  # how long `cancel` waits for the end of the run
_SETTINGS = ("executor", "jobs", "image", "max_runs", "code")


@click.command()
@FILE
@parameter_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="OUT.ipynb",
    help="The notebook, every node's outputs in its cell.",
)
@setting_options
@selection_options
@click.option(
    "--on-error",
    type=click.Choice(["stop-next", "stop-all", "continue"]),
    help="What a failed node means for others [stop-next].",
)
@STORE
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="JUnit XML, a test case per node run.")
@click.option("--summary", metavar="FILE", help="Markdown summary; auto: the CI job's.")
@click.option("--detach", is_flag=True, help="Start it, print its id, and leave it alone.")
@click.option("-q", "--quiet", is_flag=True, help="Do not print what nodes print.")
@AS_JSON
@guarded
def run(file: Path, output: Path | None, as_json: bool, detach: bool, quiet: bool, **options: Any) -> int:
    """Run the pipeline of FILE.

    The second Ctrl-C ends everything at once; the first one ends it in order, keeping the notebooks.
    """
    from .formats.settings import find_store

    definition = _read(file, options)
    warnings = sound(definition)
    settings = settings_of(file, **{name: options[name] for name in _SETTINGS})
    store = find_store(options["store"], file)
    reports = {"output": output, "junit": options["junit"], "summary": options["summary"]}
    asked = asked_of(
        definition,
        settings,
        nodes=options["nodes"],
        start=options["start"],
        until=options["until"],
        on_error=options["on_error"],
        keep_out=tuple(path.absolute() for path in (output, options["junit"]) if path),
        started_by="dagbook run --detach" if detach else "dagbook run",
    )
    tell_problems(warnings)
    if detach:
        return _detached(asked, store, as_json)
    return _attended(definition, asked, store, as_json, quiet, reports)


def _read(file: Path, options: dict[str, Any]) -> Definition:
    return read(file, options["typed"], options["raw"], options["yaml_texts"], options["yaml_files"])


def _detached(asked: Asked, store: Path, as_json: bool) -> int:
    from .launch import launch

    started = launch(asked, store, tied=False, tell=lambda text: click.echo(text, err=True))
    tell_problems(started.warnings)
    if as_json:
        print_json({"run": started.run, "pipeline": asked.pipeline.name, "state": "running"})
    else:
        click.echo(started.run)
    return 0


def _attended(
    definition: Definition, asked: Asked, store: Path, as_json: bool, quiet: bool, reports: dict[str, Any]
) -> int:
    """Be the run process: run to the end while a thread shows it, then write the reports."""
    from . import console
    from .host import Hosted
    from .plan import prepare
    from .records.follow import Follower
    from .records.store import Store

    shown = sys.stderr if as_json else sys.stdout
    plan, opened = prepare(asked, lambda: Store(store), lambda text: click.echo(text, err=True))
    tell_problems(plan.warnings)
    hosted = Hosted(plan, opened)
    names = {executor.name for executor in plan.executors.values()}
    print(f"Run {hosted.id} of {plan.pipeline.name} ({', '.join(sorted(names))})", file=shown, flush=True)
    follower = Follower(opened, hosted.id)
    looker = threading.Thread(target=console.follow_on, args=(shown, follower, quiet), daemon=True)
    looker.start()
    so_far = hosted.run(on_signals=True)
    looker.join()
    console.tell_end(shown, follower)
    _write_reports(definition, follower, reports)
    if as_json:
        _print_run(follower)
    return _exit_code(so_far, hosted)


def _write_reports(definition: Definition, follower: Follower, reports: dict[str, Any]) -> None:
    from . import report

    if reports["output"]:
        report.write_notebook(reports["output"], definition, follower)
    if reports["junit"]:
        report.write_junit(reports["junit"], follower)
    if reports["summary"] and (path := report.summary_path(reports["summary"])):
        report.write_summary(path, definition.pipeline, follower)


def _print_run(follower: Follower) -> None:
    from .view_json import run_json

    row = follower.store.run(follower.row.id)
    print_json(run_json(row, follower.so_far, follower.store.artifacts, time.time()))


def _exit_code(so_far: RunSoFar, hosted: Hosted) -> int:
    from .core.lifecycle import RunState

    if so_far.state is RunState.CANCELLED:
        return 130 if hosted.cancelled == "Ctrl-C" else 4
    return {RunState.SUCCEEDED: 0, RunState.FAILED: 1}.get(so_far.state, 4)


@click.command()
@FILE
@parameter_options
@setting_options
@selection_options
@AS_JSON
@guarded
def plan(file: Path, as_json: bool, **options: Any) -> int:
    """What would run, how often and on what; nothing is started and nothing stored."""
    from . import view, view_json
    from .core.scheduler import planner
    from .plan import check_asked

    definition = _read(file, options)
    warnings = sound(definition)
    settings = settings_of(file, **{name: options[name] for name in _SETTINGS})
    asked = asked_of(definition, settings, nodes=options["nodes"], start=options["start"], until=options["until"])
    pipeline, reused, _ = check_asked(asked)
    planned = planner(pipeline, reused)
    tell_problems(warnings)
    if as_json:
        print_json(view_json.plan_json(pipeline, planned))
    else:
        click.echo(view.plan_text(pipeline, planned))
    return 0


@click.command()
@FILE
@parameter_options
@AS_JSON
@guarded
def check(file: Path, as_json: bool, **options: Any) -> int:
    """What is wrong with FILE: names, edges, options, code; without running anything."""
    definition = _read(file, options)
    warnings = sound(definition)
    if as_json:
        print_json(findings(warnings))
    else:
        tell_problems(warnings)
        nodes = len(definition.pipeline.nodes)
        click.echo(f"{file}: {nodes} node{'s' if nodes != 1 else ''}, nothing wrong.")
    return 0


@click.command()
@FILE
@parameter_options
@click.option(
    "--format", "form", type=click.Choice(["text", "mermaid"]), default="text", help="How it is drawn [text]."
)
@guarded
def graph(file: Path, form: str, **options: Any) -> int:
    """Draw the pipeline of FILE."""
    from . import view

    definition = _read(file, options)
    sound(definition)
    click.echo(view.tree(definition.pipeline) if form == "text" else view.mermaid(definition.pipeline))
    return 0


@click.command()
@click.argument("wanted", metavar="RUN")
@STORE
@guarded
def cancel(wanted: str, store: Path | None) -> int:
    """End a run: its containers go, what is done is kept. RUN is an id, its beginning, or latest."""
    from .launch import cancel as ask
    from .records.follow import Follower
    from .records.processes import user_name

    opened = store_at(store)
    row = opened.run(wanted)
    if not ask(opened, row.id, f"cancelled by {user_name()} with dagbook cancel"):
        click.echo(f"Run {row.id} is over already: {opened.run(row.id).state}.")
        return 0
    follower = Follower(opened, row.id)
    deadline = time.monotonic() + CANCEL_SECONDS
    for _ in follower.follow(idle=True):
        if not follower.over and time.monotonic() > deadline:
            process = follower.row.process
            click.echo(f"Run {row.id} was asked to end; its process ({process['host']}, {process['pid']}) is silent.")
            return 1
    click.echo(f"Run {row.id} {follower.so_far.state}.")
    return 0
