"""The tutorials: notebooks that teach, in the order in which they are best read. They need no network."""

from __future__ import annotations

from pathlib import Path

# What each teaches, in a line.
TUTORIALS = {
    "intro": "a first node, what it leaves, a run, and why the second run is done at once",
    "params": "parameters: in the notebook, from a terminal, from one node to the next",
    "grid": "a run for each of several values, routes, gathering, the best one",
    "conditions": "what goes on and what is skipped, and asking a person first",
    "ci": "the same pipeline where nobody looks on: exit codes, JUnit, papermill",
}


def text_of(name: str) -> str:
    """The notebook of the tutorial `name`, as the text of a file."""
    return (Path(__file__).parent / f"{name}.ipynb").read_text(encoding="utf-8")
