"""Saved queries of datasets: globs that have a name."""

from __future__ import annotations

import time

from ...core.errors import PipelineError, nearest, problem
from ..dataset_files import printable
from ..store import Store
from .choosing import chosen, is_glob
from .names import check_name
from .rows import check_known


def queries_of(store: Store, name: str) -> dict[str, str]:
    """The saved queries of a dataset: globs by name. Raises PipelineError (E-REPO-UNKNOWN)."""
    with store.reading() as rows:
        check_known(rows, store, name)
        found = rows.execute("select name, glob from queries where repo = ? order by name", (name,)).fetchall()
    return {row["name"]: row["glob"] for row in found}


def save_query(store: Store, name: str, query: str, glob: str) -> None:
    """Save a query of a dataset under a name, in place of one of that name.

    Raises PipelineError (E-REPO-UNKNOWN, E-REPO-NAME for the query's name, E-REPO-PATH, E-GLOB).
    """
    check_name(query, "query")
    chosen([], glob)  # raises for what is none
    with store.writing() as rows:
        check_known(rows, store, name)
        rows.execute(
            "insert or replace into queries (repo, name, glob, at) values (?, ?, ?, ?)",
            (name, query, printable(glob), time.time()),
        )


def glob_of(store: Store, name: str, text: str) -> str:
    """The glob of a saved query; a text that is no query's name is a glob itself, if it holds a glob's character.

    Raises PipelineError (E-REPO-UNKNOWN, E-QUERY-UNKNOWN).
    """
    saved = queries_of(store, name)
    if text in saved:
        return saved[text]
    if is_glob(text):
        return text
    raise PipelineError(problem("E-QUERY-UNKNOWN", name=name, query=printable(text), nearest=nearest(text, saved)))
