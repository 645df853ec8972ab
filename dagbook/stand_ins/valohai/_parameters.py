"""Parameters, and what `prepare` says of them and of inputs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

import dagbook

from .paths import get_config_path

_prepared: dict[str, dict[str, Any]] = {"inputs": {}, "parameters": {}}


def prepare(
    *,
    step: str,
    default_parameters: Any = None,
    default_inputs: Any = None,
    image: str | None = None,
    environment: str | None = None,
    multifile: bool = False,
    upload_store: str | None = None,
) -> None:
    """Say what the step has, with defaults; what the command line or the run gives wins.

    Raises ValueError for a dict without "default".
    """
    _prepared["inputs"] = _defaults(default_inputs)
    _prepared["parameters"] = _defaults(default_parameters)


def _defaults(given: Any) -> dict[str, Any]:
    found = {}
    for name, value in (given or {}).items():
        if isinstance(value, dict) and "default" not in value:
            raise ValueError(f"No default value defined for {name}")
        found[name] = value["default"] if isinstance(value, dict) else value
    return found


def configured(file: str) -> dict[str, Any]:
    """What the configuration's file says; nothing where there is none."""
    try:
        with open(os.path.join(get_config_path(), file), encoding="utf-8") as text:
            found = json.load(text)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return found if isinstance(found, dict) else {}


class Parameter:
    """`valohai.parameters(NAME).value`."""

    def __init__(self, name: str, default: Any = None) -> None:
        self.name = str(name)
        self.default = default

    @property
    def value(self) -> Any:
        """From the command line, the configuration, the node's own, `prepare`, the default: the first there is."""
        known = configured("parameters.json") or _prepared["parameters"]
        value = known.get(self.name, self.default)
        if not configured("parameters.json"):
            value = dagbook.param(self.name, value)
        given = _from_command_line({**known, self.name: value} if self.name in known else known)
        return given.get(self.name, value)


def _from_command_line(known: dict[str, Any]) -> dict[str, Any]:
    """The parameters that are arguments, in the types of the values known."""
    parser = _parser()
    for name, value in known.items():
        if isinstance(value, bool):
            parser.add_argument(f"--{name}", dest=name, type=_bool, nargs="?", const=True)
        elif isinstance(value, list):
            parser.add_argument(f"--{name}", dest=name, type=lambda text: str(text).split(","))
        else:
            parser.add_argument(f"--{name}", dest=name, type=str if value is None else type(value))
    return _given(parser)


def inputs_of_command_line() -> dict[str, Any]:
    """The addresses of inputs that are arguments."""
    parser = _parser()
    for name in {*_prepared["inputs"], *configured("inputs.json")}:
        parser.add_argument(f"--{name}", dest=name, nargs="+")
    return _given(parser)


def default_input(name: str) -> Any:
    """What `prepare` said of the input: an address, several, or nothing."""
    return _prepared["inputs"].get(name)


def _parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(add_help=False, allow_abbrev=False)


def _given(parser: argparse.ArgumentParser) -> dict[str, Any]:
    if "ipykernel" in sys.modules:
        return {}  # the arguments are the kernel's
    found, _others = parser.parse_known_args()
    return {name: value for name, value in vars(found).items() if value is not None}


def _bool(text: str) -> bool:
    return text.lower() != "false"
