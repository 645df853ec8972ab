"""Which findings only follow from others, so that one mistake is told once and by its own name."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import Problem

# What a pipeline seems to lack when a cell gave no node because it could not be read.
_OF_A_MISSING_NODE = frozenset(
    {
        "E-EDGE-UNKNOWN",
        "E-EDGE-END",
        "E-PIPELINE-EMPTY",
        "E-NO-INPUT",
        "W-NO-INPUT",
        "W-NO-TAG",
        "W-TAG-UNLOGGED",
        "W-PARAM-UNUSED",
        "W-DATA-UNUSED",
        "W-NODE-ALONE",
        "W-SHARED-UNUSED",
    }
)
# What a node seems to read without having it when one of its --after is mistyped.
_OF_A_MISTYPED_EDGE = frozenset({"E-NO-INPUT", "W-NO-INPUT", "E-NO-DATA", "W-NO-DATA", "W-NO-TAG", "W-NODE-ALONE"})


def without_consequences(found: Sequence[Problem]) -> list[Problem]:
    """The findings of a file but for those that go away when another one of them is mended."""
    kept = list(found)
    if any(one.is_error and one.place.node is None and one.place.cell is not None for one in found):
        kept = [one for one in kept if one.code not in _OF_A_MISSING_NODE]
    mistyped = {one.place.node for one in kept if one.code == "E-EDGE-UNKNOWN"}
    meant = {_named(one) for one in kept if one.code == "E-EDGE-UNKNOWN"}
    return [
        one
        for one in kept
        if not (one.code in _OF_A_MISTYPED_EDGE and (one.place.node in mistyped or one.place.node in meant))
    ]


def _named(edge: Problem) -> str:
    """The node that a mistyped edge seems to mean: it only looks as if nobody followed it."""
    return edge.hint.partition('"')[2].partition('"')[0]
