"""What a data node of a program is made of: a path, a URL, or what node runs of earlier runs have left."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from ..core.artifact_names import check_artifact_name
from ..core.errors import PipelineError, problem
from ..formats import conversions as to
from ..handles.node_run import NodeRun


def data_fields(source: Any, artifacts: Any, pin: str | None, store: Path) -> dict[str, Any]:
    """The fields of a data node. Raises PipelineError (E-USAGE, E-VALUE, E-ARTIFACT)."""
    if (source is None) == (artifacts is None):
        what = "the data has two sources" if source is not None else "nothing says where the data is"
        raise PipelineError(problem("E-USAGE", what=what, hint="Give a path or URL, or artifacts=[…]."))
    fields: dict[str, Any] = {"pin": to.pin(pin)} if pin is not None else {}
    if artifacts is not None:
        return {**fields, "artifacts": _names(artifacts, store)}
    if not isinstance(source, str | PathLike):
        raise PipelineError(problem("E-USAGE", what=f"{source!r:.80} is no path and no URL", hint="Give a text."))
    text = to.data_source(str(fspath(source)))
    return {**fields, "url" if "://" in text else "path": text}


def _names(artifacts: Any, store: Path) -> tuple[str, ...]:
    if isinstance(artifacts, str | NodeRun) or not isinstance(artifacts, Iterable):
        artifacts = [artifacts]
    found = tuple(dict.fromkeys(_name(one, store) for one in artifacts))
    if not found:
        hint = "Wait for the runs before: dagbook.wait(runs)."
        raise PipelineError(problem("E-ARTIFACT", what="there is no node run in artifacts", hint=hint))
    return found


def _name(one: Any, store: Path) -> str:
    """What is meant in this store. Raises PipelineError (E-ARTIFACT, E-USAGE)."""
    if isinstance(one, str):
        return check_artifact_name(one)
    if not isinstance(one, NodeRun):
        hint = 'Give node runs: [run["Train"] for run in runs], or texts such as "10c7e5ad/train".'
        raise PipelineError(problem("E-USAGE", what=f"{one!r:.80} is no node run", hint=hint))
    if one.store.resolve() != store.resolve():
        what = f"{one.name} is in the store {one.store}, and this pipeline's is {store}"
        raise PipelineError(problem("E-ARTIFACT", what=what, hint="Give both the same store: Pipeline(store=…)."))
    return one.name
