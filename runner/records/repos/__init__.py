"""Datasets of the store: named trees with versions. A version is a commit, and its tree an artifact like any other.

What others need of them stands here; the rules are in docs/semantics.md, "Datasets of the store".
"""

from __future__ import annotations

from .branches import Branch, Repo, create, create_branch, ensure, list_repos
from .choosing import is_glob
from .commits import head_of, log, resolve
from .getting import get
from .names import branch_of, read_spec
from .putting import commit_tree, put
from .queries import glob_of, queries_of, save_query
from .reading import Diff, diff, entries_of, list_files, query, subset
from .rows import Commit
from .sources import Stream

__all__ = [
    "Branch",
    "Commit",
    "Diff",
    "Repo",
    "Stream",
    "branch_of",
    "commit_tree",
    "create",
    "create_branch",
    "diff",
    "ensure",
    "entries_of",
    "get",
    "glob_of",
    "head_of",
    "is_glob",
    "list_files",
    "list_repos",
    "log",
    "put",
    "queries_of",
    "query",
    "read_spec",
    "resolve",
    "save_query",
    "subset",
]
