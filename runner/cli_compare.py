"""The command that compares: routes of a run, or runs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .cli_options import AS_JSON, STORE, guarded, print_json, store_at


@click.command()
@click.argument("wanted", metavar="[RUN]...", nargs=-1)
@click.option("--node", "nodes", multiple=True, metavar="NODE", help="Compare the runs of NODE: a title, slug or id.")
@click.option("--by", metavar="TAG", help="Highest TAG, parameter or duration first; -TAG: lowest first.")
@click.option("--all", "everything", is_flag=True, help="Show parameters that are the same everywhere in columns, too.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the rows as CSV, every value in full.")
@STORE
@AS_JSON
@guarded
def compare(
    wanted: tuple[str, ...],
    nodes: tuple[str, ...],
    by: str | None,
    everything: bool,
    as_csv: bool,
    store: Path | None,
    as_json: bool,
) -> int:
    """The routes of a run, or several runs, side by side: parameters, tags, metrics, durations, what differs.

    RUN is an id, its beginning, or latest. Of one run, the nodes that ran several times are compared.

    \b
    dagbook compare latest --by accuracy
    dagbook compare 10c7e5ad 3fa9c0de
    dagbook compare latest --node train --csv > runs.csv
    """
    from . import comparison_data, comparison_text
    from .compared import compare_in
    from .core.errors import PipelineError, problem

    if as_json and as_csv:
        raise PipelineError(
            problem("E-USAGE", what="--json and --csv cannot both be printed", hint="Keep one of them.")
        )
    compared = compare_in(store_at(store), wanted, nodes, by)
    if as_json:
        print_json(comparison_data.as_json(compared))
    elif as_csv:
        click.echo(comparison_data.as_csv(compared.comparison), nl=False)
    else:
        comparison_text.print_on(sys.stdout, compared, everything)
    return 0
