"""The commands that come first: tutorial, init."""

from __future__ import annotations

import os
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from .cli_options import guarded
from .scaffold import FORMATS, SERVICES
from .tutorials import TUTORIALS

FOLDER = click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))


class _Tutorial(click.Choice):  # type: ignore[type-arg,unused-ignore]
    """One of the tutorials by name."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value not in TUTORIALS:
            from .core.errors import nearest

            click.get_current_context().fail(f'there is no tutorial "{value}". {nearest(str(value), TUTORIALS)}')
        return value


@click.command()
@click.argument("name", metavar="[NAME]", required=False, type=_Tutorial(list(TUTORIALS)))
@FOLDER
@click.option("--force", is_flag=True, help="Write it anew where it is there already.")
@guarded
def tutorial(name: str | None, folder: Path, force: bool) -> int:
    """Put a notebook to learn from into this folder, or into DIR; without NAME list them.

    Each takes about ten minutes, and needs neither the network nor packages.

    \b
    dagbook tutorial               which there are
    dagbook tutorial intro         the first one, as intro.ipynb
    dagbook tutorial grid learn    the third one, into the folder learn
    """
    if name is None:
        _list_tutorials()
        return 0
    from .new_files import refuse_existing, write_all
    from .tutorials import text_of

    file = folder / f"{name}.ipynb"
    if not force:
        refuse_existing([file], f"Take another folder: dagbook tutorial {name} DIR; or write it anew with --force.")
    write_all({file: text_of(name)})
    typed = shlex.quote(str(file))
    click.echo(f"Wrote {file}: {TUTORIALS[name]}.\n")
    click.echo(f"  jupyter lab {typed}   open it, and go on there{_where_from('jupyterlab', 'dagbook[lab]')}")
    click.echo(f"  dagbook run {typed}   or run it from here")
    return 0


def _where_from(module: str, package: str) -> str:
    """How to get what a command needs that is told; empty where it is here."""
    return "" if find_spec(module) else f" (pip install '{package}')"


def _list_tutorials() -> None:
    click.echo("Notebooks to learn from, in the order in which they are best read:\n")
    for one, words in TUTORIALS.items():
        click.echo(f"  {one:<11} {words}")
    click.echo("\nBegin with:  dagbook tutorial intro")


@click.command()
@FOLDER
@click.option("--name", metavar="NAME", help="What the pipeline is called [as the folder].")
@click.option("--format", "form", type=click.Choice(FORMATS), default="notebook", help="How it is written [notebook].")
@click.option("--ci", "service", type=click.Choice(SERVICES), default="github", help="Who runs it [github].")
@click.option("--force", is_flag=True, help="Replace files that are there already.")
@guarded
def init(folder: Path, name: str | None, form: str, service: str, force: bool) -> int:
    """Make a pipeline to start from, in this folder or in DIR: notebook, test, workflow, settings.

    Nothing that is there is touched, but for .gitignore, to which lines are added. In a git repository the
    workflow is put where GitHub looks for it, at the root.

    \b
    dagbook init                            in this folder
    dagbook init churn --ci gitlab          in a new one, with a file for GitLab
    dagbook init churn --format py          as a Python program
    """
    from .new_files import refuse_existing, write_all
    from .origin import requirement
    from .scaffold import project

    package = requirement()
    files = project(folder, name, form, service, package)
    if not force:
        hint = "Take another folder, or replace them with --force; without a file for CI: --ci none."
        refuse_existing([one.path for one in files if not one.extends], hint)
    write_all({one.path: one.text for one in files})
    _tell_what_is_made(folder, {one.path: one.words for one in files}, files[0].path.name)
    if package is None and service != "none":
        _tell_what_to_fill_in(next(one.path for one in files if one.path.suffix == ".yml"))
    return 0


def _tell_what_to_fill_in(file: Path) -> None:
    click.echo(
        "\nBefore CI can run it, say there what pip installs to have dagbook (DAGBOOK: …):\n"
        f"  {os.path.relpath(file)}\n"
        "This one was installed from a folder or file that only this machine has."
    )


def _tell_what_is_made(folder: Path, words: dict[Path, str], file: str) -> None:
    from rich.console import Console

    from .file_tree import tree

    lab = file.endswith(".ipynb")
    root = Path(os.path.commonpath([folder.absolute(), *(path.parent for path in words)]))
    Console(soft_wrap=True, highlight=False).print(tree(words, root))
    steps = [
        *([(f"cd {shlex.quote(str(folder))}", "")] if folder.absolute() != Path.cwd() else []),
        *([(f"jupyter lab {file}", "open it" + _where_from("jupyterlab", "dagbook[lab]"))] if lab else []),
        (f"dagbook run {file}", "run it"),
        ("pytest", "test it" + _where_from("pytest", "pytest")),
    ]
    width = max(len(command) for command, _ in steps)
    click.echo("\nNext:\n" + "\n".join(f"  {command:<{width}}   {what}".rstrip() for command, what in steps))
