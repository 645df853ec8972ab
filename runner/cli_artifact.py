"""The command that lists and copies what node runs have left: artifact."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_options import AS_JSON, STORE, guarded, print_json, store_at

if TYPE_CHECKING:
    from .core.lifecycle import NodeRun
    from .records.manifest import Item
    from .records.store import Store


@click.command()
@click.argument("wanted", metavar="RUN")
@click.argument("node", metavar="NODE")
@click.argument("pattern", metavar="[PATH|GLOB]", default="")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Copy them into this folder.")
@click.option("--force", is_flag=True, help="Replace files that are there and differ.")
@STORE
@AS_JSON
@guarded
def artifact(
    wanted: str, node: str, pattern: str, output: Path | None, force: bool, store: Path | None, as_json: bool
) -> int:
    """What a node of a run left: its files, or with -o copies of them, which may be written to.

    NODE is a title, or one node run such as train#2; the runs of a grid get a folder each.

    \b
    dagbook artifact latest train                    what is there
    dagbook artifact latest train -o models          all of it, into models/
    dagbook artifact 10c7 train#2 '*.pkl' -o models  some files of one node run
    """
    from .records.left import node_runs_meant

    opened = store_at(store)
    row = opened.find(wanted)
    runs = node_runs_meant(row.id, opened.state_of(row.id).node_runs.values(), node)
    folders = {run.id: Path(run.id.replace("#", ".")) if len(runs) > 1 else Path() for run in runs}
    files: dict[str, list[Item]] = {}
    for run in runs:
        to = output / folders[run.id] if output else None
        files[run.id] = _taken(opened, row.id, run, to, pattern, force)
    if as_json:
        print_json({"run": row.id, "node_runs": [_told(opened, run, files[run.id]) for run in runs]})
    elif output is None:
        _print_list(runs, files)
    else:
        count = sum(map(len, files.values()))
        click.echo(f"{count:,} {'file' if count == 1 else 'files'} of {row.id} in {output}")
    return 0


def _taken(opened: Store, run: str, node_run: NodeRun, to: Path | None, pattern: str, force: bool) -> list[Item]:
    """The files that are chosen, copied where they are to go somewhere."""
    from .records.left import copy_left, pieces_left

    if to is not None:
        return copy_left(opened, run, node_run, to, pattern, force)
    pieces = pieces_left(opened, run, node_run, pattern)
    return [piece.item for piece in pieces.values() if piece.item.kind != "folder"]


def _told(opened: Store, run: NodeRun, files: list[Item]) -> dict[str, Any]:
    from .dataset_view import file_json
    from .view_json import artifact_of, json_values

    told = {"id": run.id, "node": run.node, "params": json_values(run.created.params)}
    return {**told, "artifact": artifact_of(run, opened.artifacts), "files": [file_json(item) for item in files]}


def _print_list(runs: list[NodeRun], files: dict[str, list[Item]]) -> None:
    from . import view
    from .dataset_view import files_text

    for run in runs:
        if len(runs) > 1:
            click.echo(f"{run.id}  {view.label(run)}")
        click.echo(files_text(files[run.id]) or "It left no file.")
