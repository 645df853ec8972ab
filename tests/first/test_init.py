"""`dagbook init`: what it makes works as it stands, and nothing that was there is lost."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dagbook.runner.core.errors import PipelineError
from dagbook.runner.formats.notebook import read_notebook
from dagbook.runner.formats.pipeline_file import read_definition, without_places
from dagbook.runner.formats.settings import read_settings
from dagbook.runner.scaffold import FORMATS, project
from tests.conftest import Said, run_dagbook
from tests.examples.running import environment, read

TEMPLATES = Path(__file__).parents[2] / "runner" / "templates"
FILES = {"notebook": "pipeline.ipynb", "yaml": "pipeline.yaml", "py": "pipeline.py"}


def files_below(folder: Path) -> dict[str, bytes]:
    """All files of a folder with their bytes, git's own aside."""
    found = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts[:1])
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.fixture(scope="module", params=FORMATS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Said]:
    """A project made below the root of a repository that has files already, in a folder with an awkward name."""
    repository = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", "-b", "master", repository], check=True)
    folder = repository / "my prøject's"
    folder.mkdir()
    (folder / "README.md").write_text("mine")
    (folder / ".gitignore").write_bytes(b"*.log\r\n.dagbook\r\nlast")
    return str(request.param), folder, run_dagbook(folder, "init", "--format", str(request.param))


def test_the_pipeline_runs_and_its_own_tests_pass(made: tuple[str, Path, Said]) -> None:
    form, folder, said = made
    assert said.code == 0, said.err
    env = environment(folder.parent, "process") | {"DAGBOOK_STORE": ""}
    done = run_dagbook(folder, "run", FILES[form], "--json", env=env)
    assert done.code == 0, done.err
    assert done.json["pipeline"] == "my prøject's"
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (tested.returncode, "2 passed" in tested.stdout) == (0, True), tested.stdout


def test_what_is_made_is_told_as_a_tree_with_the_next_commands(made: tuple[str, Path, Said]) -> None:
    form, folder, said = made
    for name in files_below(folder.parent):
        if not name.endswith(("README.md", ".pyc")) and ".dagbook" not in name:
            assert Path(name).name in said.out
    assert f"dagbook run {FILES[form]}" in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def test_gitignore_is_added_to_and_keeps_its_own_lines(made: tuple[str, Path, Said]) -> None:
    _, folder, _ = made
    text = (folder / ".gitignore").read_bytes()
    assert text.startswith(b"*.log\r\n.dagbook\r\nlast\n")
    assert text.count(b".dagbook") == 1
    assert b"\n__pycache__/\n" in text


def test_the_workflow_is_at_the_root_of_the_repository_and_names_what_is_below(made: tuple[str, Path, Said]) -> None:
    """GitHub looks nowhere else; and with the branch that is worked on, or it would never begin."""
    from yaml import safe_load

    form, folder, _ = made
    workflow = safe_load((folder.parent / ".github/workflows/dagbook-my-pr-ject-s.yml").read_text(encoding="utf-8"))
    assert workflow["name"] == "dagbook my prøject's"
    assert workflow[True]["push"]["branches"] == ["master"]
    job = workflow["jobs"]["pipeline"]
    assert job["env"]["PIPELINE"] == f"my prøject's/{FILES[form]}"
    cached = [step["with"] for step in job["steps"] if "cache" in step.get("uses", "")]
    assert {one["path"] for one in cached} == {"my prøject's/.dagbook"}
    assert all(one["key"].startswith("dagbook-my-pr-ject-s-") for one in cached)


def test_a_second_time_it_names_what_is_there_and_touches_nothing(tmp_path: Path) -> None:
    assert run_dagbook(tmp_path, "init").code == 0
    (tmp_path / "dagbook.toml").unlink()
    (tmp_path / "pipeline.ipynb").write_text("changed")
    before = files_below(tmp_path)
    refused = run_dagbook(tmp_path, "init")
    assert refused.code == 2
    there = "E-FILE-EXISTS: pipeline.ipynb, tests/test_pipeline.py, .github/workflows/dagbook.yml are there already"
    assert there in refused.err
    assert files_below(tmp_path) == before
    assert run_dagbook(tmp_path, "init", "--force").code == 0
    assert (tmp_path / "dagbook.toml").is_file()
    assert (tmp_path / "pipeline.ipynb").read_text() != "changed"


def test_when_one_file_cannot_be_written_nothing_is_left_behind(tmp_path: Path) -> None:
    """A folder stands where the last file is to be; the ones before are gone again, and so are their folders."""
    (tmp_path / "new" / ".gitignore").mkdir(parents=True)
    said = run_dagbook(tmp_path, "init", "new", "--force")
    assert said.code == 5
    assert "E-FILE-WRITE: new/.gitignore cannot be written: there is a folder of that name" in said.err
    assert [path.name for path in (tmp_path / "new").rglob("*")] == [".gitignore"]


@pytest.mark.parametrize(
    ("service", "file"), [("github", ".github/workflows/dagbook.yml"), ("gitlab", ".gitlab-ci.yml"), ("none", None)]
)
def test_the_file_for_ci_is_that_of_the_service(tmp_path: Path, service: str, file: str | None) -> None:
    from yaml import safe_load

    made = {one.path.relative_to(tmp_path).as_posix(): one.text for one in project(tmp_path, None, "yaml", service)}
    usual = {"pipeline.yaml", "dagbook.schema.json", "tests/test_pipeline.py", "dagbook.toml", ".gitignore"}
    assert set(made) == usual | ({file} if file else set())
    if file:
        assert "PIPELINE: pipeline.yaml" in made[file]
        assert safe_load(made[file])


@pytest.mark.parametrize(("folder", "title"), [("churn", "churn"), ("日本語", "pipeline"), ("a~b", "pipeline")])
def test_the_pipeline_is_called_as_its_folder_where_it_can_be(tmp_path: Path, folder: str, title: str) -> None:
    first = project(tmp_path / folder, None, "notebook", "none")[0]
    (tmp_path / first.path.name).write_text(first.text, encoding="utf-8")
    assert read_notebook(tmp_path / first.path.name).pipeline.name == title


def test_a_name_that_cannot_be_is_refused() -> None:
    with pytest.raises(PipelineError, match="E-NAME-CHARS"):
        project(Path(), "a/b", "notebook", "none")


def test_all_forms_are_one_pipeline(tmp_path: Path) -> None:
    """Only what functions are called and return is said otherwise in Python."""
    read_as = {}
    for form in FORMATS:
        first = project(tmp_path, "it is 'called' \"so\"", form, "none")[0]
        first.path.write_text(first.text, encoding="utf-8")
        definition = read_definition(first.path)
        assert not definition.problems
        read_as[form] = without_places(definition.pipeline)
    assert read_as["notebook"] == read_as["yaml"]
    program, notebook = read_as["py"], read_as["notebook"]
    assert (program.name, program.parameters) == (notebook.name, notebook.parameters)
    facts = [[(node.title, node.after, node.grid, node.gather) for node in one.nodes] for one in (program, notebook)]
    assert facts[0] == facts[1]


def test_all_settings_of_the_template_are_sound_when_they_count(tmp_path: Path) -> None:
    """A # taken away is all that it needs."""
    text = (TEMPLATES / "dagbook.toml").read_text(encoding="utf-8")
    assert read_settings(tmp_path, environ={}).origin == {}
    (tmp_path / "dagbook.toml").write_text(re.sub(r"(?m)^# (?=\w+ = |\[)", "", text), encoding="utf-8")
    found = read_settings(tmp_path, environ={})
    assert set(found.origin) == {"image", "executor", "jobs", "store", "code", "max_runs", "env", "compute"}
    assert found.compute["large"].cpus == 4


def test_the_template_is_stored_clean() -> None:
    stored = read(TEMPLATES / "pipeline.ipynb")
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in stored.cells)


def test_the_module_is_the_command(tmp_path: Path) -> None:
    """The test that init makes calls it so, whatever is on the PATH."""
    words = [sys.executable, "-m", "dagbook", "--version"]
    assert subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.startswith("dagbook,")
