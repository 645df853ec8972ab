"""Parameters given on the command line: papermill's options, and the values that they give."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

GIVEN = ("typed", "raw", "yaml_texts", "yaml_files", "base64_texts")  # what `parameter_options` gives to a command
GRID = click.option(
    "--grid",
    "grids",
    multiple=True,
    metavar="NODE.NAME=A,B",
    help="Run NODE once for each of these values of its parameter.",
)


def parameter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """papermill's options for parameters, with papermill's letters and meaning."""
    for option in (
        click.option("-y", "--parameters_yaml", "yaml_texts", multiple=True, help="YAML text of parameters."),
        click.option(
            "-f",
            "--parameters_file",
            "yaml_files",
            multiple=True,
            metavar="FILE",
            help="YAML file of parameters; a URL, or - for standard input.",
        ),
        click.option(
            "-b", "--parameters_base64", "base64_texts", multiple=True, help="YAML text of parameters, in base64."
        ),
        click.option(
            "-r",
            "--parameters_raw",
            "raw",
            nargs=2,
            multiple=True,
            metavar="NAME VALUE",
            help="A parameter, kept as text.",
        ),
        click.option(
            "-p", "--parameters", "typed", nargs=2, multiple=True, metavar="NAME VALUE", help="A parameter, typed."
        ),
    ):
        command = option(command)
    return command


def given_parameters(
    typed: Any = (), raw: Any = (), yaml_texts: Any = (), yaml_files: Any = (), base64_texts: Any = (), **_: Any
) -> dict[str, Any]:
    """The parameters given by papermill's options; which of them wins is as with papermill. Raises PipelineError."""
    from .core.values import typed as typed_value
    from .formats.parameters import from_base64, from_yaml

    given: dict[str, Any] = {}
    for text in base64_texts:
        given |= from_base64(text, "-b")
    for name in yaml_files:
        given |= from_yaml(_text_of(name), name)
    for text in yaml_texts:
        given |= from_yaml(text, "-y")
    given |= {name: typed_value(value) for name, value in typed}
    given |= dict(raw)
    return given


def _text_of(name: str) -> str | None:
    """The text of a file of parameters, of a URL, or of standard input; None for a file that is not there."""
    from .core.errors import PipelineError, problem

    if name == "-":
        return sys.stdin.read()
    if name.startswith(("http://", "https://")):
        from .fetched_text import fetched_text

        return fetched_text(name)[1]
    try:
        return Path(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        hint = f"{name} cannot be read: {why}"
        raise PipelineError(problem("E-USAGE", what=hint, hint="Give a YAML file with: name: value")) from None
