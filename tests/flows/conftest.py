"""Pipelines of a test's own, and some that the tests of a file share because they are run once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flows.flow import Flow

MakeFlow = Callable[..., Flow]


@pytest.fixture
def flow(tmp_path: Path) -> MakeFlow:
    """Makes a pipeline of these cells in the test's folder."""
    return lambda *cells: Flow(tmp_path, *cells)


@pytest.fixture(scope="module")
def shared_flow(tmp_path_factory: pytest.TempPathFactory) -> MakeFlow:
    """The same for fixtures whose run many tests look at; each gets a folder of its own."""
    numbers = itertools.count(1)
    return lambda *cells: Flow(tmp_path_factory.mktemp(f"flow{next(numbers)}"), *cells)


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.container)])
def executor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A test that uses it runs its nodes as processes, and in containers."""
    name: str = request.param
    monkeypatch.setenv("DAGBOOK_EXECUTOR", name)
    return name


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder
