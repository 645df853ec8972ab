"""Parsers and help of the magics, made from the tables of magics and options."""

from __future__ import annotations

import argparse
from functools import lru_cache
from typing import Any

from .magic_table import MAGICS
from .options import Option, options_of

MOST_USED = ("after", "param", "grid", "image", "nodes_only", "path", "url")  # these are named in the usage


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:  # pragma: no cover - magic_lines looks at every token before
        raise ValueError(message)


@lru_cache
def parser_of(magic: str) -> argparse.ArgumentParser:
    """The argparse parser of `magic`, made from the table. It never prints and never exits."""
    row = MAGICS[magic]
    parser = _Parser(
        prog=row.spelled,
        description=row.help,
        usage=usage(magic).replace("%", "%%"),  # argparse formats its usage with the % operator
        epilog=f"Example:  {row.example}",
        add_help=False,
        allow_abbrev=False,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=30, width=100),
    )
    for position, word in enumerate(row.positional.split()):
        nargs = None if row.required else "?"
        dest = word.lower() if position else "title"
        parser.add_argument(dest, nargs=nargs, metavar=word, help="quote it when it has spaces")
    for option in options_of(magic):
        _add(parser, option)
    return parser


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    text = f"{option.help}: {', '.join(option.choices)}" if option.choices else option.help
    text = text.replace("%", "%%")  # argparse formats help with the % operator, too
    if not option.metavar:
        parser.add_argument(option.name, action="store_true", help=text)
    elif option.bare:
        more = f"{text}; alone: all of them"
        parser.add_argument(option.name, action="append", nargs="?", default=[], metavar=option.metavar, help=more)
    elif option.many:
        parser.add_argument(
            option.name, action="append", default=[], metavar=option.metavar, help=f"{text}; one or more"
        )
    else:
        parser.add_argument(option.name, metavar=option.metavar, help=text)


def usage(magic: str) -> str:
    """How to write `magic`, in one line: what must be there and the options most used."""
    row = MAGICS[magic]
    parts = [row.spelled]
    if row.positional:
        parts.append(row.positional if row.required else f"[{row.positional}]")
    shown = [o for o in options_of(magic) if o.required or o.dest in MOST_USED]
    for option in shown:
        text = f"{option.name} {option.metavar}".strip() + (" ..." if option.many else "")
        parts.append(text if option.required else f"[{text}]")
    if len(shown) < len(options_of(magic)):
        parts.append("[OPTIONS]")
    return " ".join(parts)


def help_text(magic: str) -> str:
    """The whole help of `magic`, as `%%pipeline_node?` shows it."""
    return parser_of(magic).format_help()
