"""The command that looks for mistakes: check."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_given import GIVEN, GRID, parameter_options
from .cli_options import (
    AS_JSON,
    FileArgument,
    FileType,
    asked_of,
    file_options,
    findings,
    findings_of,
    guarded,
    in_its_file,
    print_json,
    read,
    settings_of,
    tell_problems,
)
from .cli_reports import ANNOTATIONS, reporting, stream_of
from .grouped_help import Grouped

if TYPE_CHECKING:
    from .core.errors import Problem
    from .formats.notebook import Definition
    from .reports.wanted import Reports


@click.command(cls=Grouped)
@click.argument("files", cls=FileArgument, type=FileType(), nargs=-1, required=True, metavar="FILE...")
@file_options
@parameter_options
@GRID
@click.option("--executor", type=click.Choice(["auto", "docker", "process"]), help="Where nodes would run [auto].")
@click.option("--image", help="Image of nodes that name none.")
@click.option("--strict", is_flag=True, help="Warnings count as errors: exit code 2.")
@ANNOTATIONS
@AS_JSON
@guarded
@reporting
def check(files: Sequence[Path], strict: bool, as_json: bool, reports: Reports, **options: Any) -> int:
    """What is wrong with each FILE: code, names, edges, files, images, secrets. Nothing is run, built or fetched.

    The exit code is 2 when there is an error.

    \b
    dagbook check churn.ipynb
    dagbook check *.ipynb --strict
    """
    told: list[Problem] = []
    lines: list[str] = []
    for file in files:
        found, nodes = _look_at(file, options)
        told += found
        lines.append(f"{file}: {_in_words(found, nodes)}")
    if as_json:
        print_json(findings(told))
    else:
        tell_problems(told, sys.stdout)
        click.echo("\n".join(lines))
    if reports.annotate and told:
        from .reports.annotations import annotate_problems

        annotate_problems(told, stream_of({"as_json": as_json}))
    return 2 if any(one.is_error or strict for one in told) else 0


def _look_at(file: Path, options: dict[str, Any]) -> tuple[list[Problem], int | None]:
    """All that is wrong with a file, in the order of its cells, and how many nodes it has (None: nobody knows)."""
    from .core.errors import DagbookError, only_new

    named = {name: options[name] for name in (*GIVEN, "grids", "pipeline", "image_map", "input_map")}
    try:
        definition = read(file, **named)
    except DagbookError as error:
        return list(error.problems), None
    found = findings_of(definition)
    if not any(one.is_error for one in found):
        found += only_new(in_its_file(definition, _as_asked(file, definition, options)), found)
        found += _of_loading(definition)
    return sorted(found, key=_in_order), len(definition.pipeline.nodes)


def _of_loading(definition: Definition) -> list[Problem]:
    """What a notebook lacks where a kernel runs it, and not dagbook."""
    from .formats.loaded import not_loaded
    from .formats.pipeline_file import is_notebook

    if not is_notebook(definition.path, definition.text):
        return []
    found = not_loaded(definition.notebook, str(definition.path))
    return in_its_file(definition, [found]) if found else []


def _as_asked(file: Path, definition: Definition, options: dict[str, Any]) -> list[Problem]:
    """What would be wrong with a run of it under the settings in force, and on this machine."""
    from .core.errors import DagbookError
    from .denied_images import denied_images
    from .machine_check import machine_problems
    from .node_needs import environment_problems
    from .plan import selected

    try:
        settings = settings_of(file, executor=options["executor"], image=options["image"])
        asked = asked_of(definition, settings)
        found = [*environment_problems(asked), *denied_images(asked)]
        if any(one.is_error for one in found):
            return found
        # What cannot run here was told of when the file was read; it is an error only of a run that reaches it.
        nodes = tuple(node.model_copy(update={"unresolved": ()}) for node in asked.pipeline.nodes)
        able = asked.model_copy(update={"pipeline": asked.pipeline.model_copy(update={"nodes": nodes})})
        return [*found, *selected(able)[2], *machine_problems(asked)]
    except DagbookError as error:
        return list(error.problems)


def _in_order(found: Problem) -> tuple[str, int, int]:
    place = found.place
    return place.file or "", place.cell or 0, place.line or 0


def _in_words(found: Sequence[Problem], nodes: int | None) -> str:
    """`3 nodes, nothing wrong.`, or how much is: `3 nodes, 1 error, 2 warnings.`"""
    errors = sum(one.is_error for one in found)
    counted = [] if nodes is None else [(nodes, "node")]
    counted += [(n, w) for n, w in ((errors, "error"), (len(found) - errors, "warning")) if n]
    words = [f"{number} {word}{'' if number == 1 else 's'}" for number, word in counted]
    return f"{', '.join([*words, *([] if found else ['nothing wrong'])])}."
