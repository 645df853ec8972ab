"""What earlier node runs left, side by side in one dataset: `1/`, `2/`, … and `runs.json`, which says what they are.

The files are those of the artifacts themselves, as hard links, so that it costs no room. Nothing in it tells of the
runs' ids: the same results, worked out again, are the same dataset.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..core.artifact_names import split_artifact_name
from ..core.gathered import LISTING, as_listed
from ..core.lifecycle import NodeRun
from .datasets import Dataset
from .left import node_runs_meant, pieces_left
from .manifest import Item, items_of
from .repos.building import cannot_use, published
from .repos.drafts import draft
from .repos.trees import Piece, folder
from .run_rows import ListedRun
from .store import Store


def dataset_of_runs(store: Store, names: Sequence[str]) -> Dataset:
    """The dataset of the artifacts that RUN/NODE name, in that order; NODE is a node run's id, or a title for all.

    Raises PipelineError (E-ARTIFACT, E-RUN-UNKNOWN) and MachineError (E-STORE).
    """
    tree: dict[str, Piece] = {}
    listing: list[dict[str, Any]] = []
    for row, run in _found(store, names):
        number = len(listing) + 1
        listing.append({**as_listed(number, run), "node": run.node, "pipeline": row.pipeline})
        tree |= entries_below(str(number), store, row.id, run)
    text = json.dumps(listing, indent=1).encode()
    try:
        with draft(store) as place:
            tree[LISTING] = listing_file(place, LISTING, text)
            home = published(store, place, tree)
    except OSError as error:
        raise cannot_use(store, error) from None
    files = [item for item in items_of(home) if item.kind == "file"]
    return Dataset(home.name, home, len(files), sum(item.size for item in files))


def _found(store: Store, names: Sequence[str]) -> Iterator[tuple[ListedRun, NodeRun]]:
    """Each node run that is meant, once, with the run that it belongs to."""
    states: dict[str, dict[str, NodeRun]] = {}
    seen: set[tuple[str, str]] = set()
    for name in names:
        wanted, node = split_artifact_name(name)
        row = store.find(wanted)
        if row.id not in states:
            states[row.id] = store.state_of(row.id).node_runs
        for run in node_runs_meant(row.id, states[row.id].values(), node):
            if (row.id, run.id) not in seen:
                seen.add((row.id, run.id))
                yield row, run


def entries_below(name: str, store: Store, run: str, node_run: NodeRun) -> dict[str, Piece]:
    """The entries of a node run's artifact, in a folder of this name. Raises PipelineError (E-ARTIFACT)."""
    moved = {
        f"{name}/{path}": piece._replace(item=piece.item._replace(path=f"{name}/{path}"))
        for path, piece in pieces_left(store, run, node_run).items()
    }
    return {name: folder(name), **moved}


def listing_file(place: Path, path: str, content: bytes) -> Piece:
    """A file of this content at `path` of a tree, written in a folder of our own."""
    inside = f"{hashlib.sha256(path.encode()).hexdigest()[:16]}.json"
    written = place / inside
    written.write_bytes(content)
    written.chmod(0o444)
    item = Item(path, "file", len(content), False, hashlib.sha256(content).hexdigest())
    return Piece(item, str(place), inside, loose=True)
