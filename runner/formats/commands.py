"""Commands and paths as people are told them: they work as they stand, typed in the folder where they were told."""

from __future__ import annotations

import shlex
from pathlib import Path

from ..core.lifecycle import NodeRun
from .settings import find_store


def command(store: Path, verb: str, *words: str) -> str:
    """`dagbook VERB WORDS…`, with `--store` where it would not find the store by itself."""
    found = find_store() == store.absolute().resolve()
    return shlex.join(["dagbook", verb, *words, *([] if found else ["--store", str(store)])])


def as_seen(path: Path | str) -> str:
    """A path as one types it here: from the working directory on, where it is below that."""
    try:
        return str(Path(path).absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def deciding(store: Path, run: str, node_run: NodeRun) -> str:
    """The command that lets a pending node run start; what follows the # tells of the one that does not."""
    users = node_run.detail.get("approvers") or ["USER"]
    return f"{command(store, 'approve', run, node_run.id, '--by', str(users[0]))}  # or: dagbook reject"


def going_on(store: Path, run: str) -> str:
    """The command that goes on with a run that nobody runs."""
    return command(store, "resume", run)
