"""The commands on the images of a pipeline: images build, images push."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_options import (
    AS_JSON,
    FILE,
    asked_of,
    guarded,
    print_json,
    read,
    settings_of,
    sound,
    tell_problems,
    text_fetched,
)
from .saved_text import save_text

if TYPE_CHECKING:
    from .core.errors import Problem
    from .formats.notebook import Definition
    from .image_builds import Made


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def images() -> None:
    """The images that the nodes of a pipeline run in: made beforehand, and sent to a registry.

    \b
    dagbook images build flow.ipynb   what a run would make
    dagbook images build spec.json --dockerfile Dockerfile -o spec.json
    dagbook images push spec.json --dockerfile Dockerfile -t host/edges

    With a Dockerfile the project is in the image, under a tag made of its content: changed code is a new tag,
    unchanged code builds nothing. -o writes the pipeline that names it.
    """


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What both commands take."""
    for option in (
        AS_JSON,
        click.option(
            "-o",
            "--output",
            type=click.Path(path_type=Path),
            metavar="OUT",
            help="Write the pipeline with these images in it, in FILE's format; a notebook is not written over.",
        ),
        click.option(
            "--code", metavar="DIR", help="What the Dockerfile copies from [FILE's folder]; none for nothing."
        ),
        click.option(
            "--dockerfile",
            type=click.Path(path_type=Path),
            metavar="PATH",
            help="Build the nodes' image from this Dockerfile.",
        ),
        click.option(
            "-t",
            "--tag",
            "repository",
            metavar="REPOSITORY",
            help="Name the images so, without a tag: REGISTRY/NAME [with --dockerfile: what the nodes name].",
        ),
        click.option(
            "--image-map",
            "image_map",
            multiple=True,
            metavar="OLD=NEW",
            help="Take image NEW where FILE says OLD; * stands for any text.",
        ),
        click.option("--pipeline", metavar="NAME", help="The pipeline that is meant, where FILE holds several."),
        FILE,
    ):
        command = option(command)
    return command


@images.command()
@_options
@guarded
def build(file: Path, **options: Any) -> int:
    """Make the image that each node of FILE needs; those that are there are not made again.

    Without --dockerfile it is what a run would make: the node's image with its requirements and prerun script in it.

    \b
    dagbook images build churn.ipynb
    dagbook images build spec.json --dockerfile Dockerfile -o spec.json
    """
    return _make(file, False, **options)


@images.command()
@_options
@guarded
def push(file: Path, **options: Any) -> int:
    """Make the images as `build` does, and send those with a tag of their own to the registry that it names.

    The engine sends them, with what docker login left in the docker configuration.

    \b
    dagbook images push churn.ipynb -t host/churn
    dagbook images push spec.json --dockerfile Dockerfile -t host/edges
    """
    return _make(file, True, **options)


def _make(
    file: Path,
    pushes: bool,
    *,
    pipeline: str | None,
    image_map: Sequence[str],
    repository: str | None,
    dockerfile: Path | None,
    code: str | None,
    output: Path | None,
    as_json: bool,
) -> int:
    from .image_builds import Wish, containers_of, make_images, moving_images

    definition = read(file, pipeline=pipeline, image_map=image_map)
    warnings = sound(definition)
    _check_output(file, output)
    asked = asked_of(definition, settings_of(file, code=code), keep_out=(output.absolute(),) if output else ())
    nodes = containers_of(asked.pipeline)
    warnings += [found for found in moving_images(asked, nodes) if found.message not in {w.message for w in warnings}]
    tell_problems(warnings)
    made, more = make_images(asked, nodes, Wish(dockerfile, repository, pushes), partial(click.echo, err=True))
    tell_problems(more)
    if as_json:
        print_json(_as_json(made, [*warnings, *more]))
    else:
        click.echo(_table(made))
    if output:
        save_text(output, _written(definition, pipeline, image_map, made, output))
        click.echo(f"written: {output}", err=True)
    return 0


def _check_output(file: Path, output: Path | None) -> None:
    """Raises PipelineError (E-USAGE) when a notebook would be written over: its texts and outputs would be lost."""
    from .core.errors import PipelineError, problem
    from .formats.pipeline_file import TEXTS

    if output and file.suffix not in TEXTS and output.resolve() == file.resolve():
        hint = "Give OUT another name, such as pipeline.yaml."
        raise PipelineError(problem("E-USAGE", what=f"-o {output} would write over the notebook", hint=hint))


def _as_json(made: Sequence[Made], warnings: Sequence[Problem]) -> dict[str, Any]:
    found = [
        {
            "node": one.node,
            "asked": one.asked,
            "image": one.image,
            "id": one.id,
            "size": one.size,
            "new": one.new,
            "digest": one.pushed.digest if one.pushed else None,
            "uploaded": one.pushed.uploaded if one.pushed else None,
        }
        for one in made
    ]
    return {"images": found, "warnings": [warning.as_json() for warning in warnings]}


def _table(made: Sequence[Made]) -> str:
    """A line for each node: what it asks for, what it gets, how large that is; then what the registry has."""
    from .view import size

    if not made:
        return "No node runs in a container."
    rows = [("NODE", "ASKED FOR", "IMAGE", "SIZE", "")]
    rows += [(one.node, one.asked, one.image, size(one.size), "new" if one.new else "") for one in made]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip() for row in rows
    ]
    sent = {one.image: one.pushed for one in made if one.pushed}
    for image, pushed in sent.items():
        layers = "1 layer" if pushed.uploaded == 1 else f"{pushed.uploaded or 'no'} layers"
        lines.append(f"pushed {image}: {pushed.digest} ({layers} sent)")
    return "\n".join(lines)


def _written(
    definition: Definition, name: str | None, image_map: Sequence[str], made: Sequence[Made], output: Path
) -> str:
    """The text of FILE with the images that were made. Raises PipelineError."""
    from .core.errors import raise_errors
    from .formats.built_images import with_built
    from .formats.imported import Ledger
    from .formats.rewritten import read_whole, write_whole
    from .formats.substitutes import read_image_map, with_images

    images = {one.node: one.image for one in made if one.image != one.asked}
    installed = {one.node for one in made if one.installed and one.image != one.asked}
    whole = read_whole(definition, name, text_fetched(definition.path))
    meant = with_images(whole.meant, read_image_map(image_map)) if image_map else whole.meant
    ledger = Ledger(str(definition.path))
    text = write_whole(whole, with_built(meant, images, installed), output, ledger)
    tell_problems(raise_errors(record.problem for record in ledger.records))
    return text
