"""Receivers, and databases of MLflow that need not be made anew for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.observers.receivers import Hook, MailServer


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A web hook on loopback."""
    found = Hook()
    yield found
    found.close()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    """A mail server on loopback."""
    found = MailServer()
    yield found
    found.close()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], str]:
    """Puts an empty database of MLflow's into a folder and gives its URI: making one takes seconds, copying it none."""
    from mlflow import MlflowClient

    made = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{made}").search_experiments()

    def put(folder: Path) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, folder / "mlflow.db")
        return f"sqlite:///{folder / 'mlflow.db'}"

    return put
