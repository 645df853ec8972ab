"""The command line: the group of commands. Each parses, delegates and says how it ended; heavy imports wait."""

from __future__ import annotations

import gc
from importlib import import_module
from keyword import iskeyword
from typing import Any

import click

# Importing makes many objects and no garbage; looking for some so often costs a tenth of a command's start.
gc.set_threshold(100_000, 20, 20)

NEXT_STEPS = """\
dagbook runs the cells of a notebook as a pipeline.

  dagbook run NOTEBOOK       run it (papermill's -p, -y, -f give parameters)
  dagbook plan NOTEBOOK      what would run
  dagbook check NOTEBOOK     what is wrong with it
  dagbook --help             everything else

In a notebook:  %load_ext dagbook   then begin a cell with   %%pipeline_node TITLE
"""


# Each command by the module that has it, so that only the one called is imported.
_COMMANDS = {
    "run": "cli_run",
    "plan": "cli_run",
    "check": "cli_run",
    "graph": "cli_run",
    "import": "cli_exchange",
    "export": "cli_exchange",
    "schema": "cli_exchange",
    "runs": "cli_look",
    "show": "cli_look",
    "logs": "cli_look",
    "datums": "cli_parts",
    "compare": "cli_compare",
    "data": "cli_data",
    "images": "cli_images",
    "approve": "cli_again",
    "reject": "cli_again",
    "cancel": "cli_again",
    "resume": "cli_again",
    "retry": "cli_again",
    "attach": "cli_attach",
}


class _Commands(click.Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f".{_COMMANDS[cmd_name]}", __package__)
        found: Any = getattr(module, f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from .core.errors import nearest

            ctx.fail(f'there is no command "{args[0]}". {nearest(args[0], _COMMANDS)}')
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dagbook")
@click.pass_context
def main(context: click.Context) -> None:
    """Run the cells of a notebook as a pipeline, each in its own container.

    \b
    Exit codes: 0 succeeded, 1 a node failed, 2 the pipeline or the call is wrong (nothing ran),
    3 waiting for an approval (--no-wait), 4 rejected, or cancelled from elsewhere, 5 the machine is not fit,
    130 cancelled by Ctrl-C.
    """
    if context.invoked_subcommand is None:
        click.echo(NEXT_STEPS)
