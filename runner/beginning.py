"""What a run keeps of its beginning: the record of what was asked and settled, and the file that it was read from."""

from __future__ import annotations

from pathlib import Path
from subprocess import SubprocessError
from typing import Any

from .asked import Asked
from .core.values import to_json
from .executors.contract import Runtime
from .plan import Plan
from .records.durable import bring_to_disk
from .records.failpoints import failpoint
from .records.git_asked import git_about
from .records.processes import user_name
from .records.repositories import Repository
from .records.run_rows import SNAPSHOT as SNAPSHOT


def record_of(plan: Plan) -> dict[str, Any]:
    """What a run keeps of its beginning: pipeline, parameters, settings in force and where each comes from, images,
    compute templates, repositories, code, who started it and how."""
    from importlib.metadata import version

    asked = plan.asked
    begun = ("pipeline", "file", "text", "folder", "computes", "origins", "codes", "started_by")
    return {
        "pipeline": plan.pipeline.model_dump(mode="json"),
        "file": str(asked.file) if asked.file else None,
        "folder": str(asked.folder),
        "git": git_of(asked.folder),
        "parameters": {name: to_json(value) for name, value in plan.pipeline.parameters.items()},
        "settings": asked.model_dump(mode="json", exclude=set(begun)),
        "origins": dict(asked.origins),
        "computes": {title: _compute(name, asked) for title, name in plan.computes.items()},
        "reused": sorted(plan.reused),
        "executors": {title: executor.name for title, executor in plan.executors.items()},
        "images": {title: _image(runtime) for title, runtime in plan.runtimes.items()},
        "repositories": {title: _repository(found) for title, found in plan.repositories.items()},
        "code": plan.code.digest if plan.code else None,
        "codes": {path: found.code.digest for path, found in plan.all() if path and found.code},
        "warnings": [found.as_json() for found in plan.warnings],
        "user": user_name(),
        "started_by": asked.started_by,
        "dagbook": version("dagbook"),
    }


def _compute(name: str, asked: Asked) -> dict[str, Any]:
    return {"name": name, **asked.computes[name].model_dump(mode="json", exclude_none=True)}


def _image(runtime: Runtime) -> dict[str, str]:
    return {"reference": runtime.reference, "digest": runtime.digest, "repo_digest": runtime.repo_digest}


def _repository(found: Repository) -> dict[str, str]:
    return {"url": found.url, "ref": found.ref, "commit": found.commit}


def snapshot_of(asked: Asked) -> bytes | None:
    """What the pipeline was read from: as it was then, else as it is now; None when there is none to be read."""
    if asked.text is not None:
        return asked.text.encode()
    try:
        return asked.file.read_bytes() if asked.file else None
    except OSError:
        return None


def keep_snapshot(folder: Path, content: bytes) -> None:
    """Keep the pipeline's file with its run, so that the run can be told apart from what it becomes later.

    It is on the disk then. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{SNAPSHOT}.part"
    with draft.open("wb") as file:
        failpoint("run.snapshot")
        file.write(content)
    bring_to_disk([draft])
    draft.replace(folder / SNAPSHOT)
    bring_to_disk([folder, folder.parent])


def git_of(folder: Path) -> dict[str, Any] | None:
    """The commit of the folder's repository and whether files differ from it; None outside a repository."""
    try:
        with git_about(folder) as git:
            if git.top is None:
                return None
            # Within a submodule, whose configuration is its own, nothing is asked; what was renamed did change.
            changed = ("status", "--porcelain", "--ignore-submodules=dirty", "--no-renames", "--", ".")
            commit, changes = git.ask_at_once(("rev-parse", "HEAD"), changed)
    except (OSError, SubprocessError):
        return None
    return {"commit": commit.decode().strip(), "dirty": bool(changes.strip())}
