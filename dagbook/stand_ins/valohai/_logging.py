"""Metadata: one line of JSON in an execution of Valohai's, dagbook's tags and metrics in any other node."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from typing import Any

import dagbook

from .config import is_running_in_valohai

_STEPS = ("step", "epoch", "iteration")  # as in the lines of JSON


class Logger:
    """`with valohai.logger() as logger: logger.log("loss", 0.5)`."""

    def __init__(self) -> None:
        self.partial_logs: dict[str, Any] = {}

    def __enter__(self) -> Logger:
        self.partial_logs = {}
        return self

    def __exit__(self, *_raised: object) -> None:
        self.flush()

    def log(self, *args: Any, **kwargs: Any) -> None:
        """Remember names and values until `flush`. Raises ValueError for a name without a value."""
        if len(args) % 2:
            raise ValueError(f"Odd number of arguments in {args} for log()")
        self.partial_logs.update({str(name): value for name, value in zip(args[::2], args[1::2])})
        self.partial_logs.update(kwargs)

    def flush(self) -> None:
        """Log together what is remembered."""
        said, self.partial_logs = self.partial_logs, {}
        if said and is_running_in_valohai():
            # A notebook that an execution runs by papermill keeps its own stdout to itself.
            stream = sys.__stdout__ if os.environ.get("JPY_PARENT_PID") and sys.__stdout__ else sys.stdout
            stream.write(f"\n{json.dumps(said, default=_written)}\n")
            stream.flush()
        elif said:
            _log(said)


def _log(said: dict[str, Any]) -> None:
    """Numbers are points of metrics, all else is a tag: as dagbook takes lines of JSON."""
    steps = [value for name in _STEPS for value in [_number(said.get(name))] if value is not None]
    for name, value in said.items():
        name = re.sub(r"[:\r\n]", "_", name).strip()[:200]
        if not name:
            continue
        if _number(value) is None:
            dagbook.log_tag(name, value)
        else:
            dagbook.log_metric(name, value, steps[0] if steps else None)


def _number(value: Any) -> float | None:
    try:
        value = value.item() if hasattr(value, "item") else value
    except (TypeError, ValueError):  # an array
        return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else None


def _written(value: Any) -> Any:
    return value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else str(value)
