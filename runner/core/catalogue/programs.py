"""Pipelines that are built by a program: the sentences of their errors."""

from __future__ import annotations

PROGRAMS: dict[str, tuple[str, str]] = {
    "E-FUNCTION": ("{what}", "{hint}"),
    "E-PROGRAM": ("{what}", "{hint}"),
}
