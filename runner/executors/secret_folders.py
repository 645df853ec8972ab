"""Secrets as files: in the run directory of an attempt, which is private and goes with the attempt, however it ends."""

from __future__ import annotations

import os

from ..core.dialect import as_variable
from .contract import Job, Mount
from .rundir import RunDir

FOLDER = "secrets"  # in the run directory


def lay_out(job: Job, rundir: RunDir) -> None:
    """Write the files of the job's secrets into the run directory."""
    for number, one in enumerate(job.secrets.folders):
        place = rundir.path / FOLDER / str(number)
        place.mkdir(parents=True, mode=0o700)
        for key, value in one.files.items():
            with open(os.open(place / key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
                file.write(value)


def mounts_of(job: Job, rundir: RunDir) -> tuple[Mount, ...]:
    """Where the node sees them; DAGBOOK_MOUNT_<NAME> tells it."""
    return tuple(
        Mount(rundir.path / FOLDER / str(number), one.target, variable=f"DAGBOOK_MOUNT_{as_variable(one.name)}")
        for number, one in enumerate(job.secrets.folders)
    )
