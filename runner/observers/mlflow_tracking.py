"""The calls to MLflow, all of them by a client of our own: whatever else uses MLflow in this process keeps its state.

Anything that MLflow raises goes through; `is_refusal` tells what would be refused again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

from ..formats.mlflow_address import ARTIFACTS
from .mlflow_address import SERVERS
from .mlflow_words import MOST_ENTRIES, MOST_POINTS, Number, portions

if TYPE_CHECKING:
    from mlflow import MlflowClient

REACH_SECONDS = 3.0  # for a server to take a connection
_REFUSED = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST", "INVALID_STATE")
_PAGE = 1000


class Unreachable(Exception):
    """No server answers there; str() says why."""


class Tracking:
    """One experiment of a tracking server. `open` comes before all else, and may be called again after it failed."""

    def __init__(self, uri: str, experiment: str, folder: Path) -> None:
        self.uri = uri
        self.experiment = experiment
        self._folder = folder  # where files go that MLflow keeps beside a database
        self._opened: MlflowClient | None = None
        self.experiment_id = ""
        self.moved = time.monotonic()

    @property
    def _client(self) -> MlflowClient:
        assert self._opened is not None
        return self._opened

    def open(self) -> None:
        """Be ready: the experiment is made where there is none. Raises Unreachable, and what MLflow raises."""
        if self._opened is not None:
            return
        _reach(self.uri)
        client = _client_of(self.uri)
        self.experiment_id = self._find_experiment(client) or self._make_experiment(client)
        self._opened = client
        self._went_through()

    def _find_experiment(self, client: MlflowClient) -> str:
        found = client.get_experiment_by_name(self.experiment)
        return str(found.experiment_id) if found else ""

    def _make_experiment(self, client: MlflowClient) -> str:
        from mlflow.exceptions import MlflowException

        place = None
        if self.uri.startswith("sqlite:"):  # else it would be below the folder that this process happens to be in
            place = (self._folder.absolute() / ARTIFACTS / quote(self.experiment, safe=" ")).as_uri()
        try:
            return str(client.create_experiment(self.experiment, artifact_location=place))
        except MlflowException:
            if found := self._find_experiment(client):
                return found  # somebody else has made it meanwhile
            raise

    def find(self, **tags: str) -> Iterator[tuple[str, str, dict[str, str], dict[str, str]]]:
        """The runs of the experiment with these tags (`_` stands for a dot): id, status, tags, parameters."""
        wanted = " and ".join(f"tags.`{name.replace('_', '.', 1)}` = '{value}'" for name, value in tags.items())
        token: str | None = None
        while True:
            found = self._client.search_runs([self.experiment_id], wanted, max_results=_PAGE, page_token=token)
            self._went_through()
            for one in found:
                yield one.info.run_id, one.info.status, one.data.tags, one.data.params
            token = found.token
            if not token:
                return

    def create(self, name: str, began: int, tags: Mapping[str, str]) -> str:
        """A new run; its id. `began` in milliseconds."""
        made = self._client.create_run(self.experiment_id, start_time=began, tags=dict(tags), run_name=name)
        self._went_through()
        return str(made.info.run_id)

    def reopen(self, id: str) -> None:
        """Let a run go on that had ended."""
        self._client.update_run(id, status="RUNNING")
        self._went_through()

    def suspend(self, id: str) -> None:
        """Let a run stand as one that somebody will go on with."""
        self._client.update_run(id, status="SCHEDULED")
        self._went_through()

    def log(
        self,
        id: str,
        parameters: Mapping[str, str] | None = None,
        numbers: Sequence[Number] = (),
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Add to a run, in portions that MLflow takes; the same once more changes nothing."""
        from mlflow.entities import Metric, Param, RunTag

        params = [Param(name, value) for name, value in (parameters or {}).items()]
        points = [Metric(one.key, one.value, one.at, one.step) for one in numbers]
        marks = [RunTag(name, value) for name, value in (tags or {}).items()]
        batches: list[dict[str, Any]] = [{"params": part} for part in portions(params, MOST_ENTRIES)]
        batches += [{"metrics": part} for part in portions(points, MOST_POINTS)]
        batches += [{"tags": part} for part in portions(marks, MOST_ENTRIES)]
        for batch in batches:
            self._client.log_batch(id, **batch)
            self._went_through()

    def put(self, id: str, file: Path, folder: str) -> None:
        """Add a file to a run's artifacts, in this folder of them."""
        self._client.log_artifact(id, str(file), folder or None)
        self._went_through()

    def put_text(self, id: str, text: str, name: str) -> None:
        """Add a text to a run's artifacts, as a file of this name."""
        self._client.log_text(id, text, name)
        self._went_through()

    def end(self, id: str, status: str, ended: int) -> None:
        """End a run; `ended` in milliseconds."""
        self._client.set_terminated(id, status, end_time=ended)
        self._went_through()

    def _went_through(self) -> None:
        self.moved = time.monotonic()


def is_refusal(error: Exception) -> bool:
    """Whether MLflow would refuse the same again: what was asked is wrong, not the moment."""
    return getattr(error, "error_code", None) in _REFUSED


def _client_of(uri: str) -> MlflowClient:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing is told to those who made it
    from mlflow import MlflowClient

    for name in ("mlflow.store.db.utils", "alembic"):  # who runs a pipeline is not told how a database is made
        logging.getLogger(name).setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=uri)


def _reach(uri: str) -> None:
    """Find out quickly that a server is not there: MLflow itself would try for minutes."""
    parts = urlsplit(uri)
    if parts.scheme not in SERVERS or not parts.hostname:
        return
    if parts.scheme in getproxies() and not proxy_bypass(parts.hostname):
        return  # only the proxy can tell
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with contextlib.closing(socket.create_connection((parts.hostname, port), REACH_SECONDS)):
            return
    except (OSError, ValueError) as error:
        raise Unreachable(f"{parts.hostname} does not answer ({error})") from None
