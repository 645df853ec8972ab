"""Commands on a run that there is: cancel, resume, retry, approve, reject."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_attended import attend, tell_done
from .cli_given import given_parameters, parameter_options
from .cli_observers import observer_options, observers_asked
from .cli_options import (
    AS_JSON,
    STORE,
    guarded,
    print_json,
    store_at,
    waiting_option,
)
from .cli_reports import ANNOTATIONS, NOTEBOOK, report_options, reporting, tell_findings
from .grouped_help import Grouped

if TYPE_CHECKING:
    from .reports.wanted import Reports

RUN = click.argument("wanted", metavar="RUN")
QUIET = click.option("-q", "--quiet", is_flag=True, help="Do not print what nodes print.")


@click.command()
@click.argument("wanted", metavar="RUN")
@STORE
@guarded
def cancel(wanted: str, store: Path | None) -> int:
    """End a run: its containers go, what is done is kept. RUN is an id, its beginning, or latest.

    \b
    dagbook cancel latest
    """
    from .steer import GONE_SECONDS, stop, wait_for_the_end

    opened = store_at(store)
    row = opened.run(wanted)
    if not stop(opened, row.id, "dagbook cancel"):
        click.echo(f"Run {row.id} is over already: {opened.run(row.id).state}.")
        return 0
    follower = wait_for_the_end(opened, row.id, GONE_SECONDS)
    if not follower.over:
        process = follower.row.process
        click.echo(f"Run {row.id} was asked to end; its process ({process['host']}, {process['pid']}) is silent.")
        return 1
    click.echo(f"Run {row.id} {follower.so_far.state}.")
    return 0


@click.command(cls=Grouped)
@RUN
@parameter_options
@click.option("--force", multiple=True, metavar="NODE", help="Run NODE again, also where it succeeded.")
@NOTEBOOK
@click.option("--keep-failed", is_flag=True, help="Let the kernel of a failed node stay, for dagbook attach.")
@waiting_option
@STORE
@report_options
@ANNOTATIONS
@observer_options
@QUIET
@AS_JSON
@guarded
@reporting
def resume(wanted: str, **options: Any) -> int:
    """Go on with a run that failed, was cancelled, was killed or waits; what is done is kept.

    With -p, what depends on the parameter runs again. RUN is an id, its beginning, or latest.

    \b
    dagbook resume latest
    dagbook resume 10c7e5ad -p epochs 5
    """
    return _again(wanted, options, "dagbook resume", options["force"])


@click.command(cls=Grouped)
@RUN
@parameter_options
@click.option("--node", "nodes", multiple=True, metavar="NODE", help="Run NODE again, also where it succeeded.")
@NOTEBOOK
@waiting_option
@STORE
@report_options
@ANNOTATIONS
@observer_options
@QUIET
@AS_JSON
@guarded
@reporting
def retry(wanted: str, nodes: tuple[str, ...], **options: Any) -> int:
    """Run nodes of a run again, and what follows from them; without --node, all that did not succeed.

    With -p, what depends on the parameter runs again, too.

    \b
    dagbook retry latest
    dagbook retry 10c7e5ad --node train
    """
    return _again(wanted, {**options, "keep_failed": False}, "dagbook retry", nodes)


def _again(wanted: str, options: dict[str, Any], how: str, force: tuple[str, ...]) -> int:
    from .core.values import to_json
    from .formats.plain_secrets import given_secrets
    from .host import hosted_of
    from .kept_definition import changed_since, definition_of
    from .steer import again, done_words

    reports: Reports = options["reports"]

    tell = partial(click.echo, err=True)
    opened = store_at(options["store"])
    row = opened.run(wanted)
    definition = definition_of(opened, row) if reports.output else None  # E-FILE-MISSING comes before it runs
    if definition:
        reports.write_ahead(definition)
    parameters = given_parameters(**options)
    found = [*given_secrets(parameters), *changed_since(opened, row)]
    tell_findings(found, reports, options["as_json"])
    given = {name: to_json(value) for name, value in parameters.items()}
    order = again(row.id, how, given, force, not options["no_wait"], options["keep_failed"])
    if words := done_words(opened, order):
        return tell_done(
            words, opened, row.id, lambda: definition or definition_of(opened, row), options["as_json"], reports
        )
    ordered = {"store": str(opened.folder), "resume": order, "observers": observers_asked(options)}
    hosted = hosted_of(ordered, tell, later=tell)
    tell_findings(hosted.news(), reports, options["as_json"])
    return attend(
        hosted, opened, lambda: definition or definition_of(opened, row), options["as_json"], options["quiet"], reports
    )


BY = click.option("--by", metavar="USER", help="Who decides; one of those whom the node asks [your name here].")


@click.command()
@RUN
@click.argument("node", metavar="NODE")
@BY
@STORE
@AS_JSON
@guarded
def approve(wanted: str, node: str, by: str | None, store: Path | None, as_json: bool) -> int:
    """Let NODE start, which waits for an approval: all its pending runs, or one (NODE#n). Final.

    \b
    dagbook approve latest publish --by leah
    dagbook approve 10c7e5ad publish#2
    """
    return _decide(wanted, node, True, by, store, as_json)


@click.command()
@RUN
@click.argument("node", metavar="NODE")
@BY
@STORE
@AS_JSON
@guarded
def reject(wanted: str, node: str, by: str | None, store: Path | None, as_json: bool) -> int:
    """Do not let NODE start: the run is aborted, what is done is kept. Final.

    \b
    dagbook reject latest publish --by leah
    """
    return _decide(wanted, node, False, by, store, as_json)


def _decide(wanted: str, node: str, approved: bool, by: str | None, store: Path | None, as_json: bool) -> int:
    from .deciding import decide

    verb = "approve" if approved else "reject"
    decided = decide(store_at(store), wanted, node, approved, by, f"dagbook {verb}")
    if as_json:
        print_json(decided.as_json())
    else:
        for line in decided.lines():
            click.echo(line)
    return 0 if decided.as_wanted else 1
