"""The command that writes reports of a run later: one that was detached, or that was started in JupyterLab."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .cli_attended import NOT_WRITTEN
from .cli_options import STORE, guarded, store_at, tell_problems
from .cli_reports import NOTEBOOK, report_options, reporting

if TYPE_CHECKING:
    from .reports.wanted import Reports


@click.command()
@click.argument("wanted", metavar="[RUN]", default="latest")
@NOTEBOOK
@report_options
@click.option(
    "--annotations",
    type=click.Choice(["github", "none"]),
    default="none",
    help="Show what is wrong at its line of the file, as GitHub Actions takes it [none].",
)
@STORE
@guarded
@reporting
def report(wanted: str, store: Path | None, reports: Reports) -> int:
    """Write reports of a run, as it is now. RUN is an id, its beginning, or latest.

    \b
    dagbook report latest --html run.html
    dagbook report 10c7e5ad --junit junit.xml --summary summary.md
    """
    from .core.errors import PipelineError, problem
    from .kept_definition import definition_of
    from .records.follow import Follower
    from .records.run_notes import keep_out
    from .records.settling import settle_if_it_can
    from .reports.writing import write_reports

    opened = store_at(store)
    row = opened.run(wanted)
    if not reports.annotate and not list(reports.paths()):
        hint = "Name one: --html FILE, --junit FILE, --summary FILE, -o OUT.ipynb."
        raise PipelineError(problem("E-USAGE", what="no report is asked for", hint=hint))
    settle_if_it_can(opened, row)
    follower = Follower(opened, row.id)
    follower.update()
    if follower.over:
        keep_out(opened, row.id, reports.files())
    faults = write_reports(reports, follower, lambda: definition_of(opened, row), sys.stdout)
    tell_problems(faults.values())
    if told := reports.told():
        click.echo(told, err=True)
    return NOT_WRITTEN if faults else 0
