"""What killed processes left lying about: half-made files, folders of runs that nobody knows, sockets, containers."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import MachineError
from ..records.artifacts import remove_tree
from ..records.bell import take_down
from ..records.repos.drafts import is_abandoned, sweep
from ..records.settling import dead_bells
from ..records.store import Store
from ..records.unfinished import abandoned, remove_abandoned
from ..records.verify import alone, place_aside
from .finding import Finding, Invariant
from .living import Live

if TYPE_CHECKING:
    from docker import APIClient

_DIGEST = re.compile(r"[0-9a-f]{64}")
_DRAFT = re.compile(r"[0-9a-f]{64}\.(json|seen)\.\d+\.\d+")
_TAKE_AWAY = "remove it"


def leftover_findings(store: Store, live: Live) -> Iterator[Finding]:
    """What lies about in the store and in the folder of sockets; `live` gives the runs whose process lives."""
    yield from _half_published(store, live)
    yield from _half_copied(store)
    yield from _drafts(store)
    yield from _folders_of_nobody(store)
    yield from _bells(store)


def container_findings(store: Store, live: Live) -> Iterator[Finding]:
    """Containers of this store whose run does not live, and its network where none does; none without an engine."""
    from ..executors.containers import KEPT_LABEL
    from ..executors.daemon import LABEL, RUN_LABEL, connect
    from ..executors.networks import networks_of
    from ..executors.rundir import is_held

    try:
        client = connect()
    except MachineError:
        return
    labelled = partial(client.containers, all=True, filters={"label": [f"{LABEL}={store.id}", RUN_LABEL]})
    found = labelled()
    held = [one for one in found if is_held(Path(one["Labels"].get(KEPT_LABEL) or "/nowhere"))]
    # In this order: a container is made after its run has been recorded, and is gone before the run's end is.
    living = live() if found else ()
    ended = [one for one in found if one not in held and one["Labels"].get(RUN_LABEL) not in living]
    still = {one["Id"] for one in labelled()} if ended else set()
    for one in (one for one in ended if one["Id"] in still):
        labels = one["Labels"]
        words = f"a container of {labels.get('dagbook.node_run', '?')} is still there"
        remove = partial(_remove_container, client, one["Id"])
        yield Finding(Invariant.CONTAINERS, words, f"run {labels.get(RUN_LABEL)}, {one['Id'][:12]}", _TAKE_AWAY, remove)
    for one in () if held or live() else networks_of(client, store.id):
        remove = partial(client.remove_network, one["Id"])
        yield Finding(Invariant.CONTAINERS, "the network of its nodes is still there", one["Name"], _TAKE_AWAY, remove)


def _remove_container(client: APIClient, container: str) -> None:
    from docker.errors import NotFound

    with contextlib.suppress(NotFound):  # a run that has just ended was about to
        client.remove_container(container, force=True, v=True)


def _half_published(store: Store, live: Live) -> Iterator[Finding]:
    for home in sorted(store.artifacts.glob("[0-9a-f][0-9a-f]")):
        for path in sorted(home.iterdir()):
            if _is_half(path) and _stays_half(store, path) and not live():  # a process that lives may be making it
                repair = partial(_remove_half, store, path)
                yield Finding(Invariant.LEFTOVERS, "half of a published artifact", str(path), _TAKE_AWAY, repair)


def _is_half(path: Path) -> bool:
    """Whether this is a text that is about to be renamed, or what lies beside an artifact that is not there."""
    stem = path.name.partition(".")[0]
    beside = path.suffix in (".json", ".seen") and _DIGEST.fullmatch(stem) is not None
    return path.exists() and (_DRAFT.fullmatch(path.name) is not None or (beside and not (path.parent / stem).exists()))


def _stays_half(store: Store, path: Path) -> bool:
    """The same while nobody publishes anything; of a store that is closed to us only what can be seen."""
    try:
        with alone(store.artifacts):
            return _is_half(path)
    except OSError:
        return _is_half(path)


def _remove_half(store: Store, path: Path) -> None:
    with alone(store.artifacts):
        if _is_half(path):
            path.unlink(missing_ok=True)


def _half_copied(store: Store) -> Iterator[Finding]:
    what = "a project snapshot that was not finished"
    for path in abandoned(store.code):
        yield Finding(Invariant.LEFTOVERS, what, str(path), _TAKE_AWAY, partial(remove_abandoned, path))
    for path in sorted(store.code.glob(".damaged-*")):
        what = "a project snapshot that was damaged"
        yield Finding(Invariant.LEFTOVERS, what, str(path), _TAKE_AWAY, partial(remove_tree, path))


def _drafts(store: Store) -> Iterator[Finding]:
    """Folders of trees that were put together; who does so holds its lock."""
    home = store.folder / "drafts"
    for path in sorted(home.iterdir()) if home.is_dir() else ():
        if is_abandoned(path):
            yield Finding(
                Invariant.LEFTOVERS, "a tree that was not finished", str(path), _TAKE_AWAY, partial(sweep, path)
            )


def _folders_of_nobody(store: Store) -> Iterator[Finding]:
    home = store.folder / "runs"
    folders = sorted(home.iterdir()) if home.is_dir() else []
    known = {row.id for row in store.latest(most=-1)}  # asked last: a run is recorded before it has a folder
    for path in folders:
        if path.name not in known:
            what, repair = "the folder of a run that nobody knows", partial(_set_aside, store, path)
            yield Finding(Invariant.LEFTOVERS, what, str(path), "set it aside", repair)


def _set_aside(store: Store, path: Path) -> None:
    """Of a store whose database was lost, or is an older one, this may be all that is left of the run."""
    with contextlib.suppress(FileNotFoundError):
        os.rename(path, place_aside(store.folder, path.name) / path.name)


def _bells(store: Store) -> Iterator[Finding]:
    for run, path in dead_bells(store):
        gone = partial(take_down, run, path)
        yield Finding(Invariant.LEFTOVERS, "the socket of a process that is gone", str(path), _TAKE_AWAY, gone)
