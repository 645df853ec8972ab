"""What all tests share: notebooks made of cells, the real command line, containers of a store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import commands
from tests.audited import assert_mendable, stores_below

# How long an example takes says something of the machine and nothing of the code.
settings.register_profile("dagbook", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dagbook")

# The tests say themselves when they are in a job of GitHub.
for _name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
    os.environ.pop(_name, None)

# Files whose tests take longest, though some have but few: begun last, they would leave all workers but one idle.
_LONG = ("test_site", "test_model_search", "test_parallel_pipelines", "test_examples", "pages/", "test_remote_files")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(key=lambda item: next((n for n, name in enumerate(_LONG) if name in item.nodeid), len(_LONG)))


DAGBOOK = str(Path(sys.executable).with_name("dagbook"))
MakeNotebook = Callable[..., Path]


def write_notebook(path: Path, *cells: str) -> Path:
    """Write a notebook of these code cells, its folder made; one that begins with `# parameters` gets that tag."""
    from nbformat import write
    from nbformat.v4 import new_code_cell, new_notebook

    made = []
    for source in ("%load_ext dagbook", *cells):
        tagged = {"tags": ["parameters"]} if source.startswith("# parameters") else {}
        made.append(new_code_cell(source, metadata=tagged))  # type: ignore[no-untyped-call]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    about = {"kernelspec": spec, "language_info": {"name": "python"}}
    notebook = new_notebook(cells=made, metadata=about)  # type: ignore[no-untyped-call]
    path.parent.mkdir(exist_ok=True)
    write(notebook, path)  # type: ignore[no-untyped-call]
    return path


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", str(folder), str(root), "-q"]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def make_notebook(tmp_path: Path) -> MakeNotebook:
    """Writes a notebook of these code cells; a cell that begins with `# parameters` gets that tag."""

    def make(*cells: str, name: str = "flow.ipynb") -> Path:
        return write_notebook(tmp_path / "project" / name, *cells)

    return make


@pytest.fixture(autouse=True)
def _audited(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test of faults leaves stores with which the auditor is content, once what can be mended is."""
    folder = request.getfixturevalue("tmp_path") if request.node.get_closest_marker("fault") else None
    yield
    for store in stores_below(folder) if folder else ():
        assert_mendable(store)


@dataclass(frozen=True)
class Said:
    """What a command said: exit code, standard output and error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON: the whole of it must be one object."""
        return json.loads(self.out)


def run_dagbook(folder: Path, *words: str | Path, env: dict[str, str] | None = None, timeout: float = 120) -> Said:
    """Run the real command line in `folder` and wait for it."""
    folder.mkdir(exist_ok=True)
    found = commands.run([DAGBOOK, *map(str, words)], folder, {**os.environ, **(env or {})}, timeout)
    return Said(found.returncode, found.stdout, found.stderr)


@pytest.fixture
def dagbook(tmp_path: Path) -> Callable[..., Said]:
    """Runs the real command line in the project's folder and waits for it."""
    return partial(run_dagbook, tmp_path / "project")


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the real command line and leaves it running; ended after the test if it still does."""
    children: list[subprocess.Popen[str]] = []

    def start(*words: str | Path) -> subprocess.Popen[str]:
        command = [DAGBOOK, *map(str, words)]
        child = subprocess.Popen(
            command,
            cwd=tmp_path / "project",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        if child.poll() is None:
            child.kill()
            child.wait()
        if child.stdout:
            child.stdout.close()


def read_until(child: subprocess.Popen[str], text: str) -> str:
    """What a child prints up to and with the first line that holds `text`; fails when it ends, or a minute, before."""
    assert child.stdout is not None
    seen = ""
    watchdog = threading.Timer(60, child.kill)
    watchdog.start()
    try:
        for line in child.stdout:
            seen += line
            if text in line:
                return seen
    finally:
        watchdog.cancel()
    raise AssertionError(f"{text!r} was not printed:\n{seen}")
