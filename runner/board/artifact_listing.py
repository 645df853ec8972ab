"""What a node run left, for people: where it lies, how much it is, and its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..core.lifecycle import NodeRun
from ..records.manifest import manifest_of

MOST_ENTRIES = 200


@dataclass(frozen=True, slots=True)
class ArtifactListing:
    """An artifact or a dataset: its path, its bytes and how many files; `entries` are paths in it with their bytes.

    `left_out` counts the files that are not listed; `fault` says why none is.
    """

    path: str
    digest: str
    bytes: int
    files: int
    entries: tuple[tuple[str, int], ...] = ()
    left_out: int = 0
    fault: str = ""


def artifact_listing(run: NodeRun, artifacts: Path) -> ArtifactListing | None:
    """The artifact of a node run in the store's folder of `artifacts`, or the dataset that it is; None without any."""
    digest = str(run.detail.get("artifact") or "")
    if not digest:
        return None
    size, files = int(run.detail.get("bytes") or 0), int(run.detail.get("files") or 0)
    if dataset := run.detail.get("dataset"):  # it lies outside of the store, with no list of what it holds
        return ArtifactListing(str(dataset["path"]), digest, size, files)
    place = artifacts / digest[:2] / digest
    try:
        found = [(str(one["path"]), int(one["size"])) for one in manifest_of(place) if one["kind"] != "folder"]
    except (OSError, ValueError, KeyError, TypeError):
        return ArtifactListing(str(place), digest, size, files, fault="its list of files cannot be read")
    return ArtifactListing(
        str(place),
        digest,
        size or sum(bytes_ for _, bytes_ in found),
        files or len(found),
        tuple(found[:MOST_ENTRIES]),
        max(len(found) - MOST_ENTRIES, 0),
    )
