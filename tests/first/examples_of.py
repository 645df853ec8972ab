"""Command lines as texts show them, read by the command line itself without running anything."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click

from dagbook.runner.cli import main


def blocks_of(markdown: str) -> str:
    """What stands in fenced blocks of a text."""
    return "\n".join(re.findall(r"(?ms)^```\w*\n(.*?)^```$", markdown))


def typed_in(text: str) -> Iterator[list[str]]:
    """The lines of a text that begin with `dagbook `, as words, without what is told beside them."""
    for line in text.splitlines():
        if re.match(r"\s*dagbook \S", line):
            yield shlex.split(re.split(r"\s{3,}|  (?=\S)|\s[#>|]\s", line.strip())[0])


def read_by_click(words: list[str]) -> click.Context:
    """The context of the command that these words call. Raises click.UsageError where it would refuse them."""
    context = click.Context(main, info_name="dagbook")
    command: click.Command = main
    rest = words[1:]
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found
        context = click.Context(command, parent=context, info_name=name)
    return command.make_context(str(context.info_name), list(rest))
