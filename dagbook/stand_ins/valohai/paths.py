"""The folders of an execution: Valohai's where it says so, else those of the node."""

from __future__ import annotations

import os

import dagbook

from .config import is_running_in_valohai


def _folder(name: str) -> str | None:
    found = os.environ.get(f"VH_{name.upper()}_DIR")
    return found or (f"/valohai/{name}" if is_running_in_valohai() else None)


def get_config_path() -> str:
    """The folder of the files that tell about the execution."""
    return _folder("config") or os.path.join(".valohai", "config")


def get_inputs_path(input_name: str | None = None) -> str:
    """The folder of an input, or that of all of them.

    In dagbook's own nodes an input is what a node before left, an input slot, or a dataset of that name.
    """
    folder = _folder("inputs")
    if input_name and not (folder and os.path.isdir(os.path.join(folder, input_name))):
        for look in (dagbook.input, dagbook.data):
            try:
                return str(look(input_name))
            except LookupError:
                continue
    place = folder or "/input"
    return os.path.join(place, input_name) if input_name else place


def get_outputs_path() -> str:
    """The folder of what the execution leaves."""
    return _folder("outputs") or str(dagbook.output())


def get_repository_path() -> str:
    """The folder of the project's code."""
    return _folder("repository") or os.getcwd()
