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
from functools import cache
from pathlib import Path, PurePosixPath

from .core.binding import choice_of
from .core.dialect import EdgeMerge, Slot
from .core.edge import Edge, Port
from .core.errors import nearest, problem
from .core.lifecycle import NodeRun
from .core.model import Node, Pipeline
from .core.upstream import NoInput, upstream
from .records.manifest import manifest_of
from .records.seen import linking


class SlotFault(NoInput):
    """A slot cannot be filled; its text says why, for people."""


@dataclass(frozen=True, slots=True)
class SlotFile:
    """A file in a slot: its name there, its artifact (or dataset's folder) and its path in it, the hash of its bytes.

    `edge` is what brought it, or, where none did, the URI that the slot names itself.
    """

    name: str
    artifact: Path
    inside: str
    content: str
    executable: bool
    edge: Edge | str

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
    own: Callable[[Node, Slot, NodeRun], list[SlotFile]] = lambda _node, _slot, _run: [],
) -> dict[str, list[SlotFile]]:
    """The files of each input slot of a node run. `folder_of` gives the folder of a node run's artifact, if it has one;
    `own` the files that a slot names itself.

    Raises SlotFault: a glob that matches nothing, a slot that has no files and must have some, two files of one name.
    """
    slots: dict[str, list[SlotFile]] = {}
    for edge in pipeline.edges_into(title):
        if edge.target_port is not Port.INPUT:
            continue
        slot = slots.setdefault(edge.target_key, [])
        for source in upstream(runs, choice_of(run.created), pipeline.node(edge.source).title):
            if edge.source_port is Port.INPUT:
                given = slots_of(pipeline, source.node, source, runs, folder_of, own)
                slot += [replace(one, edge=edge) for name in _named(edge.source_key, given) for one in given[name]]
            elif folder := folder_of(source):
                slot += _matching(edge, folder)
    node = pipeline.node(title)
    for declared in node.slots:
        _add_own(node, declared, slots, lambda one, slot: own(one, slot, run))
    for name, files in slots.items():
        check_names(name, files)
    return slots


def _named(key: str, slots: Mapping[str, object]) -> list[str]:
    """The slots that the key of an edge means: the one of that name, else all whose names match it as a glob."""
    return [key] if key in slots else [name for name in slots if fnmatchcase(name, key)]


def _add_own(
    node: Node, slot: Slot, slots: dict[str, list[SlotFile]], own: Callable[[Node, Slot], list[SlotFile]]
) -> None:
    """Add what a slot names itself, where edges brought nothing or its node adds both."""
    files = slots.setdefault(slot.name, [])
    if not files or node.edge_merge is EdgeMerge.APPEND:
        files += own(node, slot)
    if not files and not slot.optional:
        raise SlotFault(problem("E-SLOT-EMPTY", slot=slot.name, node=node.title))
    if slot.filename and len(files) == 1:
        files[0] = replace(files[0], name=slot.filename)


def deployment_files(
    pipeline: Pipeline,
    title: str,
    run: NodeRun,
    runs: Mapping[str, NodeRun],
    folder_of: Callable[[NodeRun], Path | None],
) -> list[tuple[str, SlotFile]]:
    """The files that edges lead into a deployment, each with `ENDPOINT/NAME`. Raises SlotFault."""
    found = []
    for edge in pipeline.edges_into(title):
        if edge.target_port is not Port.FILE:
            continue
        for source in upstream(runs, choice_of(run.created), pipeline.node(edge.source).title):
            if folder := folder_of(source):
                found += [(edge.target_key.replace(".", "/", 1), one) for one in _matching(edge, folder)]
    return found


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
    parts, globs = PurePosixPath(path).parts, PurePosixPath(glob.removeprefix("./")).parts

    @cache  # else some `**` and a deep path would take for ever
    def match(at: int, wanted: int) -> bool:
        if wanted == len(globs):
            return at == len(parts)
        if globs[wanted] == "**":
            return any(match(skipped, wanted + 1) for skipped in range(at, len(parts) + 1))
        return at < len(parts) and fnmatchcase(parts[at], globs[wanted]) and match(at + 1, wanted + 1)

    return match(0, 0)


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
    folder.mkdir(parents=True, exist_ok=True)
    by_artifact: dict[Path, dict[str, SlotFile]] = {}
    for one in {one.name: one for one in reversed(files)}.values():  # the same file may come by two edges
        by_artifact.setdefault(one.artifact, {})[one.inside] = one
    for artifact, chosen in by_artifact.items():
        with linking(artifact, chosen):
            for one in chosen.values():
                if "/" in one.name:
                    (folder / one.name).parent.mkdir(parents=True, exist_ok=True)
                place = os.path.join(folder, one.name)
                if isinstance(one.edge, str):  # somebody's own file: no node is to write to it, and it may change
                    shutil.copyfile(one.path, place)
                else:
                    _link(one.path, place)


def _link(path: str, place: str) -> None:
    try:
        os.link(path, place, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # too many links, or another filesystem
        shutil.copyfile(path, place)
        with contextlib.suppress(OSError):
            os.chmod(place, 0o444)
