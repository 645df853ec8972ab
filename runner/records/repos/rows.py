"""Rows of datasets' commits, read and written in a transaction that goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core.errors import PipelineError, nearest, problem
from ..store import Store

if TYPE_CHECKING:
    from sqlite3 import Connection, Row


@dataclass(frozen=True, slots=True)
class Commit:
    """A version of a dataset: `artifact` is the digest of its tree, `parent` the id of the commit before it.

    `at` is in seconds since the epoch; `branch` is where it was made; `provenance` is plain JSON, what it was made of.
    """

    id: str
    repo: str
    branch: str
    parent: str | None
    at: float
    message: str
    author: str
    artifact: str
    files: int
    bytes: int
    provenance: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.repo}@{self.id[:12]}"


def check_known(rows: Connection, store: Store, name: str) -> None:
    """Raises PipelineError (E-REPO-UNKNOWN) when there is no dataset of this name."""
    if rows.execute("select 1 from repos where name = ?", (name,)).fetchone() is None:
        known = [row["name"] for row in rows.execute("select name from repos")]
        hint = nearest(name, known) if known else f"There is none yet; make it: dagbook data create {name}"
        raise PipelineError(problem("E-REPO-UNKNOWN", name=name, store=store.folder, nearest=hint))


def commit_of(rows: Connection, id: str) -> Commit:
    """The commit with this id, which must be there."""
    return commit_from(rows.execute("select * from commits where id = ?", (id,)).fetchone())


def line_from(rows: Connection, start: str, most: int) -> list[Commit]:
    """A commit and those before it, `most` in all; -1 for as many as there are."""
    wanted = """
        with recursive line (id, step) as (
            select ?, 1
            union all
            select commits.parent, step + 1 from commits join line on commits.id = line.id
            where commits.parent is not null)
        select commits.* from line join commits on commits.id = line.id order by step limit ?"""
    return [commit_from(row) for row in rows.execute(wanted, (start, most)).fetchall()]


def commit_from(row: Row) -> Commit:
    """The commit that a row of the table holds."""
    told = dict(row)
    del told["number"]
    return Commit(**{**told, "provenance": json.loads(told["provenance"])})


def insert(rows: Connection, commit: Commit) -> None:
    """Add a commit."""
    rows.execute(
        """
        insert into commits (id, repo, branch, parent, at, message, author, artifact, files, bytes, provenance)
        values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            commit.id,
            commit.repo,
            commit.branch,
            commit.parent,
            commit.at,
            commit.message,
            commit.author,
            commit.artifact,
            commit.files,
            commit.bytes,
            json.dumps(commit.provenance),
        ),
    )
