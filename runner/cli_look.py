"""Commands that look at runs: runs, show, logs."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_options import AS_JSON, STORE, guarded, print_json, store_at

if TYPE_CHECKING:
    from .records.follow import Follower

RUN = click.argument("wanted", metavar="[RUN]", default="latest")


@click.command()
@STORE
@click.option("-n", "--most", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@AS_JSON
@guarded
def runs(store: Path | None, most: int, as_json: bool) -> int:
    """The latest runs, newest first.

    \b
    dagbook runs
    dagbook runs -n 100 --json
    """
    from . import view, view_json
    from .records.settling import listed

    opened = store_at(store)
    found = listed(opened, most)
    if as_json:
        print_json([view_json.run_row_json(row, time.time()) for row in found])
    else:
        click.echo(view.runs_text(found, time.time()))
    return 0


@click.command()
@RUN
@STORE
@click.option("--record", "recorded", is_flag=True, help="Print as JSON what the run keeps of its beginning.")
@click.option(
    "--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Write all of it as a web page of one file."
)
@AS_JSON
@guarded
def show(wanted: str, store: Path | None, recorded: bool, page: Path | None, as_json: bool) -> int:
    """A run: its node runs, how they ended, their tags. RUN is an id, its beginning, or latest.

    \b
    dagbook show
    dagbook show 10c7e5ad --json
    dagbook show latest --html run.html
    """
    import sys

    from . import console, view_json
    from .records.follow import Follower

    opened = store_at(store)
    row = opened.find(wanted)
    if recorded:
        print_json(dict(opened.run(row.id).record))
        return 0
    follower = Follower(opened, row.id, outputs=page is not None)
    follower.update()
    if follower.settle():
        follower.update()
    if page:
        _write_page(page, follower)
    if as_json:
        print_json(view_json.run_json(follower.row, follower.so_far, opened.artifacts, time.time()))
    elif not page:
        console.show(sys.stdout, follower)
        for line in _observed(follower.row.record):
            click.echo(line)
    return 0


def _observed(record: Mapping[str, Any]) -> Iterator[str]:
    """Where a run is mirrored, and what went wrong with those who looked on: who was not there has not heard it."""
    if mirror := (record.get("observers") or {}).get("mlflow"):
        yield f"MLflow: {mirror['uri']}, experiment {mirror['experiment']}"
    for found in record.get("warnings") or ():
        if found["code"] in ("W-MLFLOW", "W-NOTIFY", "W-OBSERVER"):
            yield f"{found['code']}: {found['message']}"


def _write_page(file: Path, follower: Follower) -> None:
    """The run as a web page. Raises MachineError (E-FILE-WRITE)."""
    from .board.document import static_page
    from .core.errors import MachineError, problem
    from .formats.spared import check_no_notebook, check_spared
    from .reports.texts import hiding_of

    check_no_notebook("--html", file)
    check_spared("--html", file)
    text = static_page(follower, time.time(), hiding_of(follower))
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MachineError(problem("E-FILE-WRITE", file=file, why=error.strerror or error)) from None
    click.echo(f"Wrote {file}", err=True)


@click.command()
@RUN
@click.argument("node", required=False)
@click.option("-f", "--follow", "follows", is_flag=True, help="Go on until the run is over.")
@click.option("--all", "everything", is_flag=True, help="From the first line on, however much it is.")
@STORE
@guarded
def logs(wanted: str, node: str | None, follows: bool, everything: bool, store: Path | None) -> int:
    """What the nodes of a run printed. NODE is a title, a slug, or one node run such as train#2.

    Of a node that printed much it is the end, unless --all is given.

    \b
    dagbook logs
    dagbook logs latest train -f
    dagbook logs 10c7e5ad train#2 --all
    """
    from .chosen_runs import chosen_runs
    from .printer import Printer
    from .records.follow import Follower

    if follows and everything:
        raise click.UsageError("-f tells what comes, --all what has come: give one of them.")
    opened = store_at(store)
    follower = Follower(opened, opened.find(wanted).id, journals=not everything)
    follower.update()
    chosen = chosen_runs(follower, node)
    if everything:
        return _print_all(follower, chosen)
    printer = Printer(click.echo, prefixed=len(chosen) != 1)

    def print_new() -> None:
        for one in chosen_runs(follower, node):
            printer.print_new(follower.watched[one], not follows or follower.over)

    print_new()
    for _ in follower.follow() if follows else ():
        print_new()
    if not printer.has_printed:
        _tell_nothing(follower)
    return 0


def _print_all(follower: Follower, chosen: Collection[str]) -> int:
    """Print all that these node runs printed, as they printed it, a thousand lines at a time."""
    from . import view
    from .whole_log import all_lines

    printed = False
    for id in chosen:
        run = follower.watched[id].run
        before = f"{view.label(run)} | " if len(chosen) != 1 else ""
        lines = (f"{before}{line}" for line in all_lines(follower.folder_of(run)))
        while some := list(islice(lines, 1000)):  # each echo flushes
            click.echo("\n".join(some).encode("utf-8", "replace").decode())
            printed = True
    if not printed:
        _tell_nothing(follower)
    return 0


def _tell_nothing(follower: Follower) -> None:
    click.echo(f"Nothing was printed. How it went: dagbook show {follower.row.id}", err=True)
