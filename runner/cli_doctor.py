"""The command doctor: is this machine fit, and what mends it if not."""

from __future__ import annotations

from pathlib import Path

import click

from .cli_options import AS_JSON, FileType, guarded


@click.command()
@click.argument("file", metavar="[FILE|DIR]", default=".", type=FileType())
@AS_JSON
@click.option("--report", is_flag=True, help="Print a block for a report of a fault, without what is private.")
@guarded
def doctor(file: Path, as_json: bool, report: bool) -> int:
    """Is this machine fit for runs? A verdict for each part that they need, and what mends it.

    \b
      ✓  it is well
      !  runs work, but lack something
      ✗  no run works until it is mended

    Parts are tried, not looked up: a container is started, a file written. With FILE its settings and images
    count, with DIR the settings there. The exit code is 5 when no run works here.

    \b
    dagbook doctor
    dagbook doctor pipeline.ipynb
    dagbook doctor --report
    """
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
