"""Datasets of the store and their branches: making them, and which there are."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.errors import PipelineError, problem
from ..dataset_files import printable
from ..store import Store
from .commits import resolve
from .names import MASTER, check_branch, check_name
from .rows import Commit, check_known, commit_of

if TYPE_CHECKING:
    from sqlite3 import Connection


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of a dataset; `head` is None as long as nothing was put there."""

    name: str
    head: Commit | None


@dataclass(frozen=True, slots=True)
class Repo:
    """A dataset of the store with its branches, master first."""

    name: str
    description: str
    at: float
    branches: tuple[Branch, ...]


def create(store: Store, name: str, description: str = "") -> None:
    """Make an empty dataset with the branch master. Raises PipelineError (E-REPO-NAME, E-REPO-EXISTS)."""
    check_name(name)
    with store.writing() as rows:
        if not _made(rows, name, printable(description)):
            what = f"there is a dataset {name} already"
            raise PipelineError(problem("E-REPO-EXISTS", what=what, hint=f"Put files into it: dagbook data put {name}"))


def create_branch(store: Store, name: str, branch: str, start: str | None = None) -> None:
    """Make a branch of a dataset: empty, or from a commit of it, as `resolve` reads it or without the name and @.

    Raises PipelineError (E-REPO-NAME, E-REPO-UNKNOWN, E-REPO-EXISTS, E-COMMIT-UNKNOWN).
    """
    check_branch(branch)
    head = None
    if start is not None:
        commit = resolve(store, start if _names_repo(start, name) else f"{name}@{start}")
        if commit.repo != name:
            what = f"{commit} is no commit of {name}"
            hint = "Put its files there: a branch begins at a commit of its own dataset."
            raise PipelineError(problem("E-COMMIT-UNKNOWN", what=what, nearest=hint))
        head = commit.id
    with store.writing() as rows:
        check_known(rows, store, name)
        if rows.execute("select 1 from branches where repo = ? and name = ?", (name, branch)).fetchone():
            what = f"{name} has a branch {branch} already"
            raise PipelineError(problem("E-REPO-EXISTS", what=what, hint="Take another name."))
        rows.execute(
            "insert into branches (repo, name, head, at) values (?, ?, ?, ?)", (name, branch, head, time.time())
        )


def ensure(store: Store, name: str, branch: str) -> None:
    """Make the dataset and the branch where they are not there. Raises PipelineError (E-REPO-NAME)."""
    check_name(name)
    check_branch(branch)
    with store.writing() as rows:
        _made(rows, name, "")
        rows.execute(
            "insert or ignore into branches (repo, name, head, at) values (?, ?, null, ?)", (name, branch, time.time())
        )


def list_repos(store: Store) -> list[Repo]:
    """All datasets of the store, by name."""
    with store.reading() as rows:
        branches: dict[str, list[Branch]] = {}
        for row in rows.execute("select repo, name, head from branches order by name != ?, name", (MASTER,)).fetchall():
            head = commit_of(rows, row["head"]) if row["head"] else None
            branches.setdefault(row["repo"], []).append(Branch(row["name"], head))
        return [
            Repo(row["name"], row["description"], row["at"], tuple(branches.get(row["name"], ())))
            for row in rows.execute("select * from repos order by name")
        ]


def _names_repo(start: str, name: str) -> bool:
    return start.partition("^")[0] == name or "@" in start or "://" in start


def _made(rows: Connection, name: str, description: str) -> bool:
    """Make a dataset, in a transaction; False when it is there."""
    now = time.time()
    made = rows.execute(
        "insert or ignore into repos (name, description, at) values (?, ?, ?)", (name, description, now)
    )
    if made.rowcount == 1:
        rows.execute("insert into branches (repo, name, head, at) values (?, ?, null, ?)", (name, MASTER, now))
    return made.rowcount == 1
