"""The house: packages, links, one name in the wheel, imports that go one way and cost little."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("runner", "kernel_magics", "extension")
HEAVY = ("docker", "papermill", "nbformat", "networkx")


def pyproject() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_packages_listed_are_the_folders_with_python_files() -> None:
    """setuptools cannot discover renamed folders; an editable install would hide one that is missing."""
    listed = set(pyproject()["tool"]["setuptools"]["packages"])  # type: ignore[index]
    found = {"dagbook"}
    for top in FOLDERS:
        for file in (ROOT / top).rglob("*.py"):
            if file.parent.name == "templates":  # what `dagbook init` writes: none of it is imported
                continue
            found.add(".".join(("dagbook", *file.parent.relative_to(ROOT).parts)))
    for file in (ROOT / "dagbook" / "stand_ins").rglob("*.py"):
        found.add(".".join(file.parent.relative_to(ROOT).parts))
    assert listed == found


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_link_leads_to_its_folder(folder: str) -> None:
    link = ROOT / "dagbook" / folder
    assert link.is_symlink()
    assert link.resolve() == ROOT / folder


def test_a_runner_of_the_users_own_is_not_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "runner.py").write_text("raise SystemExit('the wrong runner')", encoding="utf-8")
    code = "import dagbook.runner, dagbook.runner.engine; print(dagbook.runner.__name__)"
    found = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.stdout.strip() == "dagbook.runner", found.stderr


def test_the_wheel_holds_one_top_level_name_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"dagbook"}
    for wanted in ("dagbook/node.py", "dagbook/py.typed", "dagbook/runner/engine.py", "dagbook/kernel_magics/hooks.py"):
        assert wanted in names
    assert {"dagbook/stand_ins/dagbook_stand_in.py", "dagbook/stand_ins/cnvrg/charts.py"} <= set(names)
    assert not [name for name in names if "test" in name and "/templates/" not in name]
    for wanted in (
        "templates/workflow.yml",
        "templates/pipeline.ipynb",
        "templates/pipeline.py",
        "tutorials/intro.ipynb",
    ):
        assert f"dagbook/runner/{wanted}" in names


def test_an_installed_wheel_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """From the checkout's root Python would import the checkout itself."""
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "-q", "--target", str(site), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    code = "import dagbook, sys; from dagbook.runner.cli import main; print(dagbook.__file__); main(['--version'])"
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": "/usr/bin:/bin"},
    )
    assert str(tmp_path / "site") in found.stdout, found.stderr


def test_imports_go_one_way() -> None:
    found = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        (
            "import dagbook",
            ("pydantic", "IPython", "docker", "papermill", "nbformat", "networkx", "click"),
        ),
        (
            "import dagbook.runner.cli",
            ("pydantic", "docker", "papermill", "nbformat", "networkx", "rich"),
        ),
        ("import dagbook.kernel_magics.hooks, dagbook.kernel_magics.magics", ("docker", "papermill")),
    ],
)
def test_heavy_libraries_are_imported_where_they_are_used(statement: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys; {statement}; print(*sorted(set({heavy!r}) & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.split() == []


def test_public_names_are_there_and_sorted() -> None:
    import dagbook

    assert list(dagbook.__all__) == sorted(dagbook.__all__)
    for name in dagbook.__all__:
        assert getattr(dagbook, name) is not None
    assert dagbook.__version__ == pyproject()["project"]["version"]  # type: ignore[index]


UNPICKLING = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "jsonpickle"}


@pytest.mark.parametrize("folder", ["runner", "kernel_magics", "extension", "dagbook"])
def test_T22_nothing_of_ours_makes_objects_of_bytes_that_somebody_else_wrote(folder: str) -> None:
    """Models are unpickled in nodes, by the user's own code."""
    found = []
    for file in (ROOT / folder).rglob("*.py"):
        for one in ast.walk(ast.parse(file.read_text())):
            names = [name.name for name in one.names] if isinstance(one, ast.Import) else []
            names += [str(one.module)] if isinstance(one, ast.ImportFrom) else []
            found += [f"{file}: {name}" for name in names if name.partition(".")[0] in UNPICKLING]
    assert found == []
