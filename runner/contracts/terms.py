"""What a contract is told of an attempt, and what it answers: script, variables and folders for the node."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..core.lifecycle import NodeRun
from ..core.model import Node
from ..core.values import Value
from ..executors.contract import Mount
from ..slots import SlotFile

PROJECT = "project"  # the folder of an attempt with the project's files, which the node may change


@dataclass(frozen=True, slots=True)
class Facts:
    """One attempt of a node of another system.

    `script` is its command with dagbook's references filled; `folder` the attempt's folder; `code` the project
    snapshot, `repository` a checkout of the node's own; `slots` the files of its input slots.
    """

    node: Node
    pipeline: str
    run: str
    node_run: NodeRun
    attempt: int
    script: str
    params: Mapping[str, Value]
    folder: Path
    output: Path
    code: Path | None = None
    repository: Path | None = None
    slots: Mapping[str, Sequence[SlotFile]] = field(default_factory=dict)
    image: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """How an attempt is to be run: its script, more variables, more folders, where it starts (None: as the image says),
    and whether JSON lines that it prints are metadata."""

    script: str
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    folder: str | None = "/output"
    json_tags: bool = False


def command(facts: Facts) -> str:
    """The node's command with its parameters as arguments."""
    from ..core.arguments import command_of

    return command_of(facts.node.model_copy(update={"source": facts.script}), facts.params)


def own_project(facts: Facts) -> Path:
    """The project's files as the node has them to itself: a checkout, or a copy of the snapshot that may be changed."""
    if facts.repository is not None:
        return facts.repository
    place = facts.folder / PROJECT
    if place.is_dir():
        return place  # the job is made again for the same attempt
    if facts.code is None:
        place.mkdir(parents=True)
        return place
    shutil.copytree(facts.code, place, symlinks=True)
    for parent, _folders, files in os.walk(place):
        os.chmod(parent, 0o755)
        for name in files:
            path = os.path.join(parent, name)
            if not os.path.islink(path):
                os.chmod(path, os.stat(path).st_mode | 0o200)
    return place
