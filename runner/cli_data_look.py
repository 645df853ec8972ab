"""The commands that look at datasets of the store: data list, log, diff, query."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .cli_options import AS_JSON, STORE, guarded, print_json

if TYPE_CHECKING:
    from .records.repos import Commit
    from .records.store import Store

NAME = click.argument("name", metavar="NAME")


@click.command("list")
@click.argument("name", metavar="[NAME]", required=False)
@click.argument("pattern", metavar="[PATH|GLOB]", default="")
@STORE
@AS_JSON
@guarded
def list_(name: str | None, pattern: str, store: Path | None, as_json: bool) -> int:
    """The datasets of the store with their branches, or the files of one.

    \b
    dagbook data list
    dagbook data list images@v1 '**/*.png'
    """
    from . import dataset_view
    from .records import repos

    opened = opened_store(store)
    if name is None:
        found = repos.list_repos(opened)
        if as_json:
            print_json([dataset_view.repo_json(one, opened.artifacts) for one in found])
        else:
            click.echo(dataset_view.repos_text(found))
        return 0
    return _list_files(opened, name, pattern, as_json)


@click.command("log")
@NAME
@click.option("-n", "--most", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@STORE
@AS_JSON
@guarded
def log_(name: str, most: int, store: Path | None, as_json: bool) -> int:
    """The commits of a dataset's branch, newest first, or those up to a commit.

    \b
    dagbook data log images
    dagbook data log images@v1 -n 3
    """
    from . import dataset_view
    from .records import repos

    opened = opened_store(store)
    commits = repos.log(opened, name, most)
    if as_json:
        print_json([dataset_view.commit_json(commit, opened.artifacts) for commit in commits])
        return 0
    heads: dict[str, list[str]] = {}
    for repo in repos.list_repos(opened):
        for branch in repo.branches:
            if branch.head:
                heads.setdefault(branch.head.id, []).append(branch.name)
    click.echo(dataset_view.log_text(commits, heads))
    return 0


@click.command()
@NAME
@click.argument("other", metavar="[NAME]", required=False)
@STORE
@AS_JSON
@guarded
def diff(name: str, other: str | None, store: Path | None, as_json: bool) -> int:
    """What the second commit has that the first has not; of one commit alone, what it changed.

    \b
    dagbook data diff images                  what the latest commit changed
    dagbook data diff images@v1 images@v2
    """
    from . import dataset_view
    from .records import repos

    opened = opened_store(store)
    after = repos.resolve(opened, other or name)
    before = repos.resolve(opened, name) if other else _parent(opened, after)
    found = repos.diff(opened, before, after)
    if as_json:
        print_json({"from": before and before.id, "to": after.id, **dataset_view.diff_json(found)})
    else:
        click.echo(dataset_view.diff_text(found))
    return 0


@click.command()
@NAME
@click.argument("query", metavar="[QUERY]", required=False)
@click.argument("glob", metavar="[GLOB]", required=False)
@STORE
@AS_JSON
@guarded
def query(name: str, query: str | None, glob: str | None, store: Path | None, as_json: bool) -> int:
    """Save a glob under a name; with QUERY alone, the files it chooses; with none, the saved ones.

    \b
    dagbook data query images train 'train/**/*.png'   save it
    dagbook data query images@v1 train                 what it chooses there
    dagbook data query images
    """
    from .records import repos

    opened = opened_store(store)
    repo = repos.read_spec(name).name
    if query is None:
        saved = repos.queries_of(opened, repo)
        if as_json:
            print_json(saved)
        else:
            lines = [f"{one}  {chosen}" for one, chosen in saved.items()]
            click.echo("\n".join(lines) or f"{repo} has no saved query. Save one: dagbook data query {repo} QUERY GLOB")
        return 0
    if glob is None:
        return _list_files(opened, name, repos.glob_of(opened, repo, query), as_json)
    repos.save_query(opened, repo, query, glob)
    if as_json:
        print_json({query: glob})
    else:
        click.echo(f"Saved {query} of {repo}: {glob}")
    return 0


def _list_files(opened: Store, name: str, pattern: str, as_json: bool) -> int:
    from . import dataset_view
    from .records import repos

    commit = repos.resolve(opened, name)
    items = repos.list_files(opened, commit, pattern)
    if as_json:
        files = [dataset_view.file_json(item) for item in items]
        print_json({**dataset_view.commit_json(commit, opened.artifacts), "list": files})
    elif items:
        click.echo(dataset_view.files_text(items))
    else:
        click.echo(f"No file of {commit} is chosen.", err=True)
    return 0


def _parent(opened: Store, commit: Commit) -> Commit | None:
    from .records import repos

    return repos.resolve(opened, f"{commit.repo}@{commit.parent}") if commit.parent else None


def opened_store(store: Path | None, create: bool = False) -> Store:
    """The store that is meant. Raises PipelineError (E-STORE) when it is not there and not to be made."""
    from .core.errors import PipelineError, problem
    from .formats.settings import find_store
    from .records.store import Store

    folder = find_store(store, None, Path.cwd())
    if not create and not folder.is_dir():
        hint = "Make it, with a dataset: dagbook data create NAME"
        raise PipelineError(problem("E-STORE", what=f"there is no store at {folder}", hint=hint))
    return Store(folder, create=create)


def check(holds: bool, what: str, hint: str) -> None:
    """Raises PipelineError (E-USAGE) when it does not hold."""
    from .core.errors import PipelineError, problem

    if not holds:
        raise PipelineError(problem("E-USAGE", what=what, hint=hint))
