"""The experiment that a task is, without cnvrg's server: the node run."""

from __future__ import annotations

import os
import re
import shutil
import warnings
from pathlib import Path
from typing import Any

from dagbook_stand_in import keep_chart, keep_files, kept_files, log_points, no_server, say, unknown

import dagbook

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._]*")
_PICTURES = (".png", ".jpg", ".jpeg", ".svg")


def _slug() -> str:
    return os.environ.get("CNVRG_JOB_ID") or os.environ.get("DAGBOOK_NODE_RUN") or "local"


class Experiment:
    """The node run that this code is in; another experiment would be on a server."""

    def __init__(self, experiment: Any = None, owner: Any = None) -> None:
        self.job_slug = _slug()
        if experiment and str(experiment).rpartition("/")[2] != self.job_slug:
            no_server("cnvrg", f"Experiment({experiment!r})")
        self.title = os.environ.get("DAGBOOK_NODE", self.job_slug)

    @staticmethod
    def init(project: Any = None, title: Any = None, **_given: Any) -> Experiment:
        """The experiment of this node run: here it has begun already."""
        found = Experiment()
        found.title = str(title) if title else found.title
        return found

    @staticmethod
    def run(*_given: Any, **_named: Any) -> Any:
        """Raise NoServerError: a node starts no other."""
        no_server("cnvrg", "Experiment.run()")

    @staticmethod
    def list(*_given: Any, **_named: Any) -> Any:
        """Raise NoServerError: only a server knows of other experiments."""
        no_server("cnvrg", "Experiment.list()")

    def __getattr__(self, name: str) -> Any:
        if name in _ON_SERVER:
            no_server("cnvrg", f"Experiment.{name}()")
        raise unknown("cnvrg", type(self), name)

    def __getitem__(self, name: str) -> Any:
        known = {"title": self.title, "slug": self.job_slug, "status": "Ongoing", "is_running": True}
        return known.get(name)

    def log_param(self, key: str, value: Any = None, run_async: bool = True) -> None:
        """Give the node run a tag. As in cnvrg, empty values (0 and False too) and odd keys are told and left out."""
        if _is_empty(value):
            warnings.warn(f"log_param({key!r}, {value!r}): cnvrg takes no empty value, so there is no tag; "
                          f"dagbook.log_param takes it", stacklevel=2)  # fmt: skip
        elif not _KEY.fullmatch(str(key)):
            warnings.warn(f"log_param({key!r}): a key is made of letters, digits, '.' and '_'; no tag", stacklevel=2)
        else:
            dagbook.log_param(str(key), value)

    def log_metric(
        self,
        key: str,
        Ys: Any,
        Xs: Any = None,
        grouping: Any = None,
        x_axis: Any = None,
        y_axis: Any = None,
        run_async: bool = True,
    ) -> None:
        """Add one point or several to a metric; each group is a metric KEY_GROUP."""
        log_points(key, Ys, Xs, grouping)

    def log_chart(
        self,
        key: str,
        data: Any,
        group: Any = None,
        step: Any = None,
        title: Any = None,
        x_axis: Any = None,
        y_axis: Any = None,
        y_ticks: Any = None,
        x_ticks: Any = None,
    ) -> None:
        """Keep a chart as a file `charts/KEY.json` of the node's output."""
        series = data if isinstance(data, (list, tuple)) else [data]
        first = series[0] if series else None
        ticks = {
            "x_ticks": getattr(first, "x_ticks", None) if x_ticks is None else x_ticks,
            "y_ticks": getattr(first, "y_ticks", None) if y_ticks is None else y_ticks,
        }
        about = {"key": key, "group": group, "step": step, "title": title, "x_axis": x_axis, "y_axis": y_axis}
        kind = first.chart_type() if first is not None and hasattr(first, "chart_type") else None
        told = [one.as_series() if hasattr(one, "as_series") else one for one in series]
        keep_chart({**about, **ticks, "chart_type": kind, "series": told})

    def log_images(self, files: Any, target: Any = None) -> None:
        """Show PNG, JPEG and SVG files with the node run, and keep them in its output, below `target`."""
        for file in keep_files(files, target):
            if file.suffix.lower() in _PICTURES:
                dagbook.log_image(re.sub(r"[:\r\n]", "_", file.stem), str(file))
            else:
                warnings.warn(f"{file.name} is no PNG, JPEG or SVG file, so it is only kept", stacklevel=2)

    def log_artifacts(self, files: Any, target: Any = None) -> None:
        """Keep files, folders and patterns in the node's output, below `target`."""
        keep_files(files, target)

    def artifacts(self, commit: Any = None) -> Any:
        """What is in the node's output, a list with a dict for each file."""
        return kept_files()

    def pull_artifacts(
        self, path: Any = ".", commit: Any = None, wait_until_success: bool = False, fetch_info: int = 60
    ) -> Any:
        """Copy what is in the node's output to `path`; gives what `artifacts` gives, with the new paths."""
        found = kept_files()
        for one in found:
            place = Path(path, one["fullpath"])
            if not (place.exists() and place.samefile(one["path"])):
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(one["path"], place)
            one["path"] = str(place.resolve())
        return found

    def log(self, logs: Any, log_type: Any = None) -> None:
        """Print lines."""
        for line in logs if isinstance(logs, (list, tuple)) else [logs]:
            say(str(line))

    def alert(self, message: Any, subject: Any = "alert", recipients: Any = None) -> None:
        """Print the message; nobody is written to."""
        say(f"{subject}: {message}")

    def set_title(self, new_title: Any) -> None:
        """Call this object otherwise; the node keeps its title."""
        self.title = str(new_title)

    def finish(self, exit_status: int = 0) -> None:
        """Nothing: a node run is finished when its code is."""

    def sync(self, *_given: Any, **_named: Any) -> None:
        """Nothing: what is in the output is kept when the code ends."""

    def job_id(self) -> str:
        """The id of the node run."""
        return self.job_slug

    def as_env(self) -> Any:
        """The variables by which a child process would know its experiment."""
        names = ("CNVRG_JOB_ID", "CNVRG_JOB_TYPE", "CNVRG_PROJECT", "CNVRG_ORGANIZATION")
        return {name: os.environ[name] for name in names if name in os.environ}


_ON_SERVER = {"restart", "commits", "logs", "show_chart", "href", "open", "get_utilization", "notify_running"}


def _is_empty(value: Any) -> bool:
    try:
        return not value
    except ValueError:  # an array of several numbers
        return False
