"""Jobs in a folder of their own, and both executors behind one interface."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
import nbformat.v4
import pytest

from dagbook.runner.core.model import Kind
from dagbook.runner.executors.contract import Executor, Job, Logged, Mount, Needs, Outcome, Output, Report, Runtime
from dagbook.runner.executors.process import ProcessExecutor
from dagbook.runner.executors.sandbox import bubblewrap

from .private import Private, private_engine

BASE = os.environ.get("DAGBOOK_TEST_IMAGE", "dagbook/base:bookworm")
NOKERNEL = "dagbook/nokernel:bookworm"
BOUND = 10.0  # seconds: "noticed", not "fast"


def engine_answers() -> bool:
    """Whether a Docker engine with the base image answers."""
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "image", "inspect", BASE], capture_output=True, check=False).returncode == 0


def containers(*labels: str, everything: bool = True) -> list[str]:
    """Ids of the containers that carry all `labels`."""
    filters = [part for label in labels for part in ("--filter", f"label={label}")]
    command = ["docker", "ps", "-q", "--no-trunc", *(["-a"] if everything else []), *filters]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def until(condition: Callable[[], Any], seconds: float = BOUND) -> Any:
    """What `condition` gives as soon as it is true; fails after `seconds`."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
    return found


def code(*cells: str, tags: dict[int, str] | None = None) -> nbformat.NotebookNode:
    """A Python notebook of these cells; `tags` gives a cell a tag."""
    made = [nbformat.v4.new_code_cell(cell) for cell in cells]  # type: ignore[no-untyped-call]
    for index, tag in (tags or {}).items():
        made[index].metadata["tags"] = [tag]
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=made, metadata=spec)  # type: ignore[no-untyped-call, no-any-return]


@dataclass
class Bench:
    """Runs notebooks and commands on one executor, and keeps what they reported."""

    executor: Executor
    folder: Path
    store: str
    reports: list[Report] = field(default_factory=list)
    runtimes: dict[str, Runtime] = field(default_factory=dict)
    count: int = 0

    def runtime(self, kind: Kind, **asked: Any) -> Runtime:
        """The runtime that the executor settles for a node."""
        key = json.dumps([kind, asked], default=str)
        if key not in self.runtimes:
            found, problems = self.executor.prepare([Needs("node", kind, **asked)], lambda line: None)
            assert not [one for one in problems if one.is_error], problems
            self.runtimes[key] = found["node"]
        return self.runtimes[key]

    def job(self, *cells: str, tags: dict[int, str] | None = None, **given: Any) -> Job:
        """A job for a notebook of `cells`, or for `script`."""
        self.count += 1
        folder = self.folder / f"attempt{self.count}"
        (folder / "output").mkdir(parents=True)
        kind = Kind.COMMAND if "script" in given else Kind.CELL
        notebook = None
        if cells:
            notebook = folder / "source.ipynb"
            nbformat.write(code(*cells, tags=tags), notebook)  # type: ignore[no-untyped-call]
        labels = {"dagbook": self.store, "dagbook.run": "run1", "dagbook.node_run": f"node{self.count}"}
        job = Job(
            id=f"{self.store}-{self.count}",
            node_run=f"node{self.count}",
            title="node",
            kind=kind,
            runtime=given.pop("runtime", None) or self.runtime(kind),
            record=folder / "notebook.ipynb",
            output=folder / "output",
            notebook=notebook,
            labels=labels,
        )
        return replace(job, **given)

    def report(self, report: Report) -> None:
        """The reporter of all jobs here."""
        self.reports.append(report)

    def run(self, job: Job, seconds: float = 60) -> Outcome:
        """Run a job to its end."""
        self.reports.clear()
        return asyncio.run(asyncio.wait_for(self.executor.run(job, self.report), seconds))

    def text(self, stream: str = "stdout") -> str:
        """All that was reported of a stream."""
        outputs = [one.message for one in self.reports if isinstance(one, Output)]
        return "".join(str(one["text"]) for one in outputs if one.get("name") == stream)

    def logged(self) -> list[tuple[str, Any, float | None]]:
        """All tags and metrics reported."""
        return [(one.name, one.value, one.step) for one in self.reports if isinstance(one, Logged)]

    def input(self, title: str = "before", **files: str) -> Mount:
        """A folder with files, as an upstream's artifact."""
        source = self.folder / f"input-{title}"
        source.mkdir(exist_ok=True)
        for name, text in files.items():
            (source / name).write_text(text)
        return Mount(source, f"/input/{title}", variable=f"INPUT_{title.upper()}")


def record(job: Job) -> nbformat.NotebookNode:
    """The executed notebook of a job, checked."""
    notebook: nbformat.NotebookNode = nbformat.read(job.record, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    return notebook


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder for the session: tests neither use nor change the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run directories go to a folder of the test's own, and none may be left in it."""
    runtime = Path(tempfile.mkdtemp(prefix="t", dir="/tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    yield
    left = [path.name for path in runtime.iterdir()]
    shutil.rmtree(runtime)
    assert left == []


@pytest.fixture
def store(request: pytest.FixtureRequest) -> str:
    """A store id of this test's own, for labels."""
    return f"test-{os.getpid()}-{abs(hash(request.node.nodeid)) % 10**8}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where jobs live."""
    return tmp_path


@pytest.fixture
def docker(folder: Path, store: str, nothing_left: None) -> Iterator[Bench]:
    """A bench with Docker; fails when something of it is left afterwards."""
    if not engine_answers():
        pytest.skip(f"no Docker engine with {BASE} (scripts/machine)")
    from dagbook.runner.executors.docker import DockerExecutor

    executor = DockerExecutor(default_image=BASE, build_network=os.environ.get("DAGBOOK_BUILD_NETWORK", "host"))
    yield Bench(executor, folder, store)
    asyncio.run(executor.close())
    assert containers(f"dagbook={store}") == []


@pytest.fixture(scope="module")
def private() -> Iterator[Private]:
    """A second engine, with a bridge network, where loopback ports can be published."""
    if not engine_answers():
        pytest.skip(f"no Docker engine with {BASE} (scripts/machine)")
    with private_engine() as made:
        yield made


@pytest.fixture
def sandbox(folder: Path, store: str, nothing_left: None) -> Bench:
    """A bench with processes in bubblewrap."""
    if not bubblewrap():
        pytest.skip("bubblewrap does not work here (scripts/machine)")
    return Bench(ProcessExecutor(sandbox=True), folder, store)


@pytest.fixture
def plain(folder: Path, store: str, nothing_left: None) -> Bench:
    """A bench with processes without a namespace."""
    return Bench(ProcessExecutor(sandbox=False), folder, store)


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.container), "sandbox", "plain"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """Each executor in turn."""
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.container), "sandbox"])
def enclosed(request: pytest.FixtureRequest) -> Bench:
    """Each executor that encloses a node."""
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


@pytest.fixture
def driver(folder: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a run process of its own that runs one notebook and prints `started`, then the outcome as JSON."""
    begun: list[subprocess.Popen[str]] = []

    def start(*arguments: str, prefix: tuple[str, ...] = (), **variables: str) -> subprocess.Popen[str]:
        command = [*prefix, sys.executable, str(Path(__file__).with_name("one_job.py")), *arguments]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **variables})
        begun.append(child)
        return child

    yield start
    for child in begun:
        child.kill()
        child.wait()
        assert child.stdout
        child.stdout.close()


@pytest.fixture
def other_user(
    docker: Bench, driver: Callable[..., subprocess.Popen[str]]
) -> Iterator[Callable[[str, str], tuple[dict[str, Any], Path]]]:
    """Runs a cell in an image as user 1234 of this machine, not root: its outcome, and its output's folder."""
    if os.getuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("needs root and setpriv, to become somebody else")
    group = os.stat("/var/run/docker.sock").st_gid
    home = Path("/var/tmp") / docker.store
    home.mkdir()
    os.chown(home, 1234, 1234)
    prefix = ("setpriv", "--reuid=1234", "--regid=1234", f"--groups={group}", "--no-new-privs")
    variables = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_RUNTIME_DIR": ""}

    def run(image: str, cell: str) -> tuple[dict[str, Any], Path]:
        child = driver("docker", image, str(home / "job"), docker.store, cell, prefix=prefix, **variables)
        assert child.stdout
        return json.loads(child.stdout.read().splitlines()[-1]), home / "job" / "output"

    yield run
    shutil.rmtree(home)
