"""The command completion: the script by which a shell completes dagbook's commands."""

from __future__ import annotations

import os
import sys

import click

from .cli_options import guarded
from .completion_shells import SHELLS, how_to, script


@click.command()
@click.argument("shell", metavar="[bash|zsh|fish]", required=False, type=click.Choice(SHELLS))
@guarded
def completion(shell: str | None) -> int:
    """Print the script by which a shell completes commands, options, files, runs, nodes and parameters.

    Without a shell it tells how to have it read by the one that is used now.

    \b
    dagbook completion          how to, for this shell
    dagbook completion bash     the script: eval "$(dagbook completion bash)"
    """
    if shell is None:
        used = os.path.basename(os.environ.get("SHELL", ""))
        for one in [used] if used in SHELLS else SHELLS:
            click.echo(how_to(one))
        return 0
    group = click.get_current_context().find_root().command
    click.echo(script(group, shell))
    if sys.stdout.isatty():
        click.echo(how_to(shell), err=True)
    return 0
