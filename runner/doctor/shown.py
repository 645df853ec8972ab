"""An examination for people: line by line on a terminal, and as a report that tells nothing private."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from .examination import conclusion, works
from .findings import Finding, Verdict
from .subject import Subject

_GLYPHS = {Verdict.OK: "✓", Verdict.NOTE: "!", Verdict.PROBLEM: "✗"}
_PLAIN = {Verdict.OK: "+", Verdict.NOTE: "!", Verdict.PROBLEM: "x"}  # where the terminal has no others
_COLOURS = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.PROBLEM: "red"}
_PART = 10  # columns of a part's name
_INDENT = 4 + _PART
_WIDEST = 100


class Printer:
    """Prints findings as they come; on a terminal it tells meanwhile what is being looked at."""

    def __init__(self) -> None:
        self._alive = sys.stdout.isatty()
        self._last = ""

    def looking_at(self, part: str) -> None:
        """Tell which part is being looked at, until something is found."""
        if self._alive:
            click.echo(f"\r\x1b[K  … {part}", nl=False)

    def head(self, words: str) -> None:
        """Print what it is all about, in one line."""
        if self._alive:
            click.echo("\r\x1b[K", nl=False)
        click.echo(_in_reach(words))

    def print(self, found: Finding) -> None:
        """Print a finding, its fix below it."""
        if self._alive:
            click.echo("\r\x1b[K", nl=False)
        name = "" if found.part == self._last else found.part
        self._last = found.part
        width = min(shutil.get_terminal_size().columns, _WIDEST)
        glyph = click.style(_glyph(found.verdict), fg=_COLOURS[found.verdict], bold=found.verdict is not Verdict.OK)
        first, *rest = lines_of(found, width)
        click.echo(f"  {glyph} {name:<{_PART}}{first}")
        for line in rest:
            click.echo(f"{'':{_INDENT}}{line}")

    def conclude(self, words: str, well: bool) -> None:
        """Print what follows from it all."""
        if self._alive:
            click.echo("\r\x1b[K", nl=False)
        width = min(shutil.get_terminal_size().columns, _WIDEST)
        click.echo()
        for line in textwrap.wrap(words, width, break_long_words=False, break_on_hyphens=False):
            click.secho(_in_reach(line), fg=None if well else "red")


def lines_of(found: Finding, width: int) -> list[str]:
    """The words of a finding, then its fix behind an arrow, for the column after the part's name."""
    room = max(30, width - _INDENT)
    arrow, fix = _in_reach("→ "), _wrapped(found.fix, room - 2)
    return [*_wrapped(found.words, room), *(f"{'  ' if number else arrow}{line}" for number, line in enumerate(fix))]


def _wrapped(text: str, room: int) -> list[str]:
    """The lines of a text, each cut at spaces where it is too long; a path or a command is not cut."""
    lines = _in_reach(text).splitlines()
    return [
        part for line in lines for part in textwrap.wrap(line, room, break_long_words=False, break_on_hyphens=False)
    ]


def _glyph(verdict: Verdict) -> str:
    return _GLYPHS[verdict] if _in_reach(_GLYPHS[verdict]) == _GLYPHS[verdict] else _PLAIN[verdict]


def _in_reach(text: str) -> str:
    """The text as standard output can take it."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    replaced = text
    for ours, plain in (("→", ">"), ("✗", "x"), ("✓", "+"), ("…", "..."), ("×", "x")):
        if not _can_be(ours, encoding):
            replaced = replaced.replace(ours, plain)
    return replaced.encode(encoding, "replace").decode(encoding)


def _can_be(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def as_json(subject: Subject, found: Sequence[Finding]) -> dict[str, Any]:
    """The object of `dagbook doctor --json`."""
    return {
        "works": works(found),
        "containers": subject.containers,
        "conclusion": conclusion(subject, found),
        "findings": [one.as_json() for one in found],
    }


def as_report(subject: Subject, found: Sequence[Finding]) -> str:
    """A block of Markdown for a report of a fault: without the user's name, home folder and addresses' passwords."""
    lines = []
    last = ""
    for one in found:
        name, last = ("" if one.part == last else one.part), one.part
        first, *rest = lines_of(one, _WIDEST)
        lines += [f"{_GLYPHS[one.verdict]} {name:<{_PART}}{first}", *(f"{'':{_PART + 2}}{line}" for line in rest)]
    text = "\n".join([*lines, "", conclusion(subject, found)])
    return f"<details><summary>dagbook doctor</summary>\n\n```\n{without_names(text)}\n```\n\n</details>"


def without_names(text: str) -> str:
    """The text with `~` for the home folder, and without the user's name in paths and what precedes @ in addresses."""
    homes = {str(Path.home()), os.path.realpath(Path.home())} - {"/"}
    for home in sorted(homes, key=len, reverse=True):
        text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text)
    user = getpass.getuser()
    text = re.sub(rf"(?<=/){re.escape(user)}(?=/|\b)", "USER", text)
    return without_credentials(text)


def without_credentials(text: str) -> str:
    """The text without user and password in addresses."""
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1…@", text)


def json_text(data: Any) -> str:
    """The object as text, without credentials in addresses."""
    return without_credentials(json.dumps(data, indent=2, ensure_ascii=False))
