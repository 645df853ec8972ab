"""The options of the magics: one table, from which the parsers, the help and the completion are made.

A row says how an option is spelled, what it takes, what it means, and which magics take it.
Nothing heavy is imported here: `%load_ext dagbook` reads this module to make the docstrings of the magics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import conversions as to

NODE_MAGICS = ("pipeline_node", "pipeline_command", "pipeline_notebook")
KERNEL_MAGICS = ("pipeline", "pipeline_node", "pipeline_notebook")
EVERYWHERE = ("pipeline", *NODE_MAGICS)
PLACED = (*NODE_MAGICS, "pipeline_data")
PLANNING = ("pipeline_run", "pipeline_plan")
RUNNING = ("pipeline_run", "pipeline_resume")
WHOLE = ("pipeline_yaml", "pipeline_import")
_VERBS = ("run", "resume", "plan", "show", "runs", "stop", "approve", "attach", "compare")
LOOKING = tuple(f"pipeline_{verb}" for verb in _VERBS)


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
FORMATS = ("native", "cnvrg", "valohai", "pachyderm")
ON_ERROR = ("stop-next", "stop-all", "continue")
EVENTS = ("success", "failure", "approval", "cancelled")  # of a run, of which people are told

OPTIONS = (
    Option(
        "--after",
        "TITLE",
        "the nodes before it; their files are under /input",
        NODE_MAGICS,
        many=True,
        convert=to.title,
    ),
    Option("--path", "FILE", "the notebook that is the node, also as a script", ("pipeline_notebook",), required=True),
    Option("--path", "FILE|DIR", "the file or folder that it is", ("pipeline_data",), convert=to.data_source),
    Option(
        "--url",
        "URL",
        "where it is fetched from, when it is not here",
        ("pipeline_data",),
        convert=to.data_source,
    ),
    Option(
        "--artifact",
        "RUN/NODE",
        "what nodes of earlier runs left, side by side, when it is that",
        ("pipeline_data",),
        many=True,
        convert=to.artifact,
    ),
    Option("--pin", "SHA256", "the version that it must have", ("pipeline_data",), convert=to.pin),
    Option("--param", "NAME[=VALUE]", "a parameter; without a value, that pipeline parameter", NODE_MAGICS, many=True),
    Option("--grid", "NAME=A,B", "one run of the node for each value", NODE_MAGICS, many=True),
    Option(
        "--gather",
        "TITLE",
        "take all runs of these nodes at once",
        NODE_MAGICS,
        True,
        convert=to.title,
        bare=True,
    ),
    Option("--single", "", "run once, whatever its parents' grids; their files are not shown", NODE_MAGICS),
    Option("--input", "SLOT=TITLE/GLOB", "files for /input/SLOT; SLOT? may stay empty", NODE_MAGICS, many=True),
    Option("--map", "TITLE:/GLOB", "one kernel for each match of the glob in that node's files", NODE_MAGICS),
    Option("--workers", "N", "how many matches of --map are worked on at a time", NODE_MAGICS, convert=to.count),
    Option(
        "--when",
        "OP:[TITLE.]TAG[:VALUE]",
        "go on from runs whose tag is so; OP is gt, lt, ge, le, eq, ne, max or min",
        NODE_MAGICS,
        many=True,
        convert=to.condition,
    ),
    Option("--approve", "USER[,USER]", "who may let it start", NODE_MAGICS, many=True, convert=to.approvers),
    Option("--optional", "", "the slot may stay empty", ("pipeline_edge",)),
    Option(
        "--notify-on",
        "EVENT[,EVENT]",
        "tell people when it fails, or succeeds: failure, success",
        NODE_MAGICS,
        many=True,
        convert=to.node_events,
    ),
    Option("--email", "ADDRESS[,ADDRESS]", "whom mail tells of that, too", NODE_MAGICS, many=True, convert=to.emails),
    Option("--image", "IMAGE", "the container image to run in", (*EVERYWHERE, *PLANNING), convert=to.image),
    Option(
        "--requirements", "SPEC|FILE.txt", "packages to install first, or a file that lists them", EVERYWHERE, many=True
    ),
    Option("--prerun", "FILE", "a shell script to run when the image is made", EVERYWHERE),
    Option("--kernel", "NAME", "the Jupyter kernel to run in, such as ir", KERNEL_MAGICS),
    Option("--cpus", "N", "cores it may use, such as 0.5", EVERYWHERE, convert=to.cores),
    Option("--memory", "SIZE", "memory it may use, such as 2g", EVERYWHERE, convert=to.memory),
    Option("--gpus", "N", "GPUs it may use; 0 hides them", EVERYWHERE, convert=to.gpus),
    Option(
        "--compute",
        "NAME[,NAME]",
        "compute templates: the first that fits",
        EVERYWHERE,
        many=True,
        convert=to.templates,
    ),
    Option("--git", "URL[@REF]", "a repository to clone to /cnvrg", EVERYWHERE, convert=to.repository),
    Option("--env", "NAME=VALUE", "an environment variable", EVERYWHERE, many=True),
    Option(
        "--secret",
        "[VARIABLE=]NAME[:KEY]",
        "a secret of this machine, in a variable",
        EVERYWHERE,
        many=True,
        convert=to.secret,
    ),
    Option("--timeout", "TIME", "the longest it may take, such as 10m", EVERYWHERE, convert=to.seconds),
    Option("--retries", "N", "how often to try again after a failure", EVERYWHERE, convert=to.retries),
    Option(
        "--on-error", "WHAT", "what a failure means for the others", (*EVERYWHERE, "pipeline_run"), choices=ON_ERROR
    ),
    Option("--network", "", "let it reach the network", EVERYWHERE),
    Option("--no-network", "", "keep it from the network", EVERYWHERE),
    Option("--no-cache", "", "run it even when an earlier result would do", EVERYWHERE),
    Option("--executor", "NAME", "where it runs", (*EVERYWHERE, *PLANNING), choices=EXECUTORS),
    Option("--left", "PIXELS", "where its card stands in the picture, from the left", PLACED, convert=to.pixels),
    Option("--top", "PIXELS", "where its card stands in the picture, from the top", PLACED, convert=to.pixels),
    Option("--from", "FORMAT", "the format, when its content does not tell", WHOLE, choices=FORMATS),
    Option("--pipeline", "NAME", "the one that is meant, where there are several", WHOLE),
    Option("--image-map", "OLD=NEW", "another image in place of one that is named; * is any text", WHOLE, many=True),
    Option("--repair", "", "mend what is no YAML, where it is clear what was meant", WHOLE),
    Option("--strict", "", "keys that are not known are errors in every format", WHOLE),
    Option("--csv-grid", "", "in a cnvrg flow, a text with commas stands for several values", WHOLE),
    Option(
        "--forget",
        "TITLE",
        "forget nodes whose cells were deleted",
        ("pipeline",),
        many=True,
        convert=to.title,
    ),
    Option("--reset", "", "forget the whole pipeline of this notebook", ("pipeline",)),
    Option("--nodes-only", "", "run it in the nodes only, not in the notebook", ("pipeline_shared",)),
    Option("--node", "TITLE", "run these nodes alone", PLANNING, many=True, convert=to.title),
    Option("--from", "TITLE", "run these nodes and all after them", PLANNING, many=True, convert=to.title),
    Option("--until", "TITLE", "run these nodes and all before them", PLANNING, many=True, convert=to.title),
    Option("--jobs", "N", "node runs at a time", PLANNING, convert=to.count),
    Option("--max-runs", "N", "the most node runs to plan", PLANNING, convert=to.count),
    Option("--code", "DIR|none", "the folder that nodes see at /code", PLANNING),
    Option("--wait", "", "let the cell wait until the run is over", RUNNING),
    Option("--mlflow", "URI", "mirror it to this MLflow server or database", RUNNING),
    Option("--mlflow-experiment", "NAME", "the experiment there", RUNNING),
    Option(
        "--notify",
        "secret:NAME",
        "tell people at the URL in this secret how it goes",
        RUNNING,
        many=True,
        convert=to.secret_url,
    ),
    Option("--notify-on", "EVENT[,EVENT]", "of what they are told, such as failure,approval", RUNNING),
    Option("--node", "NODE", "compare the runs of these nodes", ("pipeline_compare",), many=True),
    Option("--by", "TAG", "the highest first; -TAG: the lowest", ("pipeline_compare",)),
    Option("--all", "", "show parameters that are the same everywhere in columns, too", ("pipeline_compare",)),
    Option(
        "--force",
        "TITLE",
        "run these, whatever ran before",
        (*PLANNING, "pipeline_resume"),
        many=True,
        convert=to.title,
    ),
    Option("--no-cache", "", "run everything, whatever ran before", PLANNING),
    Option("--no-wait", "", "end when nothing but an approval is left to wait for", ("pipeline_run",)),
    Option("--param", "NAME=VALUE", "a pipeline parameter that changes", ("pipeline_resume",), many=True),
    Option("--by", "USER", "who decides; one of those whom the node asks", ("pipeline_approve",)),
    Option("--reject", "", "do not let it start: the run is aborted", ("pipeline_approve",)),
    Option("--keep-failed", "", "let the kernel of a failed node stay, to go into it", ("pipeline_run",)),
    Option("--run", "RUN", "the run that is meant, else the latest", ("pipeline_attach",)),
    Option("--run", "RUN", "the run that is meant, else the one in which the node waits", ("pipeline_approve",)),
    Option("--done", "", "end the kernel and remove its container", ("pipeline_attach",)),
    Option(
        "--theme",
        "NAME",
        "the colours of the board's cards",
        ("pipeline_run", "pipeline_resume", "pipeline_show"),
        choices=("auto", "light", "dark"),
    ),
    Option(
        "--plan",
        "",
        "draw the pipeline as it is written now, also while a run of it goes on",
        ("pipeline_show",),
    ),
    Option(
        "--store",
        "DIR",
        "the folder of the store",
        LOOKING,
    ),
)


def options_of(magic: str) -> tuple[Option, ...]:
    """The rows that `magic` (its name without %) takes, in the order of the table."""
    return tuple(option for option in OPTIONS if magic in option.magics)


def option_names(magic: str) -> tuple[str, ...]:
    """The options that `magic` takes, as they are typed: `--after`, `--param`, …"""
    return tuple(option.name for option in options_of(magic))
