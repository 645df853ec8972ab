"""What killed processes left lying about: half-made files, folders of runs that nobody knows, sockets, containers."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

from ..core.errors import MachineError
from ..records.artifacts import remove_tree
from ..records.bell import bells_of, take_down
from ..records.store import Store
from ..records.verify import alone
from .finding import Finding, Invariant

_DIGEST = re.compile(r"[0-9a-f]{64}")
_DRAFT = re.compile(r"[0-9a-f]{64}\.(json|seen)\.\d+\.\d+")
_TAKE_AWAY = "remove it"


def leftover_findings(store: Store, live: Collection[str]) -> Iterator[Finding]:
    """What lies about in the store and in the folder of sockets; `live` are the runs whose process lives."""
    if not live:  # a process that lives may be making them
        yield from _half_published(store)
        yield from _half_copied(store)
    yield from _drafts(store)
    yield from _folders_of_nobody(store)
    yield from _bells(store, live)


def container_findings(store: Store, live: Collection[str]) -> Iterator[Finding]:
    """Containers of this store whose run does not live, and its network where none does; none without an engine."""
    from ..executors.containers import KEPT_LABEL
    from ..executors.daemon import LABEL, RUN_LABEL, connect
    from ..executors.networks import networks_of
    from ..executors.rundir import is_held

    try:
        client = connect()
    except MachineError:
        return
    held = False
    for one in client.containers(all=True, filters={"label": [f"{LABEL}={store.id}", RUN_LABEL]}):
        labels = one["Labels"]
        if is_held(Path(labels.get(KEPT_LABEL) or "/nowhere")):
            held = True
            continue
        if labels.get(RUN_LABEL) in live:
            continue
        words = f"a container of {labels.get('dagbook.node_run', '?')} is still there"
        remove = partial(client.remove_container, one["Id"], force=True)
        yield Finding(Invariant.CONTAINERS, words, f"run {labels.get(RUN_LABEL)}, {one['Id'][:12]}", _TAKE_AWAY, remove)
    for one in () if live or held else networks_of(client, store.id):
        remove = partial(client.remove_network, one["Id"])
        yield Finding(Invariant.CONTAINERS, "the network of its nodes is still there", one["Name"], _TAKE_AWAY, remove)


def _half_published(store: Store) -> Iterator[Finding]:
    for home in sorted(store.artifacts.glob("[0-9a-f][0-9a-f]")):
        for path in sorted(home.iterdir()):
            stem = path.name.partition(".")[0]
            alone_there = path.suffix in (".json", ".seen") and not (home / stem).exists()
            if _DRAFT.fullmatch(path.name) or (_DIGEST.fullmatch(stem) and alone_there):
                repair = partial(_remove_alone, store, path)
                yield Finding(Invariant.LEFTOVERS, "half of a published artifact", str(path), _TAKE_AWAY, repair)


def _remove_alone(store: Store, path: Path) -> None:
    with alone(store.artifacts):
        if _DRAFT.fullmatch(path.name) or not path.with_suffix("").exists():
            path.unlink(missing_ok=True)


def _half_copied(store: Store) -> Iterator[Finding]:
    for pattern, what in ((".new-*", "a project snapshot that was not finished"), (".damaged-*", "a damaged one")):
        for path in sorted(store.code.glob(pattern)):
            yield Finding(Invariant.LEFTOVERS, what, str(path), _TAKE_AWAY, partial(remove_tree, path))


def _drafts(store: Store) -> Iterator[Finding]:
    """Folders of trees that were put together; who does so holds its lock."""
    home = store.folder / "drafts"
    for path in sorted(home.iterdir()) if home.is_dir() else ():
        if not _is_locked(path / "lock"):
            yield Finding(
                Invariant.LEFTOVERS, "a tree that was not finished", str(path), _TAKE_AWAY, partial(remove_tree, path)
            )


def _is_locked(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _folders_of_nobody(store: Store) -> Iterator[Finding]:
    home = store.folder / "runs"
    known = {row.id for row in store.latest(most=-1)}
    for path in sorted(home.iterdir()) if home.is_dir() else ():
        if path.name not in known:
            repair = partial(_remove_folder, path)
            yield Finding(Invariant.LEFTOVERS, "the folder of a run that nobody knows", str(path), _TAKE_AWAY, repair)


def _remove_folder(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        remove_tree(path) if path.is_dir() else path.unlink()


def _bells(store: Store, live: Collection[str]) -> Iterator[Finding]:
    for row in store.latest(most=-1):
        if row.id in live:
            continue
        for path in bells_of(row.id):
            gone = partial(take_down, row.id, path)
            yield Finding(Invariant.LEFTOVERS, "the socket of a process that is gone", str(path), _TAKE_AWAY, gone)
