"""What the commands share: options with one meaning everywhere, reading FILE, telling what is wrong."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import wraps
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from .cli_given import given_parameters
from .terminal_text import obeyed_by_nobody

if TYPE_CHECKING:
    from .asked import Asked
    from .core.errors import DagbookError, Problem
    from .formats.notebook import Definition
    from .formats.settings import Settings
    from .records.store import Store


_OBEYED = re.compile("[\x7f-\x9f]")  # json escapes the other control characters itself


class FileType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A path, or a URL whose text is fetched at once; it then counts as a file of the working directory."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        completes = ctx is not None and ctx.resilient_parsing  # somebody pressed Tab: nothing is fetched for that
        if completes or not isinstance(value, str) or "://" not in value:
            return Path(value)
        from .core.errors import DagbookError
        from .fetched_text import fetched_text

        try:
            name, text = fetched_text(value)
        except DagbookError as error:
            tell_error(error, False)
            sys.exit(error.exit_code)
        path = Path.cwd() / name
        click.get_current_context().meta[_fetched(path)] = text
        return path


class FileArgument(click.Argument):
    """FILE: who leaves it out is told what it could be here."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """See `click.Parameter.process_value`."""
        try:
            return super().process_value(ctx, value)
        except click.MissingParameter:
            from .first_steps import file_left_out

            raise click.UsageError(file_left_out(Path(), ctx.command_path), ctx) from None


def _fetched(path: Path) -> str:
    return f"dagbook.fetched:{path}"


FILE = click.argument("file", cls=FileArgument, type=FileType())
STORE = click.option("--store", type=click.Path(path_type=Path), help="Folder of runs [.dagbook beside FILE].")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")


def guarded(command: Callable[..., Any]) -> Callable[..., Any]:
    """What is wrong is told in words, or as JSON, and decides the exit code; a defect of ours keeps its traceback."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        from .core.errors import DagbookError

        try:
            sys.exit(command(*args, **options) or 0)
        except DagbookError as error:
            tell_error(error, bool(options.get("as_json")))
            sys.exit(error.exit_code)
        except BrokenPipeError:
            sys.stderr.close()  # who reads our output has seen enough
            sys.exit(0)
        except (OSError, ImportError) as error:
            from .core.errors import MachineError, problem

            why = _of_the_machine(error)
            if why is None:
                raise
            tell_error(MachineError(problem("E-MACHINE", why=why)), bool(options.get("as_json")))
            sys.exit(MachineError.exit_code)

    return run


def _of_the_machine(error: OSError | ImportError) -> str | None:
    """What is wrong with this machine, in words; None for a defect of ours.

    A command loads what it consists of when it is needed: a disk that fails may fail there, too.
    """
    from .records.room import OF_THE_MACHINE, in_words

    if isinstance(error, ImportError):
        library = str(error.path).endswith(tuple(EXTENSION_SUFFIXES))
        return str(error) if library and str(error).startswith(str(error.path)) else None
    if error.errno not in OF_THE_MACHINE:
        return None
    place = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else None
    return in_words(error, Path(place).absolute()) if place else str(error)


def tell_error(error: DagbookError, as_json: bool) -> None:
    """Findings as `check` prints them."""
    if as_json:
        print_json(findings(error.problems))
    tell_problems(error.problems)


def findings(problems: Any) -> dict[str, Any]:
    """The object that `check --json` prints."""
    errors = [found.as_json() for found in problems if found.is_error]
    return {"errors": errors, "warnings": [found.as_json() for found in problems if not found.is_error]}


def print_json(data: Any) -> None:
    """One JSON object on standard output; what a terminal could obey in it is escaped, as JSON may."""
    told = json.dumps(data, indent=2, ensure_ascii=False)
    click.echo(_OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", told))


def tell_problems(problems: Any, stream: TextIO | None = None) -> None:
    """Findings for people, on standard error."""
    for found in problems:
        click.echo(_coloured(found), file=stream or sys.stderr)


def _coloured(found: Problem) -> str:
    """A finding with its place in bold, and its code in the colour of what it is."""
    code = click.style(f"{found.code}:", fg="red" if found.is_error else "yellow", bold=True)
    where, text = (
        obeyed_by_nobody(str(found.place)),
        obeyed_by_nobody(found.describe()).replace(f"{found.code}:", code, 1),
    )
    return click.style(where, bold=True) + text.removeprefix(where) if where else text


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which part of the pipeline."""
    for option in (
        click.option("--until", multiple=True, metavar="NODE", help="NODE and all before it."),
        click.option(
            "--from", "start", multiple=True, metavar="NODE", help="NODE and all after it; earlier results before."
        ),
        click.option("--node", "nodes", multiple=True, metavar="NODE", help="NODE alone, on earlier results."),
    ):
        command = option(command)
    return command


def cache_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Whether earlier results stand for nodes."""
    for option in (
        click.option("--no-cache", is_flag=True, help="Run everything, whatever ran before."),
        click.option("--force", multiple=True, metavar="NODE", help="Run NODE, whatever ran before."),
    ):
        command = option(command)
    return command


def waiting_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Whether the command waits for people."""
    return click.option(
        "--no-wait", is_flag=True, help="End with exit code 3 when nothing but an approval is left to wait for."
    )(command)


def setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Settings that a flag decides before environment and dagbook.toml."""
    for option in (
        click.option(
            "--code", metavar="DIR", help="What nodes see at /code [the notebook's folder]; none for nothing."
        ),
        click.option("--max-runs", type=click.IntRange(1), help="Most node runs to plan [10,000]."),
        click.option("--image", help="Image of nodes that name none."),
        click.option("--jobs", type=click.IntRange(1), help="Node runs at a time [number of cores]."),
        click.option("--executor", type=click.Choice(["auto", "docker", "process"]), help="Where nodes run [auto]."),
    ):
        command = option(command)
    return command


def file_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How a FILE that is no notebook is read."""
    for option in (
        click.option(
            "--image-map",
            "image_map",
            multiple=True,
            metavar="OLD=NEW",
            help="Take image NEW where FILE says OLD; * stands for any text.",
        ),
        click.option(
            "--input-map",
            "input_map",
            multiple=True,
            metavar="OLD=NEW",
            help="Take NEW where an input's address in FILE begins with OLD.",
        ),
        click.option("--pipeline", metavar="NAME", help="The pipeline that is meant, where FILE holds several."),
    ):
        command = option(command)
    return command


def read(
    file: Path, *, pipeline: str | None = None, image_map: Any = (), input_map: Any = (), **options: Any
) -> Definition:
    """The pipeline that FILE defines. Raises PipelineError with all that is wrong with it."""
    from .formats.pipeline_file import read_definition
    from .formats.substitutes import read_image_map, read_input_map, with_images, with_inputs

    given = given_parameters(**options)
    text = text_fetched(file)
    definition = read_definition(
        file, given, file.absolute().parent, pipeline=pipeline, text=text, grids=options.get("grids", ())
    )
    pipeline_meant = with_images(definition.pipeline, read_image_map(image_map))
    return replace(definition, pipeline=with_inputs(pipeline_meant, read_input_map(input_map)))


def text_fetched(file: Path) -> str | None:
    """The text of FILE, when it was given as a URL."""
    found: str | None = click.get_current_context().meta.get(_fetched(file))
    return found


def settings_of(file: Path, **flags: Any) -> Settings:
    """The settings in force for FILE."""
    from .formats.settings import read_settings

    return read_settings(file.absolute().parent, {name: value for name, value in flags.items() if value is not None})


def asked_of(definition: Definition, settings: Settings, **more: Any) -> Asked:
    """What is to be run, as the run process understands it."""
    from .asked import ask

    file = definition.path.absolute()
    folder = definition.folder or file.parent
    return ask(definition.pipeline, settings, folder, file=file, text=definition.text, **more)


def store_at(store: Path | None, file: Path | None = None) -> Store:
    """The store that is meant, which must be there. Raises PipelineError."""
    from .formats.settings import find_store
    from .records.store import Store

    return Store(find_store(store, file, Path.cwd()), create=False)


def sound(definition: Definition) -> list[Problem]:
    """Warnings of a definition without errors; with errors, raises PipelineError with all findings."""
    from .core.errors import raise_errors

    return raise_errors(findings_of(definition))


def findings_of(definition: Definition) -> list[Problem]:
    """All that is wrong with a definition, in its cells and as a whole."""
    from .core.check import check
    from .core.consequences import without_consequences

    return without_consequences([*definition.problems, *in_its_file(definition, check(definition.pipeline))])


def in_its_file(definition: Definition, found: Iterable[Problem]) -> list[Problem]:
    """The same findings, each with the file, and of a script with the line there."""
    from .core.errors import Place
    from .formats.notebook_file import in_the_file

    placed = (one.at(Place(file=str(definition.path))) for one in found)
    return in_the_file(placed, definition.path, definition.notebook, definition.text)
