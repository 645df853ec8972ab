"""The commands on datasets of the store: data create, put, get; those that only look are in `cli_data_look`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_data_look import NAME, check, diff, list_, log_, opened_store, query
from .cli_options import AS_JSON, STORE, guarded, print_json, tell_problems

if TYPE_CHECKING:
    from .core.errors import Problem
    from .records.repos import Commit, Stream
    from .records.store import Store


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def data() -> None:
    """Datasets of the store: folders with versions, which pipelines read and leave.

    \b
    dagbook data create images                  a dataset without anything in it
    dagbook data put images photos/ labels.csv  what is in photos/, and a file
    dagbook data list images 'train/*.png'      files of the latest commit
    dagbook data get images@3f2a91 -o here      the files as they were then

    NAME@BRANCH means a branch's latest commit, NAME@COMMIT a commit by its id or the beginning of it, NAME^ the one
    before the latest of master, NAME@latest the newest of all branches.
    """


@data.command()
@NAME
@click.option("--description", default="", metavar="TEXT", help="What is in it.")
@click.option("--from", "start", metavar="COMMIT", help="The commit or branch that the new branch begins with.")
@STORE
@AS_JSON
@guarded
def create(name: str, description: str, start: str | None, store: Path | None, as_json: bool) -> int:
    """Make a dataset, or with NAME@BRANCH a branch of one. Makes the store where there is none.

    \b
    dagbook data create images --description "what the cameras saw"
    dagbook data create images@v1                    a branch with nothing in it
    dagbook data create images@mended --from 3f2a91  one that begins with a commit
    """
    from .records import repos

    repo, branch = repos.branch_of(name)
    opened = opened_store(store, create="@" not in name)
    if "@" in name:
        repos.create_branch(opened, repo, branch, start)
    else:
        check(start is None, "--from is for a new branch", f"dagbook data create {name}@BRANCH --from {start}")
        repos.create(opened, repo, description)
    if as_json:
        print_json({"dataset": repo, "branch": branch, "store": str(opened.folder)})
    else:
        click.echo(f"Made {name} in {opened.folder}.")
    return 0


@data.command()
@NAME
@click.argument("sources", metavar="[FILE|FOLDER]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--to", "target", default="/", metavar="PATH", help="The folder in the dataset [/]; for -, the file.")
@click.option("--delete", multiple=True, metavar="PATH", help="Take a file, a folder or what a glob matches out first.")
@click.option("--replace", is_flag=True, help="Take out first all that is at --to.")
@click.option("-m", "--message", default="", metavar="TEXT", help="What the commit is about.")
@STORE
@AS_JSON
@guarded
def put(
    name: str,
    sources: tuple[Path, ...],
    target: str,
    delete: tuple[str, ...],
    replace: bool,
    message: str,
    store: Path | None,
    as_json: bool,
) -> int:
    """Put files and what is in folders into a dataset, as one commit. NAME@BRANCH is a branch of it.

    What is there stays, unless a file of the same path comes. Nothing is committed when nothing changes.

    \b
    dagbook data put images photos/ --to train  what is in photos/, as train/…
    dagbook data put images photos/ --replace   photos/ and nothing else
    dagbook data put images --delete 'train/*.tmp' --delete old
    curl -s URL | dagbook data put images - --to raw/today.csv
    """
    from .records import repos

    repo, branch = repos.branch_of(name)
    check(bool(sources or delete), "nothing is to be put", f"dagbook data put {name} FILE, or --delete PATH")
    given, into = _given(sources, target)
    opened = opened_store(store)
    told: list[Problem] = []
    before = repos.head_of(opened, repo, branch)
    how: dict[str, Any] = {"replace": replace, "delete": delete, "message": message}
    commit = repos.put(opened, repo, branch, given, into, **how, progress=_progress(), tell=told.append)
    tell_problems(told)
    _tell_commit(opened, before, commit, told, as_json)
    return 0


def _tell_commit(opened: Store, before: Commit | None, commit: Commit, told: list[Problem], as_json: bool) -> None:
    """What came of a put: `before` was the head until then."""
    from . import dataset_view
    from .records import repos

    new = before is None or commit.id != before.id
    found = repos.diff(opened, before, commit)
    if as_json:
        made = {**dataset_view.commit_json(commit, opened.artifacts), "new": new, **dataset_view.diff_json(found)}
        print_json({**made, "warnings": [one.as_json() for one in told]})
    elif new:
        click.echo(f"{commit}: {dataset_view.changes_words(found)}; now {dataset_view.amount(commit)}")
    else:
        click.echo(f"{commit}: nothing changed, so there is no new commit")


@data.command()
@NAME
@click.argument("pattern", metavar="[PATH|GLOB]", default="")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="The folder they go to [NAME].")
@click.option("--force", is_flag=True, help="Replace files that are there and differ.")
@STORE
@AS_JSON
@guarded
def get(name: str, pattern: str, output: Path | None, force: bool, store: Path | None, as_json: bool) -> int:
    """Copy files of a dataset into a folder, each at its path in the dataset.

    \b
    dagbook data get images                    all files of the latest commit
    dagbook data get images@v1 train -o here   the folder train, as here/train
    dagbook data get images^ '**/*.csv' -o before
    """
    from . import dataset_view
    from .records import repos

    opened = opened_store(store)
    commit = repos.resolve(opened, name)
    to = output or Path(commit.repo)
    items = repos.get(opened, commit, pattern, to, overwrite=force, progress=_progress())
    if as_json:
        files = [dataset_view.file_json(item) for item in items]
        print_json({**dataset_view.commit_json(commit, opened.artifacts), "folder": str(to), "list": files})
    else:
        what = "file" if len(items) == 1 else "files"
        click.echo(f"{len(items):,} {what} of {commit} in {to}")
    return 0


def _given(sources: tuple[Path, ...], target: str) -> tuple[list[Path | Stream], str]:
    """What is to be put, and the folder it goes to; `-` is standard input, which `target` names the file of."""
    from .records.repos import Stream

    if Path("-") not in sources:
        return list(sources), target
    folder, _, file = target.strip("/").rpartition("/")
    check(
        len(sources) == 1, "- stands beside other files", "Put standard input alone: dagbook data put NAME - --to PATH"
    )
    check(bool(file), "standard input has no name", "Say which file it is to be: --to PATH")
    # Without a buffer, so that Ctrl-C is noticed between any two pieces, and not only when a buffer is full.
    return [Stream(file, open(sys.stdin.fileno(), "rb", buffering=0, closefd=False))], folder


def _progress() -> Callable[[str], None]:
    """Lines on standard error, where somebody sees them."""

    def show(line: str) -> None:
        if sys.stderr.isatty():
            click.echo(line, err=True)

    return show


for _command in (list_, log_, diff, query):
    data.add_command(_command)
