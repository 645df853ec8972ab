"""The commands of the long tests."""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import click

from dagbook.runner.audit import audit
from dagbook.runner.executors.rundir import remove_stale
from dagbook.runner.records.store import Store
from tests.soak import flows, held
from tests.soak.chain import Chain
from tests.soak.crowd import crowd
from tests.soak.session import session_until


@click.group()
def soak() -> None:
    """What holds for long, and for many at once. Everything is in a folder of its own, which is kept."""


def project_with(flavour: str) -> Path:
    """A folder with the notebooks, and a folder of its own for sockets."""
    folder = Path(tempfile.mkdtemp(prefix=f"dagbook-{flavour}-", dir="/var/tmp"))
    runtime = Path(tempfile.mkdtemp(prefix="soak", dir="/tmp"))  # a short path, as sockets need
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    flows.write(folder / "project")
    return folder / "project"


def conclude(project: Path) -> None:
    """What the auditor finds in the end, and which processes are left; exits with 1 when there is anything."""
    remove_stale()  # as the next run would do
    left = held.processes(Path(os.environ["XDG_RUNTIME_DIR"]))
    with closing(Store(project / ".dagbook", create=False)) as store:
        runs, found = len(store.latest(most=-1)), list(audit(store))
    click.echo(f"{runs} runs in the store; the auditor finds {len(found)}")
    click.echo(f"{len(left)} processes are left")
    for one in (*found, *left):
        click.echo(f"  {one}")
    sys.exit(bool(found or left))


@soak.command()
@click.option("--processes", default=8, show_default=True)
@click.option("--runs", default=200, show_default=True, help="Of each process.")
def many(processes: int, runs: int) -> None:
    """Many processes run pipelines on one store at a time."""
    project = project_with("many")
    found = crowd(project, processes, runs)
    click.echo(str(found))
    for said in found.failed[:5]:
        click.echo(said)
    if found.failed:
        sys.exit(1)
    conclude(project)


@soak.command()
@click.option("--minutes", default=30.0, show_default=True)
@click.option("--seed", default=0, help="Of the random moments; told when it is not given.")
def long(minutes: float, seed: int) -> None:
    """Mixed runs with random kills, for long: what is held stays as it is."""
    seed = seed or random.randrange(2**32)
    click.echo(f"--seed {seed}")
    project = project_with("long")
    end = time.monotonic() + minutes * 60
    chains = [Chain(project, kind, random.Random(seed + n)) for n, kind in enumerate(("process", "process", "docker"))]
    with ThreadPoolExecutor(len(chains)) as pool:
        lives = [pool.submit(chain.live_until, end) for chain in chains]
        samples = session_until(project, lambda: all(life.done() for life in lives))
        for life in lives:
            life.result()
    click.echo(f"{sum(one.runs for one in chains)} runs, killed {sum(one.kills for one in chains)} times")
    click.echo("\n".join(held.table(samples)))
    conclude(project)


if __name__ == "__main__":
    soak()
