"""The files that an input slot names itself, by address: on this machine, on the web, in a dataset of the store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from .asked import Asked
from .core.data_source import check_url
from .core.dialect import Keep, Slot
from .core.errors import DagbookError, problem
from .core.model import Node
from .core.values import Value, shown
from .records.datasets import dataset_of_path, dataset_of_url, items_of_path
from .records.manifest import manifest_of
from .records.repos import resolve
from .records.store import Store
from .slots import SlotFault, SlotFile, matches

_PARAMETER = re.compile(r"\{parameter(?:-value)?:([^{}]+)\}")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://")


def with_parameters(uri: str, params: Mapping[str, Value]) -> str:
    """The address with `{parameter:NAME}` filled; an unknown name stays as it is."""
    return _PARAMETER.sub(lambda found: shown(params[found[1]]) if found[1] in params else found[0], uri)


def files_at(uri: str, slot: Slot, node: Node, asked: Asked, store: Store) -> list[SlotFile]:
    """The files at an address. Raises SlotFault, which says why there are none."""
    scheme = _SCHEME.match(uri)
    try:
        if scheme is None or scheme[1] == "file":
            return _local(asked.folder / uri.removeprefix("file://"), uri, slot, store)
        if scheme[1] in ("http", "https"):
            return [_from_web(uri, asked, store)]
        if scheme[1] in ("dataset", "datum"):
            return _from_dataset(uri, slot, store)
    except DagbookError as error:
        raise SlotFault(error.problems[0]) from None
    raise SlotFault(problem("E-INPUT-URI", slot=slot.name, node=node.title, uri=uri))


def _from_web(uri: str, asked: Asked, store: Store) -> SlotFile:
    home = store.folder / "datasets"
    found = dataset_of_url(uri, None, home, lambda _line: None, asked.data_hosts)
    name = check_url(uri, asked.data_hosts).file_name
    return SlotFile(name, found.path.parent, found.path.name, found.content, False, uri)


def _local(path: Path, uri: str, slot: Slot, store: Store) -> list[SlotFile]:
    known = store.folder / "datasets"
    if not any(mark in path.name for mark in "*?[") or path.exists():
        if path.is_file():
            found = dataset_of_path(path, known)
            return [SlotFile(path.name, path.parent, path.name, found.content, False, uri)]
        return _below(path, "**", uri, slot, known)
    return _below(path.parent, path.name, uri, slot, known)


def _below(folder: Path, glob: str, uri: str, slot: Slot, known: Path) -> list[SlotFile]:
    found = [
        SlotFile(_name(item.path, slot), folder, item.path, item.content, item.executable, uri)
        for item in items_of_path(folder, known)
        if item.kind == "file" and (glob == "**" or matches(item.path, glob))
    ]
    if not found:
        raise SlotFault(problem("E-EDGE-EMPTY", edge=uri, there="nothing", hint=f"It is looked for in {folder}."))
    return found


def _from_dataset(uri: str, slot: Slot, store: Store) -> list[SlotFile]:
    """`dataset://NAME/VERSION` or `datum://NAME`: a commit; `latest` and no version are the newest."""
    commit = resolve(store, uri)
    artifact = store.artifacts / commit.artifact[:2] / commit.artifact
    return [
        SlotFile(_name(item["path"], slot), artifact, item["path"], item["content"], item["executable"], uri)
        for item in manifest_of(artifact)
        if item["kind"] == "file"
    ]


def _name(path: str, slot: Slot) -> str:
    """What a file is called in the slot: its own name, or with its folders where the slot keeps them."""
    return PurePosixPath(path).name if slot.keep_directories is Keep.FLAT else path
