"""Commits of datasets: finding the one that is meant, adding one to a branch.

A commit never changes. What changes is a branch's head, and only from the commit that the writer knew: who was
overtaken begins again from the new head.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...core.errors import PipelineError, Problem, nearest, problem
from ..dataset_files import printable
from ..processes import user_name
from ..store import Store
from .names import ID_DIGITS, LATEST, MASTER, SHORTEST_ID, Spec, read_spec
from .rows import Commit, check_known, commit_from, commit_of, insert, line_from

if TYPE_CHECKING:
    from sqlite3 import Connection


@dataclass(frozen=True, slots=True)
class Draft:
    """A commit that is to be made: its tree, and what is told of it."""

    artifact: str
    files: int
    bytes: int
    message: str
    provenance: Mapping[str, Any]


def head_of(store: Store, name: str, branch: str) -> Commit | None:
    """The latest commit of a branch; None when there is none yet.

    Raises PipelineError (E-REPO-UNKNOWN, E-COMMIT-UNKNOWN for the branch).
    """
    with store.reading() as rows:
        check_known(rows, store, name)
        found = rows.execute("select head from branches where repo = ? and name = ?", (name, branch)).fetchone()
        if found is None:
            what = f"{name} has no branch {branch}"
            known = [row["name"] for row in rows.execute("select name from branches where repo = ?", (name,))]
            hint = f"{nearest(branch, known)} A new one is made with: dagbook data create {name}@{branch}"
            raise PipelineError(problem("E-COMMIT-UNKNOWN", what=what, nearest=hint))
        return commit_of(rows, found["head"]) if found["head"] else None


def add_commit(store: Store, name: str, branch: str, parent: Commit | None, draft: Draft) -> Commit | None:
    """Make a commit the head of a branch, if `parent` still is; None when another one came first."""
    before = parent.id if parent else None
    with store.writing() as rows:
        now = rows.execute("select head from branches where repo = ? and name = ?", (name, branch)).fetchone()
        if now is None or now["head"] != before:
            return None
        made = _with_id(
            Commit(
                id="",
                repo=name,
                branch=branch,
                parent=before,
                at=time.time(),
                message=printable(draft.message),
                author=user_name(),
                artifact=draft.artifact,
                files=draft.files,
                bytes=draft.bytes,
                provenance=dict(draft.provenance),
            )
        )
        insert(rows, made)
        rows.execute("update branches set head = ? where repo = ? and name = ?", (made.id, name, branch))
    return made


def resolve(store: Store, spec: str) -> Commit:
    """The commit that NAME, NAME@BRANCH, NAME@COMMIT (or its beginning), with ^ or ^2 behind it, names.

    NAME@latest is the newest one of all branches. `dataset://NAME/VERSION` and `datum://NAME` are read, too. Raises
    PipelineError (E-REPO-NAME, E-REPO-UNKNOWN, E-COMMIT-UNKNOWN).
    """
    wanted = read_spec(spec)
    with store.reading() as rows:
        check_known(rows, store, wanted.name)
        found = _referred(rows, wanted)
        if not wanted.back:
            return found
        found_line = line_from(rows, found.id, wanted.back + 1)
    if len(found_line) <= wanted.back:
        what = f"there is no {wanted}: only {len(found_line) - 1} commits come before {found.id[:12]}"
        hint = f"Look at them: dagbook data log {wanted.name}"
        raise PipelineError(problem("E-COMMIT-UNKNOWN", what=what, nearest=hint))
    return found_line[-1]


def log(store: Store, spec: str, most: int = -1) -> list[Commit]:
    """The commit that `spec` names and those before it, newest first; none for a branch without any.

    Raises as `resolve`.
    """
    wanted = read_spec(spec)
    if not wanted.back and _is_empty_branch(store, wanted):
        return []
    start = resolve(store, spec)
    with store.reading() as rows:
        return line_from(rows, start.id, most)


def _is_empty_branch(store: Store, wanted: Spec) -> bool:
    with store.reading() as rows:
        found = rows.execute(
            "select head from branches where repo = ? and name = ?", (wanted.name, wanted.reference)
        ).fetchone()
    return found is not None and found["head"] is None


def _referred(rows: Connection, wanted: Spec) -> Commit:
    """The commit of a branch, the newest one, or the one whose id begins so."""
    name, reference = wanted.name, wanted.reference
    branch = rows.execute("select head from branches where repo = ? and name = ?", (name, reference)).fetchone()
    if branch is not None and branch["head"]:
        return commit_of(rows, branch["head"])
    if branch is None and reference == LATEST:
        newest = rows.execute("select * from commits where repo = ? order by number desc limit 1", (name,)).fetchone()
        if newest is not None:
            return commit_from(newest)
    if branch is not None or reference == LATEST:
        what = f"nothing was put into {name if reference in (MASTER, LATEST) else f'{name}@{reference}'} yet"
        hint = f"Put files into it: dagbook data put {name if reference == LATEST else wanted}"
        raise PipelineError(problem("E-COMMIT-UNKNOWN", what=what, nearest=hint))
    found = _beginning_with(rows, name, reference)
    if len(found) == 1:
        return found[0]
    raise PipelineError(_unknown(rows, wanted, len(found)))


def _beginning_with(rows: Connection, name: str, digits: str) -> Sequence[Commit]:
    digits = digits.lower()
    if len(digits) < SHORTEST_ID or not digits.isascii() or not digits.isalnum():
        return []
    begins = "select * from commits where repo = ? and id >= ? and id < ? limit 2"
    return [commit_from(row) for row in rows.execute(begins, (name, digits, f"{digits}\x7f")).fetchall()]


def _unknown(rows: Connection, wanted: Spec, found: int) -> Problem:
    branches = [row["name"] for row in rows.execute("select name from branches where repo = ?", (wanted.name,))]
    what = f"{wanted.name} has no branch or commit {wanted.reference!r}"
    hint = nearest(wanted.reference, branches)
    if found > 1:
        what, hint = f"several commits of {wanted.name} begin with {wanted.reference}", "Give more of the id."
    elif len(wanted.reference) < SHORTEST_ID:
        hint += f" Of a commit's id, {SHORTEST_ID} digits are the least."
    return problem("E-COMMIT-UNKNOWN", what=what, nearest=hint)


def _with_id(commit: Commit) -> Commit:
    """The commit with the id that all of it makes."""
    told = [commit.repo, commit.branch, commit.parent, commit.at, commit.message, commit.author, commit.artifact]
    whole = json.dumps([*told, commit.provenance], sort_keys=True)
    return replace(commit, id=hashlib.sha256(whole.encode()).hexdigest()[:ID_DIGITS])
