"""What a magic line tells of flow: conditions, approvers and slots of a node, an edge by itself, a data node.

The words are read in `flow_words`; here a finding gets the line with a mark below the word that is meant.
"""

from __future__ import annotations

from typing import Any

from ..core.dialect import DatumInput, Datums
from ..core.edge import Edge, Port
from ..core.errors import PipelineError, Place, problem
from ..core.notify import Notify
from .flow_words import edge_between, end_of, input_edge, mapped_input
from .magic_lines import Line, read_line


def flow_facts(read: Line, title: str) -> dict[str, Any]:
    """`when`, `approve`, `notify`, `single` and `edges` of the node `title`, as far as they were typed.

    Raises PipelineError (E-APPROVERS for a name given twice, E-SLOT, E-MAGIC-ARG, E-NAME-*).
    """
    facts: dict[str, Any] = {}
    if "when" in read.given:
        facts["when"] = tuple(read.values["when"])
    if "approve" in read.given:
        facts["approve"] = _approvers(read)
    if "notify_on" in read.given or "email" in read.given:
        facts["notify"] = _notify(read)
    if "single" in read.given:
        facts["single"] = True
    if "map" in read.given or "workers" in read.given:
        facts["datums"] = _datums(read)
    if "input" in read.given:
        facts["edges"] = tuple(
            read.made(token, lambda text=token.text: input_edge(text, title))  # type: ignore[misc]
            for token in read.given["input"]
        )
    return facts


def _notify(read: Line) -> Notify:
    if "notify_on" not in read.given:
        what = "--email says who is told, and nothing says of what"
        raise read.fault(read.given["email"][0], what, "Add --notify-on failure, or success, or both.")
    events = dict.fromkeys(event for events in read.values["notify_on"] for event in events)
    emails = dict.fromkeys(address for addresses in read.values["email"] or () for address in addresses)
    return Notify(events=tuple(events), emails=tuple(emails))


def _datums(read: Line) -> Datums:
    if "map" not in read.given:
        what = "--workers says how many datums are worked on at a time, and nothing is cut into datums"
        raise read.fault(read.given["workers"][0], what, "Add --map TITLE:/GLOB.")
    token = read.given["map"][0]
    source: DatumInput = read.made(token, lambda: mapped_input(token.text))
    return Datums(input=source, workers=read.values["workers"] or 1)


def _approvers(read: Line) -> tuple[str, ...]:
    found: dict[str, str] = {}  # by what makes two spellings one name
    for names, token in zip(read.values["approve"], read.given["approve"], strict=True):
        for name in names:
            if name.casefold() in found:
                error = PipelineError(problem("E-APPROVERS", what=f'"{name}" is named twice'))
                raise read.pointing(error, token)
            found[name.casefold()] = name
    return tuple(found.values())


def parse_edge(line: str, cell: int | None = None) -> Edge:
    """The edge that `%pipeline_edge <line>` defines.

    Raises PipelineError (E-MAGIC-USAGE, E-MAGIC-ARG, E-EDGE-KIND, E-SLOT, E-NAME-*, E-PARAM-NAME), its place filled
    with the cell and line 1.
    """
    try:
        return _edge(read_line("pipeline_edge", line))
    except PipelineError as error:
        raise PipelineError(*(found.at(Place(cell=cell, line=1)) for found in error.problems)) from None


def _edge(read: Line) -> Edge:
    first, second = read.words
    source = read.made(first, lambda: end_of(first.text))
    target = read.made(second, lambda: end_of(second.text))
    optional = "optional" in read.given
    edge = read.made(second, lambda: edge_between(source, target, optional))
    if optional and target.port is not Port.INPUT:
        what = "--optional says that an input slot may stay empty, and this edge fills none"
        raise read.fault(read.given["optional"][0], what, "Take --optional away.")
    return edge


def data_facts(read: Line) -> dict[str, Any]:
    """`path`, `url` or `artifacts`, and `pin`, of a data node.

    Raises PipelineError (E-MAGIC-ARG) unless it has exactly one source.
    """
    given = [name for name in ("path", "url", "artifact") if name in read.given]
    if len(given) != 1:
        both = " and ".join(f"--{name}" for name in given)
        what = f"{both} are given together" if given else "nothing says where the data is"
        token = read.given[given[-1]][0] if given else read.words[0]
        raise read.fault(token, what, "Give one: --path FILE|DIR, --url URL or --artifact RUN/NODE.")
    facts = {name: read.values[name] for name in (*given, "pin") if name in read.given}
    if "artifact" in facts:
        facts["artifacts"] = tuple(facts.pop("artifact"))
    return facts
