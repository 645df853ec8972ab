"""The examination: which parts are looked at, in which order, and what follows from all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from .around_part import git_part, machine_part, network_part, text_part
from .docker_part import docker_part
from .findings import Finding, Verdict
from .jupyter_part import jupyter_part
from .pipeline_part import pipeline_part
from .process_part import process_part
from .python_part import extras_part, packages_part, python_part
from .settings_part import settings_part
from .store_part import engine_disk_part, store_part
from .subject import Subject

Part = Callable[[Subject], Iterator[Finding]]

# What decides how nodes run comes before what depends on it.
PARTS: tuple[tuple[str, Part], ...] = (
    ("python", python_part),
    ("packages", packages_part),
    ("extras", extras_part),
    ("settings", settings_part),
    ("docker", docker_part),
    ("processes", process_part),
    ("pipeline", pipeline_part),
    ("store", store_part),
    ("disk", engine_disk_part),
    ("machine", machine_part),
    ("jupyter", jupyter_part),
    ("git", git_part),
    ("network", network_part),
    ("text", text_part),
)


def examine(subject: Subject, looking_at: Callable[[str], None] = lambda part: None) -> Iterator[Finding]:
    """What is found, as it is found; `looking_at` is told of each part before it is looked at.

    Containers are started and removed; nothing else is changed.
    """
    for part, look in PARTS:
        looking_at(part)
        yield from look(subject)


def works(found: Sequence[Finding]) -> bool:
    """Whether a run can work here."""
    return not any(one.verdict is Verdict.PROBLEM for one in found)


def conclusion(subject: Subject, found: Sequence[Finding]) -> str:
    """What follows, in a sentence: how nodes run, or that none can."""
    if not works(found):
        return "A run cannot work here: mend what is marked ✗."
    if subject.containers:
        return f"Runs work here: nodes run in containers of {subject.settings.image}."
    return f"Runs work here: nodes run as processes, not in containers, because {subject.why_not}."
