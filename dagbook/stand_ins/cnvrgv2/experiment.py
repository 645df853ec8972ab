"""The experiment that a task is, without cnvrg's server: the node run."""

from __future__ import annotations

import os
import re
import warnings
from typing import Any

from dagbook_stand_in import OnServer, keep_chart, keep_files, kept_files, log_points, no_server, say, unknown

import dagbook

from .charts import Chart

_PICTURES = (".png", ".jpg", ".jpeg", ".svg")
_ON_SERVER = {
    "start", "restart", "stop", "delete", "update", "sync_remote", "logs", "get_logs", "info", "get_utilization",
    "list_charts", "get_chart", "merge_to_master", "start_tensorboard", "stop_tensorboard",
}  # fmt: skip


class Cnvrg:
    """The client: it can be made, and whatever is asked of it raises NoServerError."""

    def __init__(self, *_given: Any, **_named: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return OnServer("cnvrg", f"Cnvrg().{name}")


class Experiment:
    """The node run that this code is in; another experiment would be on a server."""

    def __init__(self, context: Any = None, slug: Any = None, attributes: Any = None) -> None:
        self.slug = os.environ.get("CNVRG_JOB_ID") or os.environ.get("DAGBOOK_NODE_RUN") or "local"
        if slug and slug != self.slug:
            no_server("cnvrg", f"Experiment(slug={slug!r})")
        self.title = os.environ.get("DAGBOOK_NODE", self.slug)
        self.status = "ongoing"

    def __getattr__(self, name: str) -> Any:
        if name in _ON_SERVER:
            no_server("cnvrg", f"Experiment.{name}()")
        raise unknown("cnvrgv2", type(self), name)

    def log_param(self, key: Any, value: Any = None) -> None:
        """Give the node run a tag."""
        dagbook.log_param(str(key), value)

    def log_metric(self, chart: Chart) -> Chart:
        """Add the lines of a LineChart to metrics (KEY, or KEY_SERIES); keep another chart as `charts/KEY.json`."""
        if chart.chart_type == "none":
            for name, values in chart.new:
                log_points(chart.key, values, chart.x_ticks, None if name is None else [name] * len(values))
            chart.new = []
        else:
            keep_chart(chart.to_dict())
        return chart

    def update_chart(self, key: Any, data: Any, series_name: Any = None) -> None:
        """Add points to the metric KEY, or KEY_SERIES."""
        log_points(key, data, None, None if series_name is None else [series_name] * len(data))

    def log_images(self, file_paths: Any) -> None:
        """Show PNG, JPEG and SVG files with the node run, and keep them in its output."""
        for file in keep_files(file_paths):
            if file.suffix.lower() in _PICTURES:
                dagbook.log_image(re.sub(r"[:\r\n]", "_", file.stem), str(file))
            else:
                warnings.warn(f"{file.name} is no PNG, JPEG or SVG file, so it is only kept", stacklevel=2)

    def log_artifacts(self, paths: Any = None, git_diff: bool = False, work_dir: Any = None) -> None:
        """Keep files, folders and patterns (below `work_dir`) in the node's output."""
        keep_files(paths or [], work=work_dir)

    def list_artifacts(self, commit_sha1: Any = None) -> list[dict[str, Any]]:
        """What is in the node's output."""
        return kept_files()

    def pull_artifacts(
        self, wait_until_success: bool = False, poll_interval: int = 10, commit_sha1: Any = None
    ) -> None:
        """Nothing: what this node run has kept is in its output."""

    def log(self, logs: Any, log_level: Any = None, timestamp: Any = None) -> None:
        """Print lines."""
        for line in logs if isinstance(logs, (list, tuple)) else [logs]:
            say(str(line))

    def finish(self, exit_status: int = 0) -> None:
        """Nothing: a node run is finished when its code is."""

    def reload(self) -> None:
        """Nothing: there is no other state than this one."""

    def as_env(self) -> dict[str, str]:
        """The variables by which a child process would know its experiment."""
        names = ("CNVRG_JOB_ID", "CNVRG_JOB_TYPE", "CNVRG_PROJECT", "CNVRG_ORGANIZATION")
        return {name: os.environ[name] for name in names if name in os.environ}
