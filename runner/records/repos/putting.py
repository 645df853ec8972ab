"""Making commits: putting files into a dataset, and taking over a finished tree.

The tree is published first, and the branch's head is changed last, in one transaction. So whoever is killed, at
whatever moment, leaves the old head; and who finds that another commit came first begins again from that one, with
the bytes that were taken over already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core.errors import Problem, problem
from ..artifacts import publish
from ..datasets import HASHES
from ..hashes import remembered
from ..long_work import EVERY, Cancel, Pace, Progress
from ..manifest import digest_of
from ..store import Store
from .branches import ensure
from .building import cannot_use, check_sound, pieces_of, published, settled_in
from .choosing import inner_path
from .commits import Draft, add_commit, head_of
from .drafts import draft
from .rows import Commit
from .sources import Stream, find_sources
from .staging import Staging
from .trees import Piece, Tree, items_of_tree, planned

Tell = Callable[[Problem], None]


def put(
    store: Store,
    name: str,
    branch: str,
    sources: Sequence[Path | Stream],
    target: str = "/",
    *,
    replace: bool = False,
    delete: Sequence[str] = (),
    message: str = "",
    progress: Progress = lambda _: None,
    cancel: Cancel | None = None,
    tell: Tell = lambda _: None,
    every: float = EVERY,
) -> Commit:
    """Put files and the contents of folders below `target`; gives the new commit, or the head if nothing changes.

    First `delete` (paths and globs) goes, with `replace` also all that is at `target`. What a dataset cannot hold is
    told and left out. Raises PipelineError (E-REPO-*, E-COMMIT-UNKNOWN, E-FILE-MISSING, E-DATA-*), MachineError
    (E-STORE) and Cancelled; none of them changes anything.
    """
    at, cancel = inner_path(target), cancel or Cancel()
    head = head_of(store, name, branch)
    found = find_sources(sources, at, store.folder, tell)
    try:
        with draft(store) as folder, remembered(store.folder / "datasets" / HASHES) as hashes:
            loose = folder / "new"
            loose.mkdir()
            base = _base(store, head)
            new: Mapping[str, Piece] = Staging(base, loose, hashes, Pace(progress, every), cancel).take(found)
            while True:
                cancel.check()
                tree, left = planned(base, new, at, replace, delete)
                commit, new = _committed(store, name, branch, head, tree, new, folder, message)
                if commit is not None:
                    break
                head = head_of(store, name, branch)
                base = _base(store, head)
    except OSError as error:
        raise cannot_use(store, error) from None
    for one in left:
        tell(one)
    return commit


def commit_tree(
    store: Store,
    name: str,
    branch: str,
    tree: Path | str,
    message: str = "",
    provenance: Mapping[str, Any] | None = None,
    *,
    tell: Tell = lambda _: None,
) -> Commit:
    """Make a finished tree the new version of a branch; gives the head when that holds the same already.

    `tree` is the digest of an artifact, or a folder, which becomes one and is taken away from where it was. The dataset
    and the branch are made where they are not there. `provenance` is plain JSON. Raises PipelineError (E-REPO-NAME) and
    MachineError (E-STORE).
    """
    ensure(store, name, branch)
    try:
        digest = tree if isinstance(tree, str) else _published_folder(store, tree, tell)
    except OSError as error:
        raise cannot_use(store, error) from None
    check_sound(store, digest, f"the artifact {digest[:12]}")
    pieces = pieces_of(store, digest, f"the artifact {digest[:12]}")
    made = _draft(digest, pieces, message, provenance or {})
    while True:
        head = head_of(store, name, branch)
        if head is not None and head.artifact == digest:
            return head
        if commit := add_commit(store, name, branch, head, made):
            return commit


def _published_folder(store: Store, folder: Path, tell: Tell) -> str:
    store.artifacts.mkdir(exist_ok=True)
    artifact = publish(folder, store.artifacts)
    for warning in artifact.warnings:
        path, _, why = warning.partition(" is ")
        tell(problem("W-DATA-LEFT", path=path.removeprefix("/output/"), why=f"is {why}"))
    return artifact.digest


def _base(store: Store, head: Commit | None) -> Mapping[str, Piece]:
    """The tree that is gone on from; its files are about to be shared, so they must be sound."""
    if head is None:
        return {}
    check_sound(store, head.artifact, str(head))
    return pieces_of(store, head.artifact, str(head))


def _committed(
    store: Store,
    name: str,
    branch: str,
    head: Commit | None,
    tree: Tree,
    new: Mapping[str, Piece],
    folder: Path,
    message: str,
) -> tuple[Commit | None, Mapping[str, Piece]]:
    """The commit of a tree, or None when another came first; and where the entries `new` are then."""
    digest = digest_of(items_of_tree(tree))
    if head is not None and digest == head.artifact:
        return head, new
    home = published(store, folder, tree)
    new = settled_in(home, new, tree)
    return add_commit(store, name, branch, head, _draft(digest, tree, message, {})), new


def _draft(digest: str, tree: Tree, message: str, provenance: Mapping[str, Any]) -> Draft:
    files = [piece.item for piece in tree.values() if piece.item.kind == "file"]
    return Draft(digest, len(files), sum(item.size for item in files), message, provenance)
