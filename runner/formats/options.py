"""The options of the magics: one table, from which the parsers, the help and the completion are made.

A row says how an option is spelled, what it takes, what it means, and which magics take it.
Nothing heavy is imported here: `%load_ext dagbook` reads this module to make the docstrings of the magics.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

NODE_MAGICS = ("pipeline_node", "pipeline_command", "pipeline_notebook")
KERNEL_MAGICS = ("pipeline", "pipeline_node", "pipeline_notebook")
EVERYWHERE = ("pipeline", *NODE_MAGICS)
PLANNING = ("pipeline_run", "pipeline_plan")


def _cores(text: str) -> float:
    from ..core.quantities import cpus_of

    return cpus_of(text)


def _bytes(text: str) -> int:
    from ..core.quantities import bytes_of

    return bytes_of(text)


def _seconds(text: str) -> float:
    from ..core.quantities import seconds_of

    return seconds_of(text)


def _image(text: str) -> str:
    from ..core.quantities import check_image

    return check_image(text)


def _title(text: str) -> str:
    from ..core.names import clean_title

    return clean_title(text)


def _retries(text: str) -> int:
    from ..core.errors import PipelineError, problem

    if not (text.isascii() and text.isdigit() and int(text[:4]) <= 100):
        what = f"{text!r} is not a number of retries"
        raise PipelineError(problem("E-VALUE", what=what, hint="Write a whole number from 0 to 100."))
    return int(text)


def _count(text: str) -> int:
    from ..core.errors import PipelineError, problem

    if not (text.isascii() and text.isdigit() and 0 < len(text) < 12 and int(text)):
        raise PipelineError(
            problem("E-VALUE", what=f"{text!r} is not a number", hint="Write a whole number from 1 on.")
        )
    return int(text)


@dataclass(frozen=True, slots=True)
class Option:
    """One option of one or more magics.

    `metavar` is empty for a switch, which takes no value; `many` options take one or more values and may be repeated.
    `convert` makes the value of a text and raises PipelineError for a text that means none.
    """

    name: str
    metavar: str
    help: str
    magics: tuple[str, ...]
    many: bool = False
    choices: tuple[str, ...] = ()
    required: bool = False
    bare: bool = False  # may also stand alone
    convert: Callable[[str], Any] = str

    @property
    def dest(self) -> str:
        """The attribute that holds the value after parsing: `--on-error` -> `on_error`."""
        return self.name.lstrip("-").replace("-", "_")


EXECUTORS = ("auto", "docker", "process")
ON_ERROR = ("stop-next", "stop-all", "continue")

OPTIONS = (
    Option(
        "--after", "TITLE", "the nodes before it; their files are under /input", NODE_MAGICS, many=True, convert=_title
    ),
    Option("--path", "FILE.ipynb", "the notebook that is the node", ("pipeline_notebook",), required=True),
    Option("--param", "NAME[=VALUE]", "a parameter; without a value, that pipeline parameter", NODE_MAGICS, many=True),
    Option("--grid", "NAME=A,B", "one run of the node for each value", NODE_MAGICS, many=True),
    Option("--gather", "TITLE", "take all runs of these nodes at once", NODE_MAGICS, True, convert=_title, bare=True),
    Option("--image", "IMAGE", "the container image to run in", (*EVERYWHERE, *PLANNING), convert=_image),
    Option(
        "--requirements", "SPEC|FILE.txt", "packages to install first, or a file that lists them", EVERYWHERE, many=True
    ),
    Option("--prerun", "FILE", "a shell script to run when the image is made", EVERYWHERE),
    Option("--kernel", "NAME", "the Jupyter kernel to run in, such as ir", KERNEL_MAGICS),
    Option("--cpus", "N", "cores it may use, such as 0.5", EVERYWHERE, convert=_cores),
    Option("--memory", "SIZE", "memory it may use, such as 2g", EVERYWHERE, convert=_bytes),
    Option("--env", "NAME=VALUE", "an environment variable", EVERYWHERE, many=True),
    Option("--timeout", "TIME", "the longest it may take, such as 10m", EVERYWHERE, convert=_seconds),
    Option("--retries", "N", "how often to try again after a failure", EVERYWHERE, convert=_retries),
    Option(
        "--on-error", "WHAT", "what a failure means for the others", (*EVERYWHERE, "pipeline_run"), choices=ON_ERROR
    ),
    Option("--network", "", "let it reach the network", EVERYWHERE),
    Option("--no-network", "", "keep it from the network", EVERYWHERE),
    Option("--executor", "NAME", "where it runs", (*EVERYWHERE, *PLANNING), choices=EXECUTORS),
    Option("--forget", "TITLE", "forget nodes whose cells were deleted", ("pipeline",), many=True, convert=_title),
    Option("--reset", "", "forget the whole pipeline of this notebook", ("pipeline",)),
    Option("--nodes-only", "", "run it in the nodes only, not in the notebook", ("pipeline_shared",)),
    Option("--node", "TITLE", "run these nodes alone", PLANNING, many=True, convert=_title),
    Option("--from", "TITLE", "run these nodes and all after them", PLANNING, many=True, convert=_title),
    Option("--until", "TITLE", "run these nodes and all before them", PLANNING, many=True, convert=_title),
    Option("--jobs", "N", "node runs at a time", PLANNING, convert=_count),
    Option("--max-runs", "N", "the most node runs to plan", PLANNING, convert=_count),
    Option("--code", "DIR|none", "the folder that nodes see at /code", PLANNING),
    Option("--wait", "", "let the cell wait until the run is over", ("pipeline_run",)),
    Option(
        "--store", "DIR", "the folder of the store", ("pipeline_run", "pipeline_show", "pipeline_runs", "pipeline_stop")
    ),
)


@dataclass(frozen=True, slots=True)
class Magic:
    """One of our magics: its name without %, whether it owns the cell, its positional word (empty: none) and
    whether that must be there, whether it defines something (or runs and looks), what it does, an example."""

    name: str
    help: str
    example: str
    positional: str = ""
    required: bool = False
    cell: bool = False
    defines: bool = True

    @property
    def spelled(self) -> str:
        """The name as it is typed: `%%pipeline_node`."""
        return ("%%" if self.cell else "%") + self.name


_ALL = (
    Magic(
        "pipeline",
        "Name this notebook's pipeline and give its nodes defaults.",
        "%pipeline churn --image python:3.12-slim --requirements requirements.txt",
        "NAME",
    ),
    Magic(
        "pipeline_shared",
        "Code that every node of a cell starts with; it runs in the notebook, too.",
        "%%pipeline_shared",
        cell=True,
    ),
    Magic(
        "pipeline_node",
        "Make this cell a node of the pipeline.",
        '%%pipeline_node "Train model" --after prepare --grid lr=0.1,0.01 --param epochs=3',
        "TITLE",
        required=True,
        cell=True,
    ),
    Magic(
        "pipeline_command",
        "Make this cell, a shell script, a node of the pipeline.",
        '%%pipeline_command report --after "Train model" --image r-base:4.4',
        "TITLE",
        required=True,
        cell=True,
    ),
    Magic(
        "pipeline_notebook",
        "Make a whole notebook a node of the pipeline.",
        '%pipeline_notebook score --path score.ipynb --after "Train model"',
        "TITLE",
        required=True,
    ),
    Magic("pipeline_run", "Run the pipeline.", '%pipeline_run --until "Train model"', defines=False),
    Magic("pipeline_plan", "Tell what a run would do, and why.", "%pipeline_plan", defines=False),
    Magic("pipeline_show", "Show the pipeline, or a run of it.", "%pipeline_show latest", "RUN", defines=False),
    Magic("pipeline_runs", "List the runs in the store.", "%pipeline_runs", defines=False),
    Magic("pipeline_stop", "Cancel a run.", "%pipeline_stop latest", "RUN", defines=False),
)
MAGICS = {magic.name: magic for magic in _ALL}


def options_of(magic: str) -> tuple[Option, ...]:
    """The rows that `magic` (its name without %) takes, in the order of the table."""
    return tuple(option for option in OPTIONS if magic in option.magics)


def option_names(magic: str) -> tuple[str, ...]:
    """The options that `magic` takes, as they are typed: `--after`, `--param`, …"""
    return tuple(option.name for option in options_of(magic))


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
    if row.positional:
        nargs = None if row.required else "?"
        parser.add_argument("title", nargs=nargs, metavar=row.positional, help="quote it when it has spaces")
    for option in options_of(magic):
        _add(parser, option)
    return parser


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    text = f"{option.help}: {', '.join(option.choices)}" if option.choices else option.help
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
    shown = [o for o in options_of(magic) if o.required or o.dest in ("after", "param", "grid", "image", "nodes_only")]
    for option in shown:
        text = f"{option.name} {option.metavar}".strip() + (" ..." if option.many else "")
        parts.append(text if option.required else f"[{text}]")
    if len(shown) < len(options_of(magic)):
        parts.append("[OPTIONS]")
    return " ".join(parts)


def help_text(magic: str) -> str:
    """The whole help of `magic`, as `%%pipeline_node?` shows it."""
    return parser_of(magic).format_help()
