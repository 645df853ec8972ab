"""What holds for all stand-ins: where they run, and when the real package is used."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from dagbook.runner.executors.rundir import stand_ins
from tests.stand_ins.conftest import Script, lines

OURS = {"dagbook", "dagbook_stand_in"}


@pytest.mark.parametrize("file", sorted(stand_ins().rglob("*.py")), ids=lambda file: file.stem)
def test_they_are_python_3_8_and_import_the_standard_library_only(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 8))
    named = {one.module or "" for one in ast.walk(tree) if isinstance(one, ast.ImportFrom) and not one.level}
    named |= {alias.name for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names}
    assert {name.partition(".")[0] for name in named} <= set(sys.stdlib_module_names) | OURS


@pytest.mark.parametrize("name", ["cnvrg", "cnvrgv2", "valohai"])
def test_the_real_package_wins_wherever_it_is(script: Script, tmp_path: Path, name: str) -> None:
    """A script has the helpers in front of what is installed; its submodules are the real one's, too."""
    package = tmp_path / "site" / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from . import own\nWHO = 'the real one'")
    (package / "own.py").write_text("HERE = __name__")
    code = f"import {name}, {name}.own; print({name}.WHO, {name}.own.HERE, hasattr({name}, 'Experiment'))"
    assert lines(script(code, after=tmp_path / "site")) == [f"the real one {name}.own False"]


def test_a_real_package_that_cannot_be_imported_says_why(script: Script, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "cnvrg.py").write_text("import absent_dependency")
    assert "absent_dependency" in script("import cnvrg", after=tmp_path / "site", fails=True).stderr


def test_a_folder_of_the_users_of_the_same_name_hides_nothing(script: Script, tmp_path: Path) -> None:
    (tmp_path / "valohai").mkdir()
    (tmp_path / "valohai" / "notes.txt").touch()
    assert lines(script("import valohai; print(valohai.inputs)")) == ["<class 'valohai._inputs.Input'>"]


def test_numbers_of_numpy_are_numbers(script: Script) -> None:
    numpy = pytest.importorskip("numpy")
    code = (
        "import numpy, valohai, cnvrg, json\n"
        "with valohai.logger() as logger: logger.log('a', numpy.float32(0.5))\n"
        "e = cnvrg.Experiment(); e.log_metric('b', numpy.array([1, 2])); e.log_param('c', numpy.int64(3))\n"
        "e.log_param('d', numpy.array([1, 2]))"
    )
    done = script(code, after=Path(numpy.__file__).parents[1])
    assert lines(done) == [
        "dagbook_metric_a@0: 0.5", "dagbook_metric_b@0: 1", "dagbook_metric_b@1: 2", "dagbook_tag_c: 3",
        "dagbook_tag_d: [1, 2]",
    ]  # fmt: skip
