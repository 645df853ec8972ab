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
_VERBS = ("run", "resume", "plan", "show", "runs", "stop", "approve", "attach", "compare")
LOOKING = tuple(f"pipeline_{verb}" for verb in _VERBS)


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


def _gpus(text: str) -> int:
    from ..core.errors import PipelineError, problem

    if not (text.isascii() and text.isdigit() and len(text) < 4):
        what = f"{text!r} is not a number of GPUs"
        raise PipelineError(problem("E-VALUE", what=what, hint="Write a whole number from 0 on."))
    return int(text)


def _templates(text: str) -> tuple[str, ...]:
    from ..core.errors import PipelineError, problem

    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        what = f"{text!r} holds an empty name"
        raise PipelineError(problem("E-VALUE", what=what, hint="Write --compute big,small : tried in this order."))
    return names


def _condition(text: str) -> object:
    from .flow_words import condition_of

    return condition_of(text)


def _approvers(text: str) -> tuple[str, ...]:
    from .flow_words import approvers_of

    return approvers_of(text)


def _data_source(text: str) -> str:
    from .flow_words import data_source_of

    return data_source_of(text)


def _pin(text: str) -> str:
    from .flow_words import pin_of

    return pin_of(text)


def _repository(text: str) -> str:
    from ..core.errors import PipelineError
    from .git_address import read_git_address, without_credentials

    try:
        return str(read_git_address(text))
    except PipelineError:
        hidden = without_credentials(text)
        if hidden == text:
            raise
        return hidden  # a fault told here would show the line with the password; planning refuses what is left


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


MOST_USED = ("after", "param", "grid", "image", "nodes_only", "path", "url")  # these are named in the usage
EXECUTORS = ("auto", "docker", "process")
ON_ERROR = ("stop-next", "stop-all", "continue")

OPTIONS = (
    Option(
        "--after", "TITLE", "the nodes before it; their files are under /input", NODE_MAGICS, many=True, convert=_title
    ),
    Option("--path", "FILE.ipynb", "the notebook that is the node", ("pipeline_notebook",), required=True),
    Option("--path", "FILE|DIR", "the file or folder that it is", ("pipeline_data",), convert=_data_source),
    Option("--url", "URL", "where it is fetched from, when it is not here", ("pipeline_data",), convert=_data_source),
    Option("--pin", "SHA256", "the version that it must have", ("pipeline_data",), convert=_pin),
    Option("--param", "NAME[=VALUE]", "a parameter; without a value, that pipeline parameter", NODE_MAGICS, many=True),
    Option("--grid", "NAME=A,B", "one run of the node for each value", NODE_MAGICS, many=True),
    Option("--gather", "TITLE", "take all runs of these nodes at once", NODE_MAGICS, True, convert=_title, bare=True),
    Option("--single", "", "run once, whatever its parents' grids; their files are not shown", NODE_MAGICS),
    Option("--input", "SLOT=TITLE/GLOB", "files for /input/SLOT; SLOT? may stay empty", NODE_MAGICS, many=True),
    Option(
        "--when",
        "OP:[TITLE.]TAG[:VALUE]",
        "go on from runs whose tag is so; OP is gt, lt, ge, le, eq, ne, max or min",
        NODE_MAGICS,
        many=True,
        convert=_condition,
    ),
    Option("--approve", "USER[,USER]", "who may let it start", NODE_MAGICS, many=True, convert=_approvers),
    Option("--optional", "", "the slot may stay empty", ("pipeline_edge",)),
    Option("--image", "IMAGE", "the container image to run in", (*EVERYWHERE, *PLANNING), convert=_image),
    Option(
        "--requirements", "SPEC|FILE.txt", "packages to install first, or a file that lists them", EVERYWHERE, many=True
    ),
    Option("--prerun", "FILE", "a shell script to run when the image is made", EVERYWHERE),
    Option("--kernel", "NAME", "the Jupyter kernel to run in, such as ir", KERNEL_MAGICS),
    Option("--cpus", "N", "cores it may use, such as 0.5", EVERYWHERE, convert=_cores),
    Option("--memory", "SIZE", "memory it may use, such as 2g", EVERYWHERE, convert=_bytes),
    Option("--gpus", "N", "GPUs it may use; 0 hides them", EVERYWHERE, convert=_gpus),
    Option(
        "--compute", "NAME[,NAME]", "compute templates: the first that fits", EVERYWHERE, many=True, convert=_templates
    ),
    Option("--git", "URL[@REF]", "a repository to clone to /cnvrg", EVERYWHERE, convert=_repository),
    Option("--env", "NAME=VALUE", "an environment variable", EVERYWHERE, many=True),
    Option("--timeout", "TIME", "the longest it may take, such as 10m", EVERYWHERE, convert=_seconds),
    Option("--retries", "N", "how often to try again after a failure", EVERYWHERE, convert=_retries),
    Option(
        "--on-error", "WHAT", "what a failure means for the others", (*EVERYWHERE, "pipeline_run"), choices=ON_ERROR
    ),
    Option("--network", "", "let it reach the network", EVERYWHERE),
    Option("--no-network", "", "keep it from the network", EVERYWHERE),
    Option("--no-cache", "", "run it even when an earlier result would do", EVERYWHERE),
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
    Option("--wait", "", "let the cell wait until the run is over", ("pipeline_run", "pipeline_resume")),
    Option("--node", "NODE", "compare the runs of these nodes", ("pipeline_compare",), many=True),
    Option("--by", "TAG", "the highest first; -TAG: the lowest", ("pipeline_compare",)),
    Option("--all", "", "show parameters that are the same everywhere in columns, too", ("pipeline_compare",)),
    Option(
        "--force", "TITLE", "run these, whatever ran before", (*PLANNING, "pipeline_resume"), many=True, convert=_title
    ),
    Option("--no-cache", "", "run everything, whatever ran before", PLANNING),
    Option("--no-wait", "", "end when nothing but an approval is left to wait for", ("pipeline_run",)),
    Option("--param", "NAME=VALUE", "a pipeline parameter that changes", ("pipeline_resume",), many=True),
    Option("--by", "USER", "who decides; one of those whom the node asks", ("pipeline_approve",)),
    Option("--reject", "", "do not let it start: the run is aborted", ("pipeline_approve",)),
    Option("--keep-failed", "", "let the kernel of a failed node stay, to go into it", ("pipeline_run",)),
    Option("--run", "RUN", "the run that is meant, else the latest", ("pipeline_attach", "pipeline_approve")),
    Option("--done", "", "end the kernel and remove its container", ("pipeline_attach",)),
    Option(
        "--store",
        "DIR",
        "the folder of the store",
        LOOKING,
    ),
)


@dataclass(frozen=True, slots=True)
class Magic:
    """One of our magics: its name without %, whether it owns the cell, its positional words (empty: none) and
    whether they must be there, whether it defines something (or runs and looks), what it does, an example."""

    name: str
    help: str
    example: str
    positional: str = ""
    required: bool = False
    cell: bool = False
    defines: bool = True
    both: bool = False  # on a line, and as a cell magic too

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
    Magic(
        "pipeline_data",
        "Make a dataset, a path or a URL, a node of the pipeline; others name it in --after.",
        "%pipeline_data images --path data/images",
        "TITLE",
        required=True,
    ),
    Magic(
        "pipeline_edge",
        "Lead files into an input slot of a node, or a parameter or tag into a parameter.",
        '%pipeline_edge prepare.output.*.csv "Train model".input.table',
        "SOURCE TARGET",
        required=True,
    ),
    Magic("pipeline_run", "Run the pipeline.", '%pipeline_run --until "Train model"', defines=False),
    Magic(
        "pipeline_resume",
        "Go on with a run that ended or waits; what is done is kept.",
        "%pipeline_resume latest",
        "RUN",
        defines=False,
    ),
    Magic(
        "pipeline_approve",
        "Decide on a node that waits for an approval: let it start, or not.",
        '%pipeline_approve "Deploy model" --by leah',
        "NODE",
        required=True,
        defines=False,
    ),
    Magic("pipeline_plan", "Tell what a run would do, and why.", "%pipeline_plan", defines=False),
    Magic("pipeline_show", "Show the pipeline, or a run of it.", "%pipeline_show latest", "RUN", defines=False),
    Magic("pipeline_runs", "List the runs in the store.", "%pipeline_runs", defines=False),
    Magic(
        "pipeline_compare",
        "Compare the routes of a run, or several runs: RUN may be several ids.",
        "%pipeline_compare latest --by accuracy",
        "RUN",
        defines=False,
    ),
    Magic("pipeline_stop", "Cancel a run.", "%pipeline_stop latest", "RUN", defines=False),
    Magic(
        "pipeline_attach",
        "Go into the kernel of a failed node that --keep-failed left; as %%pipeline_attach, run the cell there.",
        "%pipeline_attach train --done",
        "NODE",
        both=True,
        defines=False,
    ),
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
