"""Globs of edges that can match nothing, and edges that bring nothing new.

Rules: docs/semantics.md, "Edges".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from .edge import Edge, Port
from .errors import Problem, problem
from .model import Pipeline
from .names import slug_of

_WILD = re.compile(r"[*?\[]")
_OPEN = "its [ is not closed, so it stands for itself"


def edge_glob_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """E-EDGE-GLOB and W-EDGE-GLOB for a glob that matches no file, W-EDGE-COVERED for an edge that another covers.

    For a pipeline of sound structure.
    """
    seen: dict[tuple[str, str, str], list[Edge]] = {}
    for edge in pipeline.all_edges:
        if edge.source_port is not Port.OUTPUT:
            continue
        place = pipeline.node(edge.target).place
        if why := _why_nothing(edge.source_key):
            code = "W-EDGE-GLOB" if edge.optional or why == _OPEN else "E-EDGE-GLOB"
            yield problem(code, place, glob=edge.source_key, why=why)
            continue
        others = seen.setdefault((slug_of(edge.source), slug_of(edge.target), edge.target_key), [])
        if pair := _covered(edge, others):
            yield problem("W-EDGE-COVERED", place, edge=pair[0], other=pair[1])
        others.append(edge)


def _why_nothing(glob: str) -> str:
    """Why a glob matches no file; empty where it may match some."""
    if glob.startswith("/"):
        return "it begins with /, and files are named as seen from /output"
    parts = glob.split("/")
    if ".." in parts:
        return "it leads out of /output"
    if glob.endswith("/"):
        return f"it names a folder, and files are meant ({glob}**)"
    if any("[" in part and not re.search(r"\[!?\]?[^\]]*\]", part) for part in parts):
        return _OPEN
    return ""


def _covered(edge: Edge, others: list[Edge]) -> tuple[Edge, Edge] | None:
    """The edge that brings nothing new beside one of the others, or one of those beside it, and what covers it."""
    for other in others:
        if covers(other.source_key, edge.source_key):
            return edge, other
        if covers(edge.source_key, other.source_key):
            return other, edge
    return None


def covers(wide: str, narrow: str) -> bool:
    """Whether every file that `narrow` matches is surely matched by `wide`."""
    wide, narrow = wide.removeprefix("./"), narrow.removeprefix("./")
    if wide in (narrow, "**", "**/*"):
        return True
    outer, inner = wide.split("/"), narrow.split("/")
    if len(outer) != len(inner) or "**" in outer or "**" in inner:
        return False
    pairs = zip(outer, inner, strict=True)
    return all(a in (b, "*") or (not _WILD.search(b) and fnmatchcase(b, a)) for a, b in pairs)
