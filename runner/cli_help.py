"""`--help-notebook`: what can be given to the pipeline of FILE, told instead of running it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from .cli_options import print_json, read

_OPTION = click.option(
    "--help-notebook", is_flag=True, help="Tell the parameters and the nodes that take them; nothing is run."
)


def helping(command: Callable[..., int]) -> Callable[..., int]:
    """Gives a command on FILE the option `--help-notebook`, with which it tells of FILE and does nothing else."""

    @_OPTION
    @wraps(command)
    def run(*args: Any, help_notebook: bool, **options: Any) -> int:
        if not help_notebook:
            return command(*args, **options)
        from .parameter_help import help_json, help_text

        names = ("pipeline", "image_map", "input_map")
        definition = read(options["file"], **{name: options[name] for name in names})
        if options["as_json"]:
            print_json(help_json(definition))
        else:
            click.echo(help_text(definition, click.get_current_context().get_usage()))
        return 0

    return run
