"""Completion in bash, zsh and fish: click's scripts and protocol, with what is particular to dagbook."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import MutableMapping
from typing import Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

VARIABLE = "_DAGBOOK_COMPLETE"  # as click names it after the command
SHELLS = ("bash", "zsh", "fish")
_SPECIAL = re.compile(r"([^\w@%+=:,./~#-])", re.ASCII)  # what bash reads otherwise than it stands
_WITHIN_QUOTES = re.compile(r'([$`"\\])')  # the same between double quotes


class _Quiet(ShellComplete):
    """Completes what `completing` knows, and never says anything else than what completes."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """See `ShellComplete.get_completions`."""
        self.ctx_args = {**self.ctx_args, "obj": tuple(args)}  # click itself forgets what is not yet whole
        with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(Exception, SystemExit):
            # A name with a line end or the like would be read as two, and cannot be typed anyway.
            return [one for one in super().get_completions(args, incomplete) if str(one.value).isprintable()]
        return []


class Bash(_Quiet, BashComplete):
    """Bash takes what it is given as it stands, so spaces and the like are escaped here.

    The script is not click's: that one reads backslashes away, and takes what is left for patterns of files.
    """

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n' line
    COMPREPLY=()
    while read -r line; do
        case $line in
            dir,*) compopt -o dirnames ;;
            file,*) compopt -o default ;;
            plain,*) COMPREPLY+=("${line#plain,}") ;;
        esac
    done < <(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD="$COMP_CWORD" %(complete_var)s=bash_complete "$1")
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def format_completion(self, item: CompletionItem) -> str:
        """See `ShellComplete.format_completion`."""
        words, number = os.environ.get("COMP_WORDS", "").split("\n"), int(os.environ.get("COMP_CWORD", "0"))
        typed = words[number] if number < len(words) else ""
        return f"{item.type},{_quoted(item.value, typed[:1])}"


def _quoted(value: str, begun: str) -> str:
    """The value as bash is to read it after what is `begun`: an open quote is closed by bash itself.

    Whoever named a file or a node must not have a command run by that.
    """
    if begun == "'":
        return value.replace("'", "'\\''")
    if begun == '"':
        return _WITHIN_QUOTES.sub(r"\\\1", value)
    return _SPECIAL.sub(_escape, value)


def _escape(found: re.Match[str]) -> str:
    return found[1] if ord(found[1]) > 127 else f"\\{found[1]}"


class Zsh(_Quiet, ZshComplete):
    """Zsh quotes by itself."""


class Fish(_Quiet, FishComplete):
    """Fish quotes by itself; click's script cuts what it is told at commas."""

    def format_completion(self, item: CompletionItem) -> str:
        """See `ShellComplete.format_completion`."""
        item.help = item.help.replace(",", ";") if item.help else item.help
        return super().format_completion(item)


def register() -> None:
    """Have click complete by these."""
    for shell in (Bash, Zsh, Fish):
        add_completion_class(shell)


def script(cli: click.Command, shell: str, arguments: MutableMapping[str, Any] | None = None) -> str:
    """The script that the shell is to read, with how to have it read on top."""
    kinds: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}
    made = kinds[shell](cli, arguments or {}, "dagbook", VARIABLE).source()
    first, _, rest = made.partition("\n")
    told = "\n".join(f"# {line}" for line in how_to(shell).splitlines())
    return f"{first}\n{told}\n{rest}" if first.startswith("#compdef") else f"{told}\n{made}"


def how_to(shell: str) -> str:
    """What makes a shell complete dagbook's commands from now on."""
    return {
        "bash": 'Put this line into ~/.bashrc:\n  eval "$(dagbook completion bash)"',
        "zsh": 'Put this line into ~/.zshrc, below compinit:\n  eval "$(dagbook completion zsh)"',
        "fish": "Run this once:\n  dagbook completion fish > ~/.config/fish/completions/dagbook.fish",
    }[shell]
