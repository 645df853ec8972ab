"""Are the files of every result there, with the bytes that they were published with?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

from ..core.errors import DagbookError
from ..core.lifecycle import PASSED, Changed, Fact
from ..records.cache import Cache
from ..records.store import Store
from ..records.verify import alone, quarantine, verify
from .finding import Finding, Invariant


def result_findings(store: Store) -> Iterator[Finding]:
    """Each artifact that a result, an earlier result or a commit names, with all bytes hashed again."""
    set_aside = _set_aside(store)
    for digest, named_by in sorted(_named(store).items()):
        home = store.artifacts / digest[:2] / digest
        if not home.exists() and digest in set_aside:
            continue  # that is known: nothing uses it any more
        wrong = verify(home, anew=True)
        if wrong:
            repair = "set it aside; what left it runs again when it is needed"
            mend = partial(_set_aside_now, store, digest, wrong)
            yield Finding(Invariant.RESULTS, f"the result of {named_by} is damaged: {wrong}", str(home), repair, mend)


def _named(store: Store) -> dict[str, str]:
    """By the digest of an artifact, one of those that name it, in words."""
    found: dict[str, str] = {}
    with store.reading() as rows:
        for repo, digest in rows.execute("select repo, artifact from commits"):
            found[digest] = f"a commit of the dataset {repo}"
        for run, node_run, body in rows.execute("select run, node_run, body from cache"):
            if digest := _artifact_in(body):
                found[digest] = f"{node_run} in run {run}"
    for row in store.latest(most=-1):
        for fact in _facts(store, row.id):
            if isinstance(fact, Changed) and fact.state in PASSED and (digest := fact.detail.get("artifact")):
                found[digest] = f"{fact.id} in run {row.id}"
    return found


def _artifact_in(body: str) -> str | None:
    """The digest that an earlier result names; None when it names none or makes no sense, which is told elsewhere."""
    try:
        found = json.loads(body).get("detail", {}).get("artifact")
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return found if isinstance(found, str) else None


def _facts(store: Store, run: str) -> list[Fact]:
    """What was recorded of a run; nothing of one whose story makes no sense, which is told elsewhere."""
    try:
        return [entry.fact for entry in store.facts(run)]
    except DagbookError:
        return []


def _set_aside(store: Store) -> set[str]:
    place = store.folder / "quarantine"
    return {one.name.partition(".")[0] for one in place.iterdir()} if place.is_dir() else set()


def _set_aside_now(store: Store, digest: str, why: str) -> None:
    """Take what is left of an artifact out of the way, so that nothing uses it and it can be published anew."""
    store.artifacts.mkdir(exist_ok=True)
    with alone(store.artifacts):
        if not verify(store.artifacts / digest[:2] / digest, anew=True):
            return  # it has been published anew meanwhile
        quarantine(store.artifacts, digest)
    Cache(store).forget(digest, f"its artifact in the store was damaged: {why}")
