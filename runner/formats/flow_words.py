"""The words of flow: conditions (`--when`), approvers (`--approve`), slots (`--input`) and the ends of edges.

Each function reads one word and raises PipelineError for one that means nothing; where the word stands in its line
is known to `flow_lines`. Titles are not looked up here: what comes before or after a node is judged on the whole.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from ..core.dialect import DatumInput
from ..core.edge import COMPARING, Condition, Edge, Objective, Port
from ..core.errors import PipelineError, Problem, nearest, problem
from ..core.globs import Glob
from ..core.masking import masked_in_full
from ..core.names import clean_title, slug_of
from ..core.values import Value, check_name, typed

ORDERING = frozenset({Objective.GT, Objective.LT, Objective.GE, Objective.LE})  # these ask for a number
KINDS_OF_EDGES = (
    (Port.OUTPUT, Port.INPUT),
    (Port.PARAMETER, Port.PARAMETER),
    (Port.METADATA, Port.PARAMETER),
    (Port.INPUT, Port.INPUT),
)
ALL_FILES = "*"  # the glob of `--input table=prepare`

_ASKING_PEOPLE = "human_validation"  # what cnvrg calls an approval among its objectives
_SIGNS = {"<": "lt", ">": "gt", "<=": "le", ">=": "ge", "=": "eq", "==": "eq", "!=": "ne"}
_AS_IN_CODE = re.compile(r"([^<>=!\s]+)\s*(<=|>=|==|!=|<|>|=)\s*([^<>=!\s]+)")
_PORTS = [port for port in Port if any(port in kind for kind in KINDS_OF_EDGES)]
_PORT = re.compile(rf"\.({'|'.join(_PORTS)})\.")
_DEPLOYMENT = re.compile(r"\.file\.")
_SLOT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_FORM = "Write TITLE.output.GLOB, TITLE.input.SLOT, TITLE.parameter.NAME or TITLE.metadata.TAG"
_KINDS = "The kinds are " + ", ".join(f"{source} -> {target}" for source, target in KINDS_OF_EDGES) + "."


def condition_of(text: str) -> Condition:
    """The condition that `OP:[task.]tag[:value]` spells; tasks in front of the tag stay there, as typed.

    The value stands after the last colon and is typed as `--param` types it; max and min have none.
    Raises PipelineError (E-COND-OP, E-COND-TAG, E-COND-TARGET, E-COND).
    """
    op, _, rest = text.partition(":")
    objective = _objective(op.strip(), rest.strip())
    if objective in COMPARING:
        tag, colon, value = rest.partition(":")
        if colon:
            what = f"{objective} compares all runs with each other and takes no value, but {value!r} is given"
            raise PipelineError(problem("E-COND", what=what, hint=f"Write --when {objective}:{tag.strip() or 'TAG'}"))
        return Condition(objective=objective, tag=_tag(objective, tag))
    tag, colon, value = rest.rpartition(":")
    if not colon:
        tag, value = rest, ""
    tag = _tag(objective, tag)
    return Condition(objective=objective, tag=tag, target=_target(objective, tag, value.strip()))


def _objective(op: str, rest: str) -> Objective:
    if op == _ASKING_PEOPLE and rest:
        what = f"{_ASKING_PEOPLE} asks people and tests no tag, but {rest!r} is given with it"
        hint = "Write --approve leah,yochay for the people, and a --when of its own for a tag."
        raise PipelineError(problem("E-COND", what=what, hint=hint))
    if op == _ASKING_PEOPLE:
        raise PipelineError(problem("E-COND-OP", op=op, nearest="Write --approve leah,yochay instead."))
    if op not in set(Objective):
        raise PipelineError(problem("E-COND-OP", op=op[:80], nearest=_meant(op) or nearest(op[:80], Objective)))
    return Objective(op)


def _meant(text: str) -> str:
    """What to write for a comparison that was spelled as in code; nothing for other texts."""
    if found := _AS_IN_CODE.fullmatch(text[:80]):
        tag, sign, target = found.groups()
        return f"Write --when {_SIGNS[sign]}:{tag}:{target}"
    return ""


def _tag(objective: Objective, typed_tag: str) -> str:
    tag = typed_tag.strip()
    if not tag or tag.endswith("."):
        example = f"{objective}:accuracy" + ("" if objective in COMPARING else ":0.9")
        raise PipelineError(problem("E-COND-TAG", objective=objective, example=example))
    return tag


def _target(objective: Objective, tag: str, text: str) -> Value:
    value = typed(text)
    why = ""
    if not text:
        why = "no value to compare with"
    elif isinstance(value, float) and not math.isfinite(value):
        why = f"{text}, with which nothing can be compared"
    elif objective in ORDERING and (isinstance(value, bool) or not isinstance(value, int | float)):
        why = f"{text[:80]!r}, which is no number"
    elif value is None or isinstance(value, list):
        why = f"{text[:80]!r}, which is neither a number nor a text"
    if why:
        kind = "NUMBER" if objective in ORDERING else "VALUE"
        raise PipelineError(problem("E-COND-TARGET", objective=objective, why=why, tag=tag, kind=kind))
    return value


def condition_in_words(condition: Condition) -> str:
    """`max accuracy`, `loss lt 0.5`: what a defining cell tells of a condition."""
    if condition.objective in COMPARING:
        return f"{condition.objective} {condition.tag}"
    return f"{condition.tag} {condition.objective} {masked_in_full(condition.tag, condition.target)}"


def approvers_of(text: str) -> tuple[str, ...]:
    """The names between the commas of `leah,yochay`, trimmed. Raises PipelineError (E-APPROVERS)."""
    names = tuple(name.strip() for name in text.split(","))
    if not any(names):
        raise PipelineError(problem("E-APPROVERS", what="--approve names nobody"))
    if not names[-1]:
        raise PipelineError(problem("E-APPROVERS", what=f"{text!r} ends in a comma, as if a name were missing"))
    if not all(names):
        raise PipelineError(problem("E-APPROVERS", what=f"{text!r} has a comma without a name before it"))
    if odd := next((name for name in names if not name.isprintable()), None):
        raise PipelineError(problem("E-APPROVERS", what=f"{odd!r} holds an invisible or control character"))
    return names


def mapped_input(text: str) -> DatumInput:
    """What `--map TITLE:/GLOB` cuts into datums: the files of the node TITLE, one match of the glob at a time.

    Raises PipelineError (E-MAGIC-ARG, E-NAME-*, E-GLOB).
    """
    title, colon, glob = text.partition(":")
    if not colon or not glob.strip():
        what = f"{text[:80]!r} does not say how the files are cut"
        hint = "Write --map TITLE:/GLOB; / is all at once, /* each file or folder by itself."
        raise PipelineError(problem("E-MAGIC-ARG", what=what, hint=hint))
    named = clean_title(title)
    Glob(glob.strip())
    return DatumInput(name=slug_of(named), repo=named, glob=glob.strip())


def input_edge(text: str, target: str) -> Edge:
    """The edge that `--input SLOT=TITLE/GLOB` of the node `target` spells; `SLOT?` may stay empty.

    A title ends at the first `/`, which it cannot hold; without a glob all files are meant.
    Raises PipelineError (E-MAGIC-ARG, E-SLOT, E-NAME-*).
    """
    slot, equals, rest = text.partition("=")
    if not equals or not rest.strip():
        what = f"{text[:80]!r} does not say which node fills the slot"
        raise PipelineError(problem("E-MAGIC-ARG", what=what, hint=f"Write --input {slot or 'SLOT'}=TITLE/GLOB"))
    optional = slot.rstrip().endswith("?")
    title, _, glob = rest.partition("/")
    return Edge(
        source=clean_title(title),
        source_port=Port.OUTPUT,
        source_key=_glob(glob.strip() or ALL_FILES),
        target=target,
        target_port=Port.INPUT,
        target_key=_slot(slot.strip().removesuffix("?").strip()),
        optional=optional,
    )


def _slot(name: str) -> str:
    if not _SLOT.fullmatch(name):
        raise PipelineError(problem("E-SLOT", slot=name[:80]))
    return name


def _glob(glob: str) -> str:
    if glob.startswith("/") or ".." in glob.split("/"):
        what = f"the glob {glob[:80]!r} leads out of the node's files"
        raise PipelineError(problem("E-MAGIC-ARG", what=what, hint="Write it as seen from /output, such as *.csv"))
    return glob


@dataclass(frozen=True, slots=True)
class End:
    """One end of an edge: the node's title, the port, and the glob, slot or name there."""

    title: str
    port: Port
    key: str


def end_of(text: str) -> End:
    """The end that `TITLE.output.*.csv` spells; the first name of a port between two dots ends the title.

    Raises PipelineError (E-EDGE-KIND, E-MAGIC-ARG, E-NAME-*, E-SLOT, E-PARAM-NAME).
    """
    found = _PORT.search(text)
    if found is None:
        raise PipelineError(_no_port(text))
    title, port, key = clean_title(text[: found.start()]), Port(found[1]), text[found.end() :].strip()
    if not key:
        what = f"{text[:120]!r} says nothing after .{port}."
        raise PipelineError(problem("E-MAGIC-ARG", what=what, hint=_FORM))
    check = _CHECKS.get(port)
    return End(title, port, check(key) if check else key)


_CHECKS: dict[Port, Callable[[str], str]] = {Port.OUTPUT: _glob, Port.INPUT: _slot, Port.PARAMETER: check_name}


def _no_port(text: str) -> Problem:
    if _DEPLOYMENT.search(text):
        what = f"{text[:120]!r} is a file of a deployment, and there are no deployments yet"
        return problem("E-EDGE-KIND", what=what, hint=_KINDS)
    words = text.split(".")[1:]
    close = (nearest(word, _PORTS) for word in words)
    meant = next((hint for hint in close if hint.startswith("Did you mean")), "")
    return problem("E-EDGE-KIND", what=f"{text[:120]!r} names no port of a node", hint=f"{meant} {_FORM}".strip())


def edge_between(source: End, target: End, optional: bool = False) -> Edge:
    """The edge from `source` to `target`. Raises PipelineError (E-EDGE-KIND) for a pair that is none."""
    if (source.port, target.port) not in KINDS_OF_EDGES:
        what = f"there is no edge from {source.port} to {target.port}"
        raise PipelineError(problem("E-EDGE-KIND", what=what, hint=_KINDS))
    return Edge(
        source=source.title,
        source_port=source.port,
        source_key=source.key,
        target=target.title,
        target_port=target.port,
        target_key=target.key,
        optional=optional,
    )


def data_source_of(text: str) -> str:
    """The path or URL of a data node, as typed. Raises PipelineError (E-VALUE) for an empty one."""
    if not text.strip():
        raise PipelineError(problem("E-VALUE", what="no data is named", hint="Write --path FILE|DIR or --url URL."))
    return text


def pin_of(text: str) -> str:
    """The 64 hexadecimal digits of a sha256, `sha256:` in front taken off. Raises PipelineError (E-VALUE)."""
    digits = text.lower().removeprefix("sha256:")
    if len(digits) != 64 or set(digits) - set("0123456789abcdef"):
        what = f"{text[:80]!r} is not a sha256"
        raise PipelineError(problem("E-VALUE", what=what, hint="Write its 64 hexadecimal digits."))
    return digits
