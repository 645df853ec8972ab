"""Datasets of the store and their commits, as text for people and as plain JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .records.dataset_files import printable
from .records.manifest import Item
from .records.repos import Commit, Diff, Repo
from .view import size

ID_SHOWN = 12  # digits of a commit's id
_MARKS = {"added": "+", "removed": "-", "changed": "~"}


def repos_text(repos: Iterable[Repo]) -> str:
    """A line for each branch of each dataset."""
    lines = []
    for repo in repos:
        for branch in repo.branches:
            name = repo.name if branch.name == "master" else f"{repo.name}@{branch.name}"
            head = _line(branch.head) if branch.head else "nothing was put there yet"
            told = repo.description if branch.name == "master" else ""
            lines.append((name, f"{head}  {_shown(told)}".rstrip()))
    width = max((len(name) for name, _ in lines), default=0)
    return "\n".join(f"{name:<{width}}  {rest}" for name, rest in lines) or (
        "There is no dataset in this store yet. Make one: dagbook data create NAME"
    )


def log_text(commits: Sequence[Commit], heads: Mapping[str, Sequence[str]]) -> str:
    """A line for each commit; `heads` are the branches whose latest commit it is, by its id."""
    lines = []
    for commit in commits:
        words = [_line(commit), _shown(commit.author)]
        if branches := heads.get(commit.id):
            words.append(f"({', '.join(branches)})")
        lines.append("  ".join([*words, _shown(commit.message.partition("\n")[0])]).rstrip())
    return "\n".join(lines) or "Nothing was put there yet."


def files_text(items: Iterable[Item]) -> str:
    """A line for each file: its size, a star when it is executable, its path, where a link leads."""
    lines = []
    for item in items:
        leads = f" -> {_shown(item.content)}" if item.kind == "link" else "*" if item.executable else ""
        lines.append(f"{'' if item.kind == 'link' else size(item.size):>10}  {_shown(item.path)}{leads}")
    return "\n".join(lines)


def diff_text(found: Diff) -> str:
    """A line for each path: + added, - removed, ~ changed."""
    by_path = sorted((path, _MARKS[kind]) for kind in _MARKS for path in getattr(found, kind))
    return "\n".join(f"{mark} {_shown(path)}" for path, mark in by_path) or "Nothing differs."


def changes_words(found: Diff) -> str:
    """How much differs: `2 added, 1 removed`."""
    counts = {kind: len(getattr(found, kind)) for kind in _MARKS}
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count) or "nothing differs"


def amount(commit: Commit) -> str:
    """`3 files, 12.0 KiB`."""
    return f"{commit.files:,} {'file' if commit.files == 1 else 'files'}, {size(commit.bytes)}"


def commit_json(commit: Commit, artifacts: Path) -> dict[str, Any]:
    """A commit; `artifact` is where its files are, read-only."""
    return {
        "dataset": commit.repo,
        "commit": commit.id,
        "branch": commit.branch,
        "parent": commit.parent,
        "time": datetime.fromtimestamp(commit.at, UTC).isoformat(timespec="milliseconds"),
        "author": printable(commit.author),
        "message": commit.message,
        "files": commit.files,
        "bytes": commit.bytes,
        "artifact": str(artifacts / commit.artifact[:2] / commit.artifact),
        "provenance": dict(commit.provenance),
    }


def repo_json(repo: Repo, artifacts: Path) -> dict[str, Any]:
    """A dataset with its branches; a branch without a commit is null."""
    heads = {branch.name: branch.head and commit_json(branch.head, artifacts) for branch in repo.branches}
    return {"dataset": repo.name, "description": repo.description, "branches": heads}


def file_json(item: Item) -> dict[str, Any]:
    """A file or a link of a commit."""
    told: dict[str, Any] = {"path": printable(item.path), "kind": item.kind}
    if item.kind == "link":
        return {**told, "target": printable(item.content)}
    return {**told, "size": item.size, "executable": item.executable, "hash": item.content}


def diff_json(found: Diff) -> dict[str, list[str]]:
    """The three lists of paths."""
    return {kind: list(map(printable, getattr(found, kind))) for kind in _MARKS}


def _line(commit: Commit) -> str:
    when = datetime.fromtimestamp(commit.at).strftime("%Y-%m-%d %H:%M:%S")
    return f"{commit.id[:ID_SHOWN]}  {when}  {amount(commit)}"


def _shown(text: str) -> str:
    """A name as a line can hold it: it may be no text, or hold what a terminal would obey."""
    text = printable(text)
    return text if text.isprintable() else repr(text)
