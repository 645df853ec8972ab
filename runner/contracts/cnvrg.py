"""cnvrg's contract: the project at /cnvrg, which is where the command starts, and what is new there is handed on."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ..executors.contract import Mount
from .terms import Facts, Terms, command, own_project

HOME = "/cnvrg"
_NEVER = {"__pycache__", ".ipynb_checkpoints", ".git", ".pytest_cache"}


def terms(facts: Facts) -> Terms:
    """The command with its arguments, in the project's folder, with cnvrg's variables."""
    script = f'cd "$CNVRG_WORKDIR"\n{command(facts)}'
    mounts: tuple[Mount, ...] = ()
    if facts.repository is None:  # a checkout is there already
        mounts = (Mount(own_project(facts), HOME, read_only=False, variable="CNVRG_WORKDIR"),)
    return Terms(script, _variables(facts), mounts)


def _variables(facts: Facts) -> dict[str, str]:
    found = {
        "CNVRG_JOB_ID": f"{facts.run}-{facts.node_run.id}",
        "CNVRG_JOB_TYPE": "Experiment",
        "CNVRG_PROJECT": facts.pipeline,
        "CNVRG_OWNER": "local",
        "CNVRG_ORGANIZATION": "local",
        "CNVRG_OUTPUT_DIR": _output_folder(facts) or "/output",
        "CNVRG_COMPUTE_CLUSTER": "local",
        "CNVRG_COMPUTE_TEMPLATE": ",".join(facts.node.compute or ()) or "local",
    }
    if facts.node.cpus is not None:
        found["CNVRG_CPU"] = f"{facts.node.cpus:g}"
    if facts.node.memory is not None:
        found["CNVRG_MEMORY"] = f"{facts.node.memory / 2**30:g}"
    return found


def _output_folder(facts: Facts) -> str | None:
    return facts.node.setup.output if facts.node.setup else None


def leave(facts: Facts) -> list[str]:
    """Add to the output what the task leaves in the project; returns warnings.

    Without Git that is all that is new or changed there. With a repository, or where an output folder is named, only
    that folder goes on, under its own path.
    """
    # Nothing of the node runs any more; but what it left may be links that lead anywhere, so none is followed.
    project, named = own_project(facts), _output_folder(facts)
    if facts.repository is not None or named:
        return list(_folder_alone(facts, project, (named or "/output").strip("/")))
    before = facts.code or Path(os.devnull)
    return [told for path in _new_or_changed(project, before) if (told := _moved(project, facts.output, path))]


def _folder_alone(facts: Facts, project: Path, folder: str) -> Iterator[str]:
    """Bring /output, or the folder of the project that is named, to where the next task looks for it."""
    under = facts.output / PurePosixPath(folder)
    if ".." in PurePosixPath(folder).parts or _leads_away(facts.output, folder):
        yield f"/output/{folder} leads out of the output, and nothing was put there"
        return
    if folder == "output":
        moved = [one for one in facts.output.iterdir() if one.name != "output"]
        under.mkdir(parents=True, exist_ok=True)
        for one in moved:
            os.rename(one, under / one.name)
    if (project / folder).is_dir() and not _leads_away(project, folder):
        for path in _files(project / folder):
            if told := _moved(project, facts.output, f"{folder}/{path}"):
                yield told


def _new_or_changed(project: Path, before: Path) -> Iterator[str]:
    """The files of the project that the snapshot has not, or has otherwise: another size or another time."""
    for path in _files(project):
        now = os.lstat(project / path)
        try:
            then = os.lstat(before / path)
        except OSError:
            yield path
            continue
        if (now.st_size, now.st_mtime_ns) != (then.st_size, then.st_mtime_ns):
            yield path


def _files(folder: Path) -> list[str]:
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if one not in _NEVER)
        found += [os.path.relpath(os.path.join(parent, name), folder) for name in sorted(files)]
    return found


def _moved(project: Path, output: Path, name: str) -> str:
    """Move a file; what the task wrote to /output itself stands. Returns a warning, or nothing."""
    source, target = project / name, output / name
    folder = os.path.dirname(name)
    if _leads_away(project, folder) or _leads_away(output, folder):
        return f"/cnvrg/{name} was left out: a folder on the way is a link"
    if os.path.lexists(target):
        plain = not (source.is_symlink() or target.is_symlink()) and source.is_file() and target.is_file()
        if plain and filecmp.cmp(source, target, shallow=False):
            return ""  # a copy, as the stand-in's log_artifacts makes it
        return f"/cnvrg/{name} was left out, as /output has a file of that name"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, target)
    except OSError as error:
        return f"/cnvrg/{name} was left out: {error.strerror or error}"
    return ""


def _leads_away(root: Path, folder: str) -> bool:
    """Whether one of the folders on the way is a link, through which a path would lead anywhere."""
    here = root
    for step in PurePosixPath(folder).parts:
        here = here / step
        if here.is_symlink():
            return True
    return False
