"""The command line: the group of commands. Each parses, delegates and says how it ended; heavy imports wait."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import Any

import click

# Importing makes many objects and no garbage; looking for some so often costs a tenth of a command's start.
gc.set_threshold(100_000, 20, 20)

# Commands by what one wants: each with the module that has it, so that only the one called is imported, and with what
# the list of all says of it in one line.
_THEMES: dict[str, dict[str, tuple[str, str]]] = {
    "First steps": {
        "tutorial": ("cli_first", "A notebook to learn from; lists them."),
        "init": ("cli_first", "A pipeline to start from: notebook, test, CI."),
        "doctor": ("cli_doctor", "Is this machine fit, a store sound? What mends it."),
        "completion": ("cli_completion", "Let Tab complete in bash, zsh or fish."),
    },
    "Run": {
        "run": ("cli_run", "Run the pipeline of FILE."),
        "plan": ("cli_run", "What would run, and why; what is up to date."),
        "check": ("cli_check", "What is wrong with FILE; nothing is run."),
        "graph": ("cli_run", "Draw the pipeline of FILE."),
        "resume": ("cli_again", "Go on with a run that ended too early, or waits."),
        "retry": ("cli_again", "Run nodes of a run again, and what follows."),
        "cancel": ("cli_again", "End a run; what is done is kept."),
    },
    "Look": {
        "runs": ("cli_look", "The latest runs."),
        "show": ("cli_look", "A run: its nodes, how they ended, their tags."),
        "logs": ("cli_look", "What the nodes of a run printed."),
        "artifact": ("cli_artifact", "What a node left: its files, or copies of them."),
        "report": ("cli_report", "Write reports of a run: JUnit, Markdown, HTML."),
        "mirror": ("cli_mirror", "Send a run to MLflow after it ran."),
        "compare": ("cli_compare", "Routes of a run, or runs, side by side."),
        "datums": ("cli_parts", "What became of each datum of a node."),
        "attach": ("cli_attach", "Go into the kernel of a failed node."),
    },
    "Decide": {
        "approve": ("cli_again", "Let a node start that waits for approval."),
        "reject": ("cli_again", "Do not let it start: the run is aborted."),
    },
    "Exchange": {
        "import": ("cli_exchange", "Take over a pipeline of cnvrg, Valohai, Pachyderm."),
        "export": ("cli_exchange", "Write a pipeline in another format."),
        "schema": ("cli_exchange", "The JSON Schema of dagbook's YAML, for editors."),
    },
    "Data and images": {
        "data": ("cli_data", "Datasets with versions: put, get, list, diff …"),
        "images": ("cli_images", "Make the images of nodes beforehand, push them."),
    },
}
_COMMANDS = {name: module for theme in _THEMES.values() for name, (module, _) in theme.items()}
_WIDEST = max(map(len, _COMMANDS))


INTERRUPTED = 130
COMPLETES = "_DAGBOOK_COMPLETE"  # the variable by which a shell asks what completes a command line


class _Commands(click.Group):
    """Imports a command when it is asked for."""

    def main(self, *args: Any, **options: Any) -> Any:
        if COMPLETES in os.environ:
            from .completion_shells import register

            register()
        from .records.processes import hear_of_children

        hear_of_children()
        _open_standard_streams()
        from .terminal_text import guarded_stream

        with redirect_stdout(guarded_stream(sys.stdout)), redirect_stderr(guarded_stream(sys.stderr)):
            return super().main(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Ctrl-C ends every command with its own exit code; what it writes is written whole or not at all."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Cancelled.", err=True)
            sys.exit(INTERRUPTED)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, theme in _THEMES.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(_WIDEST), told) for name, (_, told) in theme.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        told = {name: words for theme in _THEMES.values() for name, (_, words) in theme.items()}
        found = [CompletionItem(name, help=words) for name, words in told.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f".{_COMMANDS[cmd_name]}", __package__)
        found: Any = getattr(module, f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name)
        assert isinstance(found, click.Command)
        if COMPLETES in os.environ:
            from .completing import let_complete

            let_complete(found)
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

    dagbook COMMAND --help tells more of each, with examples.

    \b
    Exit codes: 0 it succeeded, 1 a node failed, 2 the pipeline or the call is
    wrong (nothing ran), 3 waiting for an approval (--no-wait), 4 rejected, or
    cancelled from elsewhere, 5 the machine is not fit, 130 cancelled by Ctrl-C.
    """
    if os.environ.get("NO_COLOR"):
        context.color = False
    _stand_somewhere()
    if context.invoked_subcommand is None:
        from .first_steps import first_steps

        click.echo(first_steps(Path()))


def _stand_somewhere() -> None:
    """Every command means something by the folder that it is called in: it must be there."""
    try:
        os.getcwd()
    except FileNotFoundError:
        from .cli_options import tell_error
        from .core.errors import PipelineError, problem

        here, hint = "the folder that this command was called in", "Go into one that is there: cd FOLDER"
        tell_error(PipelineError(problem("E-FILE-MISSING", file=here, hint=hint)), False)
        sys.exit(PipelineError.exit_code)


def _open_standard_streams() -> None:
    """Open those of descriptors 0, 1 and 2 that are closed, on nothing.

    The next file that is opened would get their number, and what libraries and children say there would go into it.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(opened, True)
    os.close(opened)
