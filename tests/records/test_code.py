"""Project snapshots: what of a folder is kept, and that stores are left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dagbook.runner.records.code import Snapshot, snapshot
from dagbook.runner.records.store import Store

# Fails when nobody has the database open: SQLite's sign of that is a lock on this byte.
IN_USE = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 128)"


@pytest.fixture(params=["a plain folder", "a repository"])
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A project of one file."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "helper.py").write_text("x = 1")
    if request.param == "a repository":
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


def opened(folder: Path) -> Store:
    """A store that git does not ignore, as one that was made before git or committed by mistake."""
    store = Store(folder)
    (folder / ".gitignore").unlink()
    return store


def kept(found: Snapshot) -> list[str]:
    """The files of a snapshot."""
    return sorted(path.relative_to(found.path).as_posix() for path in found.path.rglob("*") if path.is_file())


def is_in_use(store: Store) -> bool:
    """Whether another process sees that the store's database is open here."""
    command = [sys.executable, "-c", IN_USE, f"{store.database}-shm"]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode != 0


@pytest.mark.parametrize("place", ["results", "data/of/runs"])
def test_a_store_of_any_name_is_no_part_of_the_project_that_it_lies_in(project: Path, place: str) -> None:
    store = opened(project / place)
    (project / "data").mkdir(exist_ok=True)
    (project / "data" / "rows.csv").write_text("1")
    first = snapshot(project, store.code)
    assert kept(first) == ["data/rows.csv", "helper.py"]
    assert snapshot(project, store.code).digest == first.digest
    store.close()


def test_files_and_folders_that_are_named_are_no_part_of_it(project: Path, tmp_path: Path) -> None:
    for path in ("mlflow.db", "mlruns/flow/1/model.bin", "mlruns2/rows.csv"):
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text("1")
    leave_out = frozenset({project / "mlflow.db", project / "mlruns", tmp_path / "elsewhere"})
    assert kept(snapshot(project, tmp_path / "store" / "code", leave_out)) == ["helper.py", "mlruns2/rows.csv"]


def test_what_gitignore_lists_is_no_part_of_it_in_a_repository_or_not(project: Path, tmp_path: Path) -> None:
    (project / "deep").mkdir()
    for name in ("notes.txt", "deep/a.log", "deep/b.csv", "kept.log", "ä ö.tmp"):
        (project / name).write_text("1")
    (project / ".gitignore").write_text("notes.txt\n*.log\n!kept.log\n*.tmp\n")
    (project / "deep" / ".gitignore").write_text("b.csv\n")
    found = snapshot(project, tmp_path / "store" / "code")
    assert kept(found) == [".gitignore", "deep/.gitignore", "helper.py", "kept.log"]


def test_the_store_of_somebody_else_is_no_part_of_the_project_either(project: Path, tmp_path: Path) -> None:
    opened(project / "earlier").close()
    assert kept(snapshot(project, tmp_path / "store" / "code")) == ["helper.py"]


def test_a_project_that_is_the_store_itself_keeps_only_its_own_files(project: Path) -> None:
    store = opened(project)
    (store.folder / "runs" / "1").mkdir(parents=True)
    (store.folder / "runs" / "1" / "pipeline.ipynb").write_text("{}")
    first = snapshot(project, store.code)
    assert kept(first) == ["helper.py"]
    assert snapshot(project, store.code).digest == first.digest
    store.close()


def test_a_database_in_use_stays_in_use_for_others_when_its_folder_is_kept(project: Path) -> None:
    """Another process once took it for unused and cut its shared memory, and the run process died of a bus error."""
    store = opened(project / "results")
    with store.reading() as rows:
        rows.execute("select 1 from runs").fetchall()
        assert is_in_use(store)
        snapshot(project, store.code)
        assert is_in_use(store)
    store.close()


NOTEBOOK = '{{"cells": [{{"cell_type": "code", "source": {source}}}], "nbformat": 4, "nbformat_minor": 5}}'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("out.ipynb", NOTEBOOK.format(source='["import os\\n", "%load_ext dagbook"]')),
        ("out.ipynb", NOTEBOOK.format(source='"import os\\n%reload_ext dagbook"')),
        ("out.ipynb", NOTEBOOK.format(source='["%%pipeline_node a\\n", "1"]')),
        ("flow.py", "# %%\n# %load_ext dagbook\n"),
        ("flow.py", "# %%\n# %%pipeline_node a\nprint(1)\n"),
    ],
)
def test_notebooks_of_pipelines_and_their_copies_are_no_part_of_the_project(
    project: Path, tmp_path: Path, name: str, text: str
) -> None:
    """papermill writes its notebook beside the one that it runs, anew with each run."""
    (project / name).write_text(text)
    assert kept(snapshot(project, tmp_path / "store" / "code")) == ["helper.py"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("score.ipynb", NOTEBOOK.format(source='["# see %load_ext dagbook\\n", "1"]')),
        ("helper2.py", 'TEXT = "%load_ext dagbook"\n'),
        ("notes.md", "%load_ext dagbook\n"),
    ],
)
def test_what_only_speaks_of_dagbook_is_part_of_the_project(
    project: Path, tmp_path: Path, name: str, text: str
) -> None:
    (project / name).write_text(text)
    assert kept(snapshot(project, tmp_path / "store" / "code")) == sorted(["helper.py", name])
