"""A line in a program: where a node was defined by code, and where that node's own code stands."""

from __future__ import annotations

from .written import Written


class Spot(Written):
    """A line of a file; `file` is a path, or `In[5]` for a cell of a live notebook. Lines are counted from 1."""

    file: str
    line: int
