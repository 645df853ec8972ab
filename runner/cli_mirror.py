"""The command that sends a run to MLflow after it ran, or the rest of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .cli_observers import mlflow_options, observers_asked
from .cli_options import STORE, guarded, store_at


@click.command()
@click.argument("wanted", metavar="[RUN]", default="latest")
@mlflow_options
@STORE
@guarded
def mirror(wanted: str, store: Path | None, **options: Any) -> int:
    """Send a run to MLflow that was not mirrored while it ran, or the rest of one.

    What is there already is not sent again. RUN is an id, its beginning, or latest.

    \b
    dagbook mirror latest --mlflow sqlite:///mlflow.db
    """
    from .observers.chosen import mirror_for
    from .observers.mlflow_after import send
    from .records.settling import settle_if_it_can

    opened = store_at(store)
    settle_if_it_can(opened, opened.find(wanted))
    row = opened.run(wanted)
    chosen = mirror_for(Path(row.record["folder"]), row.pipeline, observers_asked(options), row.record)
    sent, there = send(opened, row, chosen)
    click.echo(f"Run {row.id}: {sent} attempts sent to {chosen.place}, {there} were there.")
    return 0
