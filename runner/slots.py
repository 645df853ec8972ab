"""Input slots: the files that edges of Valohai's kinds bring to a node, all flat in one folder per slot.

Rules: docs/semantics.md, "Edges".
"""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from .core.binding import choice_of
from .core.errors import nearest, problem
from .core.lifecycle import NodeRun
from .core.model import Edge, Pipeline, Port
from .core.upstream import NoInput, upstream
from .records.manifest import manifest_of
from .records.seen import linking


class SlotFault(NoInput):
    """A slot cannot be filled; its text says why, for people."""


@dataclass(frozen=True, slots=True)
class SlotFile:
    """A file in a slot: its name there, its artifact and its path in it, the hash of its bytes, and which edge brought
    it."""

    name: str
    artifact: Path
    inside: str
    content: str
    executable: bool
    edge: Edge

    @property
    def path(self) -> str:
        """Where it is; a text, as there may be thousands."""
        return os.path.join(self.artifact, self.inside)


def slots_of(
    pipeline: Pipeline,
    title: str,
    run: NodeRun,
    runs: Mapping[str, NodeRun],
    folder_of: Callable[[NodeRun], Path | None],
) -> dict[str, list[SlotFile]]:
    """The files of each input slot of a node run. `folder_of` gives the folder of a node run's artifact, if it has one.

    Raises SlotFault: a glob that matches nothing, or two files of one name.
    """
    slots: dict[str, list[SlotFile]] = {}
    for edge in pipeline.edges_into(title):
        if edge.target_port is not Port.INPUT:
            continue
        slot = slots.setdefault(edge.target_key, [])
        for source in upstream(runs, choice_of(run.created), pipeline.node(edge.source).title):
            if edge.source_port is Port.INPUT:
                given = slots_of(pipeline, source.node, source, runs, folder_of).get(edge.source_key, [])
                slot += [replace(one, edge=edge) for one in given]
            elif folder := folder_of(source):
                slot += _matching(edge, folder)
    for name, files in slots.items():
        check_names(name, files)
    return slots


def _matching(edge: Edge, artifact: Path) -> list[SlotFile]:
    held = [item for item in manifest_of(artifact) if item["kind"] == "file"]
    found = [
        SlotFile(PurePosixPath(path).name, artifact, path, item["content"], item["executable"], edge)
        for item in held
        if matches(path := item["path"], edge.source_key)
    ]
    if not found and not edge.optional:
        there = ", ".join(item["path"] for item in held[:10]) + (", …" if len(held) > 10 else "")
        close = nearest(edge.source_key, [item["path"] for item in held])
        hint = close if close.startswith("Did you mean") else "A slot that may stay empty is written SLOT?"
        raise SlotFault(problem("E-EDGE-EMPTY", edge=edge, there=there or "nothing", hint=hint))
    return found


def matches(path: str, glob: str) -> bool:
    """True when a file of an artifact matches a glob: part by part, `**` for any number of folders."""
    return _parts_match(PurePosixPath(path).parts, PurePosixPath(glob.removeprefix("./")).parts)


def _parts_match(parts: tuple[str, ...], globs: tuple[str, ...]) -> bool:
    if not globs:
        return not parts
    if globs[0] == "**":
        return any(_parts_match(parts[skip:], globs[1:]) for skip in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], globs[0]) and _parts_match(parts[1:], globs[1:])


def check_names(slot: str, files: list[SlotFile]) -> None:
    """Raises SlotFault when two different files of a slot have one name."""
    seen: dict[str, SlotFile] = {}
    for one in files:
        other = seen.setdefault(one.name, one)
        if other.content != one.content and not _same(other, one):
            found = problem("E-SLOT-CLASH", name=one.name, slot=slot, first=other.edge, second=one.edge)
            raise SlotFault(found)


def _same(one: SlotFile, other: SlotFile) -> bool:
    """Whether two files whose hashes differ are of one content: the hashes may be of two algorithms."""
    comparable = one.content.partition(":")[1] == other.content.partition(":")[1]
    return not comparable and filecmp.cmp(one.path, other.path, shallow=False)


def digest_of_slot(files: list[SlotFile]) -> str:
    """The digest of the names, executable bits and contents in a slot."""
    listed = sorted({(one.name, one.executable, one.content) for one in files})
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def fill_slot(folder: Path, files: list[SlotFile]) -> None:
    """Make the folder of a slot: the stored files themselves under their names, or copies where links cannot be."""
    folder.mkdir(parents=True)
    by_artifact: dict[Path, dict[str, SlotFile]] = {}
    for one in {one.name: one for one in reversed(files)}.values():  # the same file may come by two edges
        by_artifact.setdefault(one.artifact, {})[one.inside] = one
    for artifact, chosen in by_artifact.items():
        with linking(artifact, chosen):
            for one in chosen.values():
                _link(one.path, os.path.join(folder, one.name))


def _link(path: str, place: str) -> None:
    try:
        os.link(path, place, follow_symlinks=False)
    except OSError:  # too many links, or another filesystem
        shutil.copyfile(path, place)
        with contextlib.suppress(OSError):
            os.chmod(place, 0o444)
