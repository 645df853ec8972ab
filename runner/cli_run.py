"""Commands on a file: run, plan, graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_attended import attend
from .cli_given import GIVEN, GRID, parameter_options
from .cli_help import helping
from .cli_observers import observer_options, observers_asked
from .cli_options import (
    AS_JSON,
    FILE,
    STORE,
    asked_of,
    cache_options,
    file_options,
    guarded,
    print_json,
    read,
    selection_options,
    setting_options,
    settings_of,
    sound,
    tell_problems,
    waiting_option,
)
from .cli_reports import ANNOTATIONS, NOTEBOOK, report_options, reporting, tell_findings
from .grouped_help import Grouped

if TYPE_CHECKING:
    from .asked import Asked
    from .core.errors import Problem
    from .core.model import Pipeline
    from .formats.notebook import Definition
    from .reports.wanted import Reports

_SETTINGS = ("executor", "jobs", "image", "max_runs", "code")


@click.command(cls=Grouped)
@FILE
@file_options
@parameter_options
@GRID
@NOTEBOOK
@setting_options
@selection_options
@click.option(
    "--on-error",
    type=click.Choice(["stop-next", "stop-all", "continue"]),
    help="What a failed node means for others [stop-next].",
)
@click.option("--keep-failed", is_flag=True, help="Let the kernel of a failed node stay, for dagbook attach.")
@cache_options
@waiting_option
@STORE
@report_options
@ANNOTATIONS
@observer_options
@click.option("--detach", is_flag=True, help="Start it, print its id, and leave it alone.")
@click.option("-q", "--quiet", is_flag=True, help="Do not print what nodes print.")
@AS_JSON
@guarded
@helping
@reporting
def run(file: Path, as_json: bool, detach: bool, quiet: bool, reports: Reports, **options: Any) -> int:
    """Run the pipeline of FILE.

    The second Ctrl-C ends everything at once; the first one ends it in order, keeping the notebooks.

    \b
    dagbook run churn.ipynb
    dagbook run churn.ipynb -p epochs 5 -o out.ipynb
    dagbook run churn.ipynb --until train --grid train.lr=0.1,0.01
    dagbook run churn.ipynb --junit junit.xml --summary auto
    """
    from .formats.settings import find_store

    definition = _read(file, options)
    warnings = sound(definition)
    observers = observers_asked(options)
    settings = settings_of(file, **{name: options[name] for name in _SETTINGS}, **observers)
    store = find_store(options["store"], file)
    asked = asked_of(
        definition,
        settings,
        nodes=options["nodes"],
        start=options["start"],
        until=options["until"],
        on_error=options["on_error"],
        force=options["force"],
        cache=not options["no_cache"],
        keep_failed=options["keep_failed"],
        waits=not options["no_wait"],
        keep_out=reports.files(),
        started_by="dagbook run --detach" if detach else "dagbook run",
    )
    telling = _Telling(reports, as_json)
    telling.tell(warnings)
    if detach:
        reports.write_ahead(definition)
        return _detached(asked, store, telling, observers)
    return _attended(definition, asked, store, telling, quiet, observers)


def _read(file: Path, options: dict[str, Any]) -> Definition:
    names = (*GIVEN, "grids", "pipeline", "image_map", "input_map")
    return read(file, **{name: options[name] for name in names})


@dataclass
class _Telling:
    """How findings are told; each is told once, also when the plan finds it again."""

    reports: Reports
    as_json: bool
    _told: list[Problem] = field(default_factory=list)

    def tell(self, found: Iterable[Problem]) -> None:
        """Tell those that were not told yet."""
        from .core.errors import only_new

        new = only_new(found, self._told)
        self._told += new
        tell_findings(new, self.reports, self.as_json)


def _detached(asked: Asked, store: Path, telling: _Telling, observers: dict[str, Any]) -> int:
    from .launch import launch

    tell = partial(click.echo, err=True)
    started = launch(asked, store, tied=False, tell=tell, reports=telling.reports.words(), observers=observers)
    telling.tell(started.warnings)
    if telling.as_json:
        print_json({"run": started.run, "pipeline": asked.pipeline.name, "state": "running"})
    else:
        click.echo(started.run)
    return 0


def _attended(
    definition: Definition,
    asked: Asked,
    store: Path,
    telling: _Telling,
    quiet: bool,
    observers: dict[str, Any],
) -> int:
    """Be the run process: run to the end while a thread shows it, then write the reports."""
    from .host import Hosted
    from .observers.chosen import observers_for
    from .plan import prepare
    from .records.glance import unheard
    from .records.store import Store

    tell = partial(click.echo, err=True)
    looking_on = observers_for(asked.folder, asked.pipeline, observers)
    plan, opened = prepare(asked, lambda: Store(store), tell)
    telling.tell(unheard(opened, plan.warnings))
    telling.reports.write_ahead(definition)
    hosted = Hosted(plan, opened, tell, observers=looking_on)
    return attend(hosted, opened, lambda: definition, telling.as_json, quiet, telling.reports)


@click.command(cls=Grouped)
@FILE
@file_options
@parameter_options
@GRID
@setting_options
@selection_options
@cache_options
@STORE
@AS_JSON
@guarded
@helping
def plan(file: Path, as_json: bool, **options: Any) -> int:
    """What would run, how often and on what, what is up to date, and why not; no node is run.

    \b
    dagbook plan churn.ipynb
    dagbook plan churn.ipynb -p epochs 5 --from train
    """
    from .core.errors import only_new
    from .forecast import forecast
    from .formats.settings import find_store
    from .plan_view import plan_json, plan_text

    definition = _read(file, options)
    warnings = sound(definition)
    settings = settings_of(file, **{name: options[name] for name in _SETTINGS})
    chosen = {name: options[name] for name in ("nodes", "start", "until", "force")}
    asked = asked_of(definition, settings, **chosen, cache=not options["no_cache"])
    store = find_store(options["store"], file)
    pipeline, planned, computes, more = forecast(asked, store, partial(click.echo, err=True))
    tell_problems([*warnings, *only_new(more, warnings)])
    if as_json:
        print_json({**plan_json(pipeline, planned), "computes": computes})
    else:
        click.echo(plan_text(pipeline, planned))
        for title, name in computes.items():
            click.echo(f'"{title}" gets the compute template {name}.')
    return 0


@click.command()
@FILE
@file_options
@parameter_options
@GRID
@click.option(
    "--format", "form", type=click.Choice(["text", "mermaid", "svg"]), help="How it is drawn [as OUT ends, else text]."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="OUT",
    help="The file: .svg, .mmd or .txt [standard output].",
)
@click.option("--whole", is_flag=True, help="In an svg each node by itself, also where there are more than 300.")
@guarded
def graph(file: Path, form: str | None, output: Path | None, whole: bool, **options: Any) -> int:
    """Draw the pipeline of FILE.

    \b
    dagbook graph churn.ipynb
    dagbook graph churn.ipynb -o churn.svg
    dagbook graph churn.ipynb --format mermaid
    """
    from .formats.nested import as_seen
    from .saved_text import save_text

    form = form or _form_of(output)
    definition = _read(file, options)
    sound(definition)
    picture = _picture(as_seen(definition.pipeline, definition.folder or file.absolute().parent), form, whole)
    if output:
        save_text(output, f"{picture}\n", file)
        click.echo(f"Wrote {output}.", err=True)
    else:
        click.echo(picture)
    return 0


_FORMS = {".svg": "svg", ".mmd": "mermaid", ".txt": "text"}


def _form_of(output: Path | None) -> str:
    """How a file of this name is drawn. Raises PipelineError (E-USAGE)."""
    if output is None:
        return "text"
    if output.suffix in _FORMS:
        return _FORMS[output.suffix]
    from .core.errors import PipelineError, problem

    what = f"{output} does not tell by its ending how the pipeline is to be drawn"
    raise PipelineError(problem("E-USAGE", what=what, hint="Call it .svg, .mmd or .txt; or say it with --format."))


def _picture(pipeline: Pipeline, form: str, whole: bool) -> str:
    if form == "svg":
        from .board.graph_svg import graph_svg
        from .board.pictured import planned_scene

        return graph_svg(planned_scene(pipeline, whole=whole), "light")
    from . import diagram

    return diagram.tree(pipeline) if form == "text" else diagram.mermaid(pipeline)
