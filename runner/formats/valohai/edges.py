"""The edges of a Valohai pipeline: `node.type.key` at both ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...core.dialect import Slot
from ...core.edge import Edge, Port
from ...core.errors import nearest
from ...core.model import Kind, Node
from .schemas import EdgeWords
from .spot import Document, Spot, plain

PAIRS = frozenset(
    {
        (Port.OUTPUT, Port.INPUT),
        (Port.INPUT, Port.INPUT),
        (Port.OUTPUT, Port.FILE),
        (Port.INPUT, Port.FILE),
        (Port.PARAMETER, Port.PARAMETER),
        (Port.METADATA, Port.PARAMETER),
        (Port.DEPLOYMENT, Port.PARAMETER),
        (Port.ENVIRONMENT, Port.ENVIRONMENT),
        (Port.DEPENDENCY, Port.DEPENDENCY),
    }
)
_PLURALS = {**{f"{port}s": port for port in Port}, "dependencies": Port.DEPENDENCY}
_FORM = "Write [node.type.key, node.type.key]."


@dataclass(frozen=True, slots=True)
class End:
    """One end of an edge."""

    name: str  # of the node, as the file spells it
    port: Port
    key: str


@dataclass
class Edges:
    """The edges that were read, and what of them is not in the model."""

    made: list[Edge] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)  # of all edges of the file
    left_out: list[list[str]] = field(default_factory=list)  # those that have no effect, as they are written
    configurations: Document = field(default_factory=dict)  # by edge
    unresolved: dict[str, list[str]] = field(default_factory=dict)  # by title: edges that cannot be followed here


def read_edges(spots: list[Spot], nodes: Mapping[str, Node | None]) -> Edges:
    """The edges of a pipeline. `nodes` are by the names of the file; None is one that could not be read."""
    found = Edges()
    for spot in spots:
        text = f"edge {int(spot.path[-1]) + 1}"
        words = _words(spot.called(text))
        if words is None:
            continue
        ends = [_end(spot, side, text, nodes) for side, text in (("source", words.source), ("target", words.target))]
        if ends[0] and ends[1]:
            take(spot.called(f"the edge {words.source} -> {words.target}"), words, ends[0], ends[1], nodes, found)
    return found


def _words(spot: Spot) -> EdgeWords | None:
    """The two ends of an edge, written as a list or as a mapping."""
    value = spot.entry.value
    if isinstance(value, dict):
        return spot.read(EdgeWords)
    texts = spot.entry.plain()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in texts):
        spot.note("E-EDGE-FORM", "not read", what=f"{spot.what} is no list of two texts", hint=_FORM)
        return None
    if len(texts) != 2:
        spot.note("E-EDGE-FORM", "not read", what=f"{spot.what} has {len(texts)} ends, and an edge has two", hint=_FORM)
        return None
    return EdgeWords(source=texts[0], target=texts[1])


def _end(spot: Spot, side: str, text: str, nodes: Mapping[str, Node | None]) -> End | None:
    """One end; None and its faults are taken down."""
    at = (side,) if isinstance(spot.entry.value, dict) else (int(side == "target"),)
    parts = text.split(".", 2)
    if len(parts) != 3 or not all(part.strip() for part in parts):
        what = f"the {side} {text!r} of an edge has {len(parts)} of the three parts node.type.key"
        spot.note("E-EDGE-FORM", "not read", *at, what=what, hint=_FORM)
        return None
    name, word, key = parts[0].strip(), parts[1].strip().lower().replace("_", "-"), parts[2].strip()
    return end_of(spot, at, name, word, key, nodes)


def end_of(
    spot: Spot, at: tuple[str | int, ...], name: str, word: str, key: str, nodes: Mapping[str, Node | None]
) -> End | None:
    """The end of an edge at a node of this name; None and its faults are taken down."""
    if name not in nodes:
        what = f"an edge names the node {name!r}, which the pipeline does not have"
        spot.note("E-REF", "not read", *at, what=what, nearest=nearest(name, nodes))
        return None
    if word in _PLURALS:
        what = f"an edge says {word}, and the type is called {_PLURALS[word]}"
        spot.note("W-CHANGED", f"read as {_PLURALS[word]}", *at, what=what, hint="Write it without the s.")
        return End(name, _PLURALS[word], key)
    if word not in list(Port):
        what = f"an edge has the type {word!r}, which is none of {', '.join(Port)}"
        spot.note("E-REF", "not read", *at, what=what, nearest=nearest(word, Port))
        return None
    return End(name, Port(word), key)


def take(
    spot: Spot, words: EdgeWords, source: End, target: End, nodes: Mapping[str, Node | None], found: Edges
) -> None:
    """Add an edge between these ends, or take down why it is none."""
    found.kinds.append(f"{source.port} -> {target.port}")
    if source.name == target.name:
        if source == target and source.port is Port.PARAMETER:
            what = f"{spot.what} gives a parameter to itself, which has no effect"
            spot.note("W-CHANGED", "left out", what=what, hint="Take it away.")
            found.left_out.append([words.source, words.target])
        else:
            spot.note("E-EDGE-SELF", "not read", node=source.name)
        return
    giver, taker = nodes[source.name], nodes[target.name]
    if giver is None or taker is None:
        return
    slot = next((slot for slot in taker.slots if slot.name == target.key), None) if target.port is Port.INPUT else None
    edge = spot.attempt(
        lambda: Edge(
            source=giver.title,
            source_port=source.port,
            source_key=source.key,
            target=taker.title,
            target_port=target.port,
            target_key=target.key,
            optional=slot.optional if slot else False,
        )
    )
    if edge is None:
        return
    found.made.append(edge)
    if words.configuration:
        found.configurations[str(edge)] = plain(words.configuration)
        spot.note("W-KEPT", "kept for export", what=f"the configuration of {spot.what}")
    if (source.port, target.port) not in PAIRS:
        why = f"{spot.what} leads from {source.port} to {target.port}"
        spot.note(
            "W-NOT-HERE", "kept", what=spot.what, hint=f"There is no way from {source.port} to {target.port} here."
        )
        found.unresolved.setdefault(taker.title, []).append(why)
    _tell_new(spot, taker, target, slot)


def _tell_new(spot: Spot, taker: Node, target: End, slot: Slot | None) -> None:
    """Tell that an edge fills what its step does not have; a misspelled name shows itself by it."""
    known = _known(taker, target.port)
    if slot is None and known is not None and target.key not in known:
        what = f"{spot.what} fills the {target.port} {target.key!r}, which the step of {taker.title!r} does not have"
        spot.note("W-CHANGED", f"adds the {target.port}", what=what, hint=nearest(target.key, known))


def _known(taker: Node, port: Port) -> list[str] | None:
    """The names that a node has at a port; None where they are not known."""
    if taker.kind is Kind.DEPLOY or taker.unresolved:
        return None
    if port is Port.INPUT:
        return [slot.name for slot in taker.slots]
    return [one.name for one in taker.arguments] if port is Port.PARAMETER else None
