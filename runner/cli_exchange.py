"""Commands on files of other systems: import, export, schema."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_options import AS_JSON, FILE, guarded, print_json, read, tell_problems, text_fetched
from .saved_text import save_text

if TYPE_CHECKING:
    from .core.model import Pipeline
    from .formats.imported import Imported, Record

_FROM = ("native", "cnvrg", "valohai", "pachyderm")
_TO = ("native", "notebook", "cnvrg", "valohai", "valohai-api", "pachyderm", "pachyderm-yaml")


@click.command("import")
@FILE
@click.option("--from", "origin", type=click.Choice(_FROM), help="The format of FILE [found out from its content].")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="Where it goes: OUT.yaml in dagbook's own format, or OUT.ipynb; else only the report is printed.",
)
@click.option("--pipeline", metavar="NAME", help="The pipeline that goes to OUT, where FILE holds several.")
@click.option("--repair", is_flag=True, help="Mend what is no YAML, where it is clear what was meant.")
@click.option("--strict", is_flag=True, help="Keys that are not known are errors in every format.")
@click.option("--csv-grid", is_flag=True, help="In a cnvrg file, a text with commas stands for several values.")
@AS_JSON
@guarded
def import_(file: Path, origin: str | None, output: Path | None, pipeline: str | None, **options: Any) -> int:
    """Take over a pipeline of cnvrg, Valohai or Pachyderm, and tell all that was not kept as it was.

    \b
    dagbook import flow.yaml                       what would come of it
    dagbook import valohai.yaml -o train.yaml      in dagbook's own format
    dagbook import spec.json -o pipeline.ipynb     as a notebook
    dagbook import broken.yaml --repair            mended first

    A file can also be run as it is: dagbook run valohai.yaml
    """
    from .formats.pipeline_file import read_text_file
    from .formats.recognised import Wishes, name_from, read_pipelines

    text = text_fetched(file)
    given = read_text_file(file) if text is None else text
    wishes = Wishes(
        origin, options["strict"], options["repair"], options["csv_grid"], name_from(file.name), file.parent
    )
    imported = read_pipelines(given, str(file), wishes)
    if options["as_json"]:
        print_json(_as_json(imported))
    else:
        _tell(imported, file)
    if not imported.pipelines:
        return 2
    if output:
        _write(imported, pipeline, file, output)
    return 0


def _as_json(imported: Imported) -> dict[str, Any]:
    pipelines = [
        {"name": made.name, "nodes": counts.nodes, "edges": counts.edges, "kinds": dict(counts.kinds)}
        for made, counts in zip(imported.pipelines, imported.counts, strict=True)
    ]
    records = [record.as_json() for record in imported.records]
    return {"format": imported.format, "pipelines": pipelines, "records": records}


def _tell(imported: Imported, file: Path) -> None:
    """The report: each thing that was not kept as it was, then what there is."""
    for record in imported.records:
        click.secho(_in_words(record), fg="red" if record.problem.is_error else "yellow", err=True)
    for made, counts in zip(imported.pipelines, imported.counts, strict=True):
        kinds = ", ".join(f"{count} {kind}" for kind, count in counts.kinds.items())
        alone = f" (a {made.origin['alone']} by itself)" if "alone" in made.origin else ""
        edges = f"{_many(counts.edges, 'edge')}{f' ({kinds})' if kinds else ''}"
        click.echo(f"{made.name}{alone}: {_many(counts.nodes, 'node')}, {edges}")
    found = sum(record.problem.is_error for record in imported.records)
    if found:
        click.echo(f"{file}: {_many(found, 'error')}; nothing was taken over.", err=True)
    elif imported.records:
        click.echo(f"{_many(len(imported.records), 'thing')} of {file} not kept as written; all are listed above.")


def _in_words(record: Record) -> str:
    found = record.problem
    where = f"{found.place}  {record.path}".strip()
    said = f"{where}\n  {found.code}: {found.message} [{record.done}]"
    return f"{said}\n  {found.hint}" if found.hint else said


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _write(imported: Imported, name: str | None, file: Path, output: Path) -> None:
    from .formats.native import write_native
    from .formats.recognised import chosen

    if output.suffix == ".ipynb":
        save_text(output, _notebook_text(chosen(imported, name, file.name)), file)
    elif name is not None:
        save_text(output, write_native([chosen(imported, name, file.name)]), file)
    else:
        save_text(output, write_native(imported.pipelines), file)
    click.echo(f"written: {output}", err=True)


def _notebook_text(pipeline: Pipeline) -> str:
    from .formats.pipeline_notebook import notebook_of

    return json.dumps(notebook_of(pipeline)[0], indent=1, ensure_ascii=False) + "\n"


@click.command()
@FILE
@click.option("--to", "form", type=click.Choice(_TO), required=True, help="The format to write.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT", help="The file [standard output].")
@click.option("--pipeline", metavar="NAME", help="The pipeline that is meant, where FILE holds several.")
@guarded
def export(file: Path, form: str, output: Path | None, pipeline: str | None) -> int:
    """Write the pipeline of FILE in another format; what that format cannot say is told.

    \b
    dagbook export pipeline.ipynb --to native -o pipeline.yaml
    dagbook export pipeline.yaml --to notebook -o pipeline.ipynb
    dagbook export flow.yaml --to cnvrg
    """
    from .formats.exported import write_as
    from .formats.imported import Ledger

    ledger = Ledger(str(file))
    text = write_as(_pipelines_of(file, pipeline), form, ledger)
    tell_problems(record.problem for record in ledger.records)
    if ledger.failed:
        return 2
    if output:
        save_text(output, text, file)
        click.echo(f"written: {output}", err=True)
    else:
        sys.stdout.write(text)
    return 0


def _pipelines_of(file: Path, name: str | None) -> list[Pipeline]:
    """Every pipeline of FILE, or the one that is meant. Raises PipelineError."""
    from .formats.pipeline_file import TEXTS, read_text_file, without_places
    from .formats.recognised import Wishes, name_from, read_pipelines

    text = text_fetched(file)
    if name is not None or (text is None and file.suffix not in TEXTS):
        return [without_places(read(file, pipeline=name).pipeline)]
    imported = read_pipelines(
        text or read_text_file(file), str(file), Wishes(name=name_from(file.name), folder=file.parent)
    )
    if not imported.pipelines:
        from .core.errors import PipelineError

        raise PipelineError(*(found for found in imported.problems if found.is_error))
    return list(imported.pipelines)


@click.command()
@guarded
def schema() -> int:
    """Print the JSON Schema of dagbook's own YAML, by which editors complete and check it.

    \b
    dagbook schema > dagbook.schema.json
    """
    from .formats.native import json_schema

    print_json(json_schema())
    return 0
