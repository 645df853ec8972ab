"""The command on the parts of a node run: datums, and the executions of a search."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_options import AS_JSON, STORE, guarded, print_json, store_at
from .terminal_text import inert

if TYPE_CHECKING:
    from .records.store import Store


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[RUN] NODE")
@STORE
@AS_JSON
@guarded
def datums(words: tuple[str, ...], store: Path | None, as_json: bool) -> int:
    """What became of each datum of NODE, or of each execution of its search: state, tries, time, files.

    \b
    dagbook datums resize
    dagbook datums 10c7e5ad resize#2 --json
    """
    from .chosen_runs import chosen_runs
    from .records.follow import Follower

    if len(words) > 2:
        raise click.UsageError("Name a run and a node, or a node of the latest run.")
    *named, node = words
    opened = store_at(store)
    follower = Follower(opened, opened.find(named[0] if named else "latest").id)
    follower.update()
    found = {one: _listed(opened, follower.row.id, one, follower) for one in chosen_runs(follower, node)}
    if as_json:
        print_json(found)
        return 0
    for one, parts in found.items():
        click.echo(_table(one, parts))
    return 0


def _listed(store: Store, run: str, node_run: str, follower: Any) -> list[dict[str, Any]]:
    """The parts as the attempt that counts listed them; those of the run that an earlier result is from."""
    from .parts import read_listing

    watched = follower.watched[node_run].run
    origin = watched.detail.get("from") or {}
    attempt = int(origin.get("attempt", max(watched.attempt, 1)))
    return read_listing(store.attempt_folder(origin.get("run", run), origin.get("node_run", node_run), attempt))


def _table(node_run: str, parts: list[dict[str, Any]]) -> str:
    if not parts:
        return f"{node_run} has no datums."
    states: dict[str, int] = {}
    for part in parts:
        states[part["state"]] = states.get(part["state"], 0) + 1
    summary = ", ".join(f"{count} {state}" for state, count in states.items())
    rows = [("state", "tries", "seconds", "files", "bytes", "datum")]
    rows += [
        (p["state"], str(p["tries"]), f"{p['seconds']:.2f}", str(p["files"]), f"{p['bytes']:,}", _words(p))
        for p in parts
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[5]]) for row in rows
    ]
    many = f"{len(parts):,} datum{'' if len(parts) == 1 else 's'}"
    return "\n".join([f"{node_run}: {many}, {summary}", *(f"  {line}" for line in lines)])


def _words(part: dict[str, Any]) -> str:
    return inert(f"{part['part']}  {part['reason']}" if part["reason"] else str(part["part"]))
