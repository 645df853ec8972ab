"""A version of one of the store's own datasets, as a data node shows it."""

from __future__ import annotations

from .datasets import Dataset
from .manifest import manifest_of
from .repos import glob_of, resolve, subset
from .store import Store


def dataset_of_repo(store: Store, spec: str, query: str | None = None) -> Dataset:
    """The dataset that NAME, NAME@BRANCH or NAME@COMMIT names; with a query (a saved one, or a glob) a part of it.

    Raises PipelineError (E-REPO-…, E-COMMIT-…, E-QUERY-UNKNOWN) and MachineError (E-STORE).
    """
    commit = resolve(store, spec)
    digest = subset(store, commit, glob_of(store, commit.repo, query)) if query else commit.artifact
    place = store.artifacts / digest[:2] / digest
    files = [item for item in manifest_of(place) if item["kind"] == "file"]
    return Dataset(digest, place, len(files), sum(item["size"] for item in files))
