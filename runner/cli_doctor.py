"""The command doctor: is this machine fit, is a store sound, and what mends them if not."""

from __future__ import annotations

from pathlib import Path

import click

from .cli_options import AS_JSON, FileType, guarded

_OF_FILE = ""  # --store without a word


@click.command()
@click.argument("file", metavar="[FILE|DIR]", default=".", type=FileType())
@click.option(
    "--store",
    metavar="[DIR]",
    is_flag=False,
    flag_value=_OF_FILE,
    help="Audit a store instead: the one of FILE or DIR, or the one named.",
)
@click.option("--repair", is_flag=True, help="With --store: mend what can be mended.")
@AS_JSON
@click.option("--report", is_flag=True, help="Print a block for a report of a fault, without what is private.")
@guarded
def doctor(file: Path, store: str | None, repair: bool, as_json: bool, report: bool) -> int:
    """Is this machine fit for runs? A verdict for each part that they need, and what mends it.

    \b
      ✓  it is well
      !  runs work, but lack something
      ✗  no run works until it is mended

    Parts are tried, not looked up: a container is started, a file written. With FILE its settings and images
    count, with DIR the settings there. The exit code is 5 when no run works here.

    With --store everything that runs have left is looked at: all files are hashed anew, all records and notebooks
    read. Nothing is changed without --repair. The exit code is 1 when something is wrong in the end.

    \b
    dagbook doctor
    dagbook doctor pipeline.ipynb
    dagbook doctor --report
    dagbook doctor --store
    dagbook doctor --store --repair
    """
    if store is not None:
        if report:
            raise click.UsageError("--report tells of the machine; leave out --store or --report.")
        return _audit(file, store, repair, as_json)
    if repair:
        raise click.UsageError("--repair mends a store: dagbook doctor --store --repair")
    return _examine(file, as_json, report)


def _examine(file: Path, as_json: bool, report: bool) -> int:
    from .doctor.examination import conclusion, examine, works
    from .doctor.shown import Printer, as_report, json_text
    from .doctor.shown import as_json as as_object
    from .doctor.subject import Subject

    subject = Subject.of(file)
    if as_json or report:
        found = list(examine(subject))
        click.echo(json_text(as_object(subject, found)) if as_json else as_report(subject, found))
        return 0 if works(found) else 5
    printer = Printer()
    found = []
    for one in examine(subject, printer.looking_at):
        found.append(one)
        printer.print(one)
    printer.conclude(conclusion(subject, found), works(found))
    return 0 if works(found) else 5


def _audit(file: Path, named: str, repair: bool, as_json: bool) -> int:
    from .doctor.shown import Printer, json_text
    from .doctor.store_audit import Audited, Mended, audited, mended, secrets_at_hand
    from .doctor.store_shown import repairs, store_conclusion, store_json, verdicts
    from .formats.settings import find_store, read_settings

    if named and Path(named).is_file():
        file, named = Path(named), _OF_FILE  # dagbook doctor --store FILE
    place = file.absolute()
    here = place if place.is_dir() else place.parent
    folder = Path(named) if named else find_store(file=None if place.is_dir() else place, cwd=here)
    secrets = secrets_at_hand(read_settings(here).secrets, here)
    printer = Printer()
    if not as_json:
        printer.looking_at(f"everything in {folder}")
    done: list[Mended] = []
    found: Audited
    if repair:
        found, done = mended(folder, secrets)
    else:
        found = audited(folder, secrets)
    if as_json:
        click.echo(json_text(store_json(found, done)))
        return 1 if found.findings else 0
    printer.head(f"The store {found.folder}")
    for one in (*repairs(done), *verdicts(found)):
        printer.print(one)
    printer.conclude(store_conclusion(found), not found.findings)
    return 1 if found.findings else 0
