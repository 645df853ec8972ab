"""What a whole run has left, as one artifact: a folder for each node that nothing comes after.

The files are those of these nodes' artifacts, as hard links, so that it costs no room.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ..core.gathered import LISTING, as_listed
from ..core.lifecycle import NodeRun
from ..core.names import slug_of
from .artifacts import Artifact
from .collected import entries_below, listing_file
from .manifest import items_of
from .repos.building import published
from .repos.drafts import draft
from .repos.trees import Piece, folder
from .store import Store


def publish_leaves(store: Store, run: str, leaves: Mapping[str, Sequence[NodeRun]]) -> Artifact:
    """Publish what the node runs in `leaves`, by their node's title, have left.

    A node that ran once has its files in a folder of its slug. Of one that ran several times, that folder has a folder
    for each run, numbered in the order of their coordinates, and `runs.json`, as a gathered node's has.
    Raises OSError, and PipelineError (E-ARTIFACT) and MachineError (E-STORE) when an artifact is damaged or gone.
    """
    tree: dict[str, Piece] = {}
    with draft(store) as place:
        for title, runs in leaves.items():
            slug = slug_of(title)
            if len(runs) == 1:
                tree |= entries_below(slug, store, run, runs[0])
                continue
            tree[slug] = folder(slug)
            for number, one in enumerate(runs, 1):
                tree |= entries_below(f"{slug}/{number}", store, run, one)
            listed = json.dumps([as_listed(number, one) for number, one in enumerate(runs, 1)], indent=1)
            tree[f"{slug}/{LISTING}"] = listing_file(place, f"{slug}/{LISTING}", listed.encode())
        home = published(store, place, tree)
    files = [item for item in items_of(home) if item.kind == "file"]
    return Artifact(home.name, home, len(files), sum(item.size for item in files))
