"""What pipelines of other systems say of a node and dagbook's own do not: its contract, in that system's terms.

Everything here stands in a `Node`, and is written out in dagbook's own YAML like the rest of it.
What each thing means is told in docs/formats.md.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from .errors import PipelineError, problem
from .quantities import seconds_of
from .written import Written


class Dialect(StrEnum):
    """Whose contract a node runs by: where its files are, what its environment tells, how it gets its parameters."""

    CNVRG = "cnvrg"
    VALOHAI = "valohai"
    PACHYDERM = "pachyderm"


class Keep(StrEnum):
    """What of their folders the files of an input slot keep."""

    FLAT = "none"  # all in one folder
    SUFFIX = "suffix"  # the part of the path that the wildcard stood for
    FULL = "full"  # the whole path


def check_file_name(name: str) -> str:
    """`name` itself, when it can be that of one file or folder and of nothing outside of its folder.

    Raises PipelineError (E-SLOT).
    """
    odd = not name or name in (".", "..") or len(name.encode("utf-8", "replace")) > 200
    if odd or any(character in "/\\" or not character.isprintable() for character in name):
        raise PipelineError(problem("E-SLOT", slot=name[:80]))
    return name


FileName = Annotated[str, AfterValidator(check_file_name)]


class Slot(Written):
    """An input slot that a node declares: its files when no edge fills it, as URIs, and whether it may stay empty."""

    name: FileName
    default: tuple[str, ...] = ()
    optional: bool = False
    filename: FileName | None = None  # what the only file is called there
    keep_directories: Keep = Keep.FLAT


class EdgeMerge(StrEnum):
    """What the files that edges bring do with a slot's own."""

    REPLACE = "replace"
    APPEND = "append"


class ArgumentType(StrEnum):
    """What an argument of a command is."""

    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    FLAG = "flag"


class Several(StrEnum):
    """How an argument with several values is given."""

    REPEAT = "repeat"  # once for each value
    SEPARATE = "separate"  # once, with a separator between the values


class Argument(Written):
    """A parameter as an argument of the command. None stands for the way that is usual for its type."""

    name: str
    type: ArgumentType = ArgumentType.STRING
    optional: bool = False
    pass_as: str | None = None
    pass_true_as: str | None = None
    pass_false_as: str | None = None
    multiple: Several | None = None
    separator: str = ","
    min: float | None = None
    max: float | None = None
    choices: tuple[Any, ...] = ()


class Secret(Written):
    """A secret by name: given in a variable, or as files in a folder. Its value never stands in a pipeline.

    With neither a variable nor a folder it is in a variable that is called like its key, or else itself.
    """

    name: str
    key: str | None = None
    variable: str | None = None
    path: str | None = None

    def __str__(self) -> str:
        return f"{self.name}:{self.key}" if self.key else self.name

    @property
    def given_in(self) -> str | None:
        """The variable that holds it; None when it is given as files alone."""
        return self.variable or (None if self.path else as_variable(self.key or self.name))


def as_variable(name: str) -> str:
    """A secret's name or key as part of a variable's name: upper case, `_` for what a variable cannot hold."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


class Moment(StrEnum):
    """When an action looks."""

    STARTING = "node-starting"
    COMPLETE = "node-complete"
    ERROR = "node-error"


class Reaction(StrEnum):
    """What an action does."""

    STOP = "stop-pipeline"
    FAIL = "error-pipeline"
    NOTHING = "noop"
    APPROVAL = "require-approval"


class Action(Written):
    """At one of these moments, when all tests hold (none: always), do these things."""

    when: tuple[Moment, ...]
    test: tuple[str, ...] = ()
    then: tuple[Reaction, ...] = ()


class Setup(Written):
    """What is done in a cnvrg task's folder before its command, if the files for it are there; and what it leaves."""

    requirements: bool = True  # pip install -r requirements.txt
    prerun: bool = True  # prerun.sh
    output: str | None = None  # the folder that goes on; None: all that is new or changed, or /output with Git


class Transform(Written):
    """A command as words, without a shell, and the lines it reads; `rescue` is run after a failed attempt."""

    argv: tuple[str, ...] = ()
    stdin: tuple[str, ...] | None = None
    rescue_argv: tuple[str, ...] = ()
    rescue_stdin: tuple[str, ...] | None = None
    accepted: tuple[int, ...] = ()  # exit codes that are no failure, besides 0
    folder: str | None = None
    user: str | None = None


class SearchKind(StrEnum):
    """How the values of a search are found."""

    GRID = "grid_search"
    RANDOM = "random_search"
    MANUAL = "manual_search"
    BAYESIAN = "bayesian_tpe"
    DISTRIBUTED = "distributed"


class Style(StrEnum):
    """Where the values of one searched parameter come from."""

    SINGLE = "single"
    MULTIPLE = "multiple"
    LINEAR = "linear"
    LOGSPACE = "logspace"
    RANDOM = "random"


class Rule(Written):
    """The values of one parameter of a search; which fields count depends on the style."""

    style: Style
    value: Any = None
    items: tuple[Any, ...] = ()
    start: float | None = None  # for logspace an exponent, as is `end`
    end: float | None = None
    step: float | None = None
    count: int | None = Field(default=None, ge=1)
    base: float = 10.0
    min: float | None = None
    max: float | None = None
    distribution: str | None = None
    seed: int | None = None
    integerify: bool = False


class OnChildError(StrEnum):
    """What a failed execution of a search means for the search."""

    CONTINUE_AND_COMPLETE = "continue-and-complete"
    CONTINUE_AND_FAIL = "continue-and-error"
    STOP_AND_FAIL = "stop-all-and-error"


class Search(Written):
    """Many executions of one node, with different parameters, whose outputs go on together."""

    kind: SearchKind = SearchKind.GRID
    rules: dict[str, Rule] = Field(default_factory=dict)
    sets: tuple[dict[str, Any], ...] = ()  # the values of a manual search, execution by execution
    count: int | None = Field(default=None, ge=1)  # executions; None: as many as the rules give
    at_once: int | None = Field(default=None, ge=1)
    target_metric: str | None = None
    target_value: float | None = None
    on_child_error: OnChildError | None = None
    stop: str | None = None  # an expression over metadata that ends it early


class DatumKind(StrEnum):
    """How an input is cut into datums."""

    GLOB = "pfs"  # one datum for each match
    CROSS = "cross"  # every combination
    UNION = "union"  # one after the other
    JOIN = "join"  # combinations of equal keys
    GROUP = "group"  # one datum for each key
    CRON = "cron"  # a repo that gains a file at each tick


class DatumInput(Written):
    """An input that is cut into datums; all but `pfs` and `cron` hold others in `parts`.

    `repo` is the title of the node before this one whose artifact or dataset is cut, `name` where it is shown.
    """

    kind: DatumKind = DatumKind.GLOB
    name: str = ""
    repo: str = ""
    branch: str = "master"
    glob: str = "/"
    join_on: str = ""  # captures of the glob, such as $1
    outer_join: bool = False
    group_by: str = ""
    empty_files: bool = False
    lazy: bool = False
    spec: str = ""  # of cron
    parts: tuple[DatumInput, ...] = ()

    @property
    def titles(self) -> list[str]:
        """The titles of the nodes whose files are cut, each once, in the order in which they are named."""
        if self.repo:
            return [self.repo]
        return list(dict.fromkeys(title for one in self.parts for title in one.titles))


class Datums(Written):
    """The node works on one datum at a time, each by itself; what they leave is merged."""

    input: DatumInput
    workers: int = Field(default=1, ge=1)
    tries: int = Field(default=3, ge=1)
    timeout: Annotated[float, BeforeValidator(seconds_of)] | None = None  # seconds for one attempt of one datum
    salt: str = ""  # another one makes all datums new


class Serving(Written):
    """What a deployment node would serve."""

    endpoint: str | None = None  # its title, part of the address
    updates: str | None = None  # the existing endpoint that it updates
    deployment: str | None = None  # Valohai: the deployment of which it makes a version
    endpoints: tuple[str, ...] = ()  # Valohai: those it enables
    file: str | None = None
    function: str | None = None
    language: str = "python_3"
    least: int | None = None  # replicas
    most: int | None = None
    variables: tuple[str, ...] = ()
    accepts_files: bool = False
