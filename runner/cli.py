"""The command line: the group of commands. Each parses, delegates and says how it ended; heavy imports wait."""

from __future__ import annotations

import gc

import click

from .cli_again import approve, cancel, reject, resume, retry
from .cli_attach import attach
from .cli_compare import compare
from .cli_look import logs, runs, show
from .cli_run import check, graph, plan, run

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


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
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


_LOOKING = (runs, show, logs, compare)
_ACTING = (approve, reject, cancel, resume, retry, attach)
for command in (run, plan, check, graph, *_LOOKING, *_ACTING):
    main.add_command(command)
