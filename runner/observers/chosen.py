"""Which observers a run has, by the settings in force; what is wrong with them is found before it begins."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import PipelineError, Problem, problem
from ..core.model import Pipeline
from ..formats.mlflow_address import without_password
from ..formats.settings import Settings, read_settings
from .contract import Observer
from .looking_on import LookingOn

if TYPE_CHECKING:
    from .mlflow_mirror import Mirror

FLAGS = ("mlflow", "mlflow_experiment", "notify", "notify_on")  # settings that the options of a command may give


def observers_for(
    folder: Path, pipeline: Pipeline, flags: Mapping[str, Any] | None = None, record: Mapping[str, Any] | None = None
) -> LookingOn:
    """The observers of a run of `pipeline`, whose notebook is in `folder`; `record` is that of a run to go on with.

    A run that was mirrored goes on where it was, unless the settings say otherwise.
    Raises PipelineError (E-SETTING, E-MLFLOW, E-NOTIFY).
    """
    settings = read_settings(folder, {name: value for name, value in (flags or {}).items() if name in FLAGS})
    found: list[Observer] = []
    if mirror := _mirror(settings, folder, pipeline.name, record or {}):
        found.append(mirror)
    if settings.notify or settings.people:
        found += _notifiers(settings, folder, record or {})
    return LookingOn(found, () if settings.notify else tuple(_unheard(pipeline)))


def _unheard(pipeline: Pipeline) -> Iterator[Problem]:
    """Nodes of which people want to hear, where nothing says how they are reached."""
    asking = [node.title for node in pipeline.nodes if node.notify]
    if asking:
        what = f"people are to be told how {', '.join(asking[:3])} ends, and nothing says where"
        yield problem("W-NOTIFY", what=what, hint="Name a URL: DAGBOOK_NOTIFY, notify in dagbook.toml, or --notify.")


def mirror_for(folder: Path, pipeline: str, flags: Mapping[str, Any], record: Mapping[str, Any]) -> Mirror:
    """The mirror of a run that ended. Raises PipelineError (E-SETTING, E-MLFLOW), also where none is named."""
    settings = read_settings(folder, {name: value for name, value in flags.items() if name in FLAGS})
    found = _mirror(settings, folder, pipeline, record)
    if found is None:
        what, hint = "nothing says to which MLflow", "Name it: --mlflow sqlite:///mlflow.db"
        raise PipelineError(problem("E-MLFLOW", what=what, hint=hint))
    return found


def _mirror(settings: Settings, folder: Path, pipeline: str, record: Mapping[str, Any]) -> Mirror | None:
    before = (record.get("observers") or {}).get("mlflow") or {}
    if not (settings.mlflow or before):
        return None
    from .mlflow_address import checked

    uri = checked(settings.mlflow or _uri_of(before), folder, os.environ)
    if uri is None:
        return None
    from .mlflow_mirror import Mirror
    from .mlflow_tracking import Tracking

    goes_on = before.get("uri") == without_password(uri)
    experiment = settings.mlflow_experiment or (before["experiment"] if goes_on else pipeline)
    return Mirror(Tracking(uri, str(experiment), folder), settings.mlflow_files)


def _uri_of(before: Mapping[str, Any]) -> str:
    uri = str(before["uri"])
    if "••••@" in uri:
        what = f"the run was mirrored to {uri}, whose password was not kept"
        raise PipelineError(problem("E-MLFLOW", what=what, hint="Give --mlflow URI again, or --mlflow none."))
    return uri


def _notifiers(settings: Settings, folder: Path, record: Mapping[str, Any]) -> list[Observer]:
    from .channels import channels_of
    from .notifier import Notifier

    return [Notifier(channels_of(settings, folder), frozenset(settings.notify_on), record)]
