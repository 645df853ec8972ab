"""`--help` teaches: every command shows how it is typed, the list tells each in a line, and all fits 80 columns."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from dagbook.runner.cli import main
from tests.first.examples_of import read_by_click, typed_in


def commands(group: click.Group, path: str = "dagbook") -> Iterator[tuple[str, click.Command]]:
    """Every command below a group, with how it is typed."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


COMMANDS = dict(commands(main))


def help_of(command: click.Command, path: str) -> str:
    """What `--help` prints in a terminal of 80 columns."""
    return command.get_help(click.Context(command, info_name=path, terminal_width=80, max_content_width=80))


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_shows_how_it_is_typed_and_that_works(path: str) -> None:
    shown = list(typed_in(COMMANDS[path].help or ""))
    assert [words for words in shown if " ".join(words).startswith(path)], "no example"
    for words in shown:
        read_by_click(words)


@pytest.mark.parametrize("path", ["dagbook", *COMMANDS])
def test_help_fits_80_columns(path: str) -> None:
    text = help_of(COMMANDS.get(path, main), path)
    assert [line for line in text.splitlines() if len(line) > 80] == []


def test_the_list_tells_every_command_under_what_one_wants() -> None:
    """Each once, in a line that is not cut off."""
    text = help_of(main, "dagbook").partition("\nFirst steps:")[2]
    listed = re.findall(r"(?m)^  (\w+) +(\S.*)$", text)
    assert sorted(name for name, _ in listed) == main.list_commands(click.Context(main))
    assert not [told for _, told in listed if told.endswith("...") or not told.endswith((".", "…"))]
