"""What a model that is served says about itself."""

from __future__ import annotations

import json
from typing import Any

from dagbook_stand_in import log_points, no_server, say, unknown

import dagbook


class Endpoint:
    """The endpoint whose code this is."""

    def __init__(self, endpoint: Any = None, project: Any = None) -> None:
        if endpoint or project:
            no_server("cnvrg", f"Endpoint({endpoint!r})")

    def __getattr__(self, name: str) -> Any:
        raise unknown("cnvrg", type(self), name)

    def log_param(self, tag_name: Any = None, tag_value: Any = None) -> None:
        """Give the node run a tag."""
        dagbook.log_param(str(tag_name), tag_value)

    def log_metric(self, name: Any = None, y: Any = None, x: Any = None) -> None:
        """Add a point to a metric."""
        log_points(name, y, x)

    def log_prediction(self, input: Any = None, output: Any = None, elapsed_time: float = 0) -> None:
        """Print a prediction as a line of JSON."""
        said = {"input": input, "output": output, "elapsed_time": elapsed_time}
        say(json.dumps(said, default=str))
