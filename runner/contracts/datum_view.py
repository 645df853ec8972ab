"""What a node of dagbook's own sees of a datum: `--map prepare:/*` shows one match at a time at /input/prepare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..core.datums import Datum
from ..core.environment import input_variable
from ..core.names import slug_of
from ..executors.contract import Job, Mount


def mapped(job: Job, datum: Datum, places: Mapping[str, Path], folder: Path) -> Job:
    """The job with the mapped input's whole mount replaced by the match that the datum is."""
    mounts = list(job.mounts)
    for part in datum.parts:
        target = f"/input/{slug_of(part.repo)}"
        mounts = [one for one in mounts if one.target != target and not one.target.startswith(f"{target}/")]
        inside = part.path.strip("/")
        source, frame = places[part.repo] / inside, folder / "datum" / slug_of(part.repo)
        if not inside:
            mounts.append(Mount(source, target, variable=input_variable(slug_of(part.repo))))
            continue
        place = frame / inside
        place.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir(exist_ok=True) if source.is_dir() else place.touch()
        mounts.append(Mount(frame, target, variable=input_variable(slug_of(part.repo))))
        mounts.append(Mount(source, f"{target}/{inside}"))
    return replace(job, mounts=tuple(mounts))
