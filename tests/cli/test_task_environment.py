"""A node's environment end to end: seed order, compute templates, repositories, and what the run records of it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeNotebook, Said

Dagbook = Callable[..., Said]
PROCESS = ("--executor", "process")
BASE = os.environ.get("DAGBOOK_TEST_IMAGE", "dagbook/base:bookworm")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one file, beside the project."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.py").write_text("print('from the repository')\n")
    for words in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "one"), ("tag", "v1")):
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *words], cwd=folder, check=True)
    return folder


def head(folder: Path) -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def record(dagbook: Dagbook) -> dict[str, Any]:
    """What the latest run keeps of its beginning."""
    said = dagbook("show", "--record")
    assert said.code == 0, said.err
    return dict(said.json)


def test_row_46_a_repository_is_at_cnvrg_and_its_commit_is_recorded(
    dagbook: Dagbook, make_notebook: MakeNotebook, repository: Path
) -> None:
    """In a namespace, or by CNVRG_WORKDIR without one; each attempt has a copy of its own."""
    cell = "import os, pathlib\nplace = pathlib.Path(os.environ['CNVRG_WORKDIR'])\n"
    cell += "print(sorted(p.name for p in place.iterdir()))\n(place / 'new').write_text('x')"
    notebook = make_notebook(
        f"%%pipeline_node Train --git ../model@v1 --grid n=1,2\n{cell}", "%%pipeline_node Plain\nimport os\n1"
    )
    said = dagbook("run", notebook, *PROCESS)
    assert said.code == 0, said.out + said.err
    assert said.out.count("['model.py']") == 2
    commit = head(repository)
    assert record(dagbook)["repositories"] == {"Train": {"url": str(repository), "ref": "v1", "commit": commit}}
    assert sorted(os.listdir(repository)) == [".git", "model.py"]


def test_row_46_an_unknown_branch_starts_nothing(
    dagbook: Dagbook, make_notebook: MakeNotebook, repository: Path
) -> None:
    notebook = make_notebook("%%pipeline_node Train --git ../model@mian\nprint('ran')")
    said = dagbook("run", notebook, *PROCESS)
    assert (said.code, "ran" in said.out) == (2, False)
    assert "E-GIT-REF" in said.err
    assert 'Did you mean "main"?' in said.err
    assert "Train" in said.err


def test_a_password_in_git_is_refused_and_not_repeated(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    notebook = make_notebook("%%pipeline_node Train --git https://me:s3cret@git.invalid/a.git\n1")
    for verb in ("run", "plan"):
        said = dagbook(verb, notebook)
        assert said.code == 2
        assert "E-GIT" in said.err
        assert "s3cret" not in said.out + said.err


TEMPLATES = """
[compute.huge]
cpus = 4096

[compute.small]
cpus = 0.5
executor = "process"
"""


def test_row_48_the_template_taken_is_told_in_plan_and_record(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    notebook = make_notebook("%%pipeline_node Train --compute huge,small\n1", "%%pipeline_node Plain\n1")
    (notebook.parent / "dagbook.toml").write_text(TEMPLATES)
    planned = dagbook("plan", notebook, *PROCESS)
    assert '"Train" gets the compute template small.' in planned.out
    assert dagbook("plan", notebook, *PROCESS, "--json").json["computes"] == {"Train": "small"}
    said = dagbook("run", notebook, *PROCESS)
    assert said.code == 0, said.out + said.err
    found = record(dagbook)
    assert found["computes"] == {"Train": {"name": "small", "cpus": 0.5, "executor": "process"}}
    nodes = {node["title"]: node for node in found["pipeline"]["nodes"]}
    assert (nodes["Train"]["cpus"], nodes["Plain"]["cpus"]) == (0.5, None)


@pytest.mark.parametrize("verb", ["plan", "run"])
@pytest.mark.parametrize("option", ["--compute huge", "--cpus 4096", "--memory 4000t"])
def test_row_48_what_does_not_fit_starts_nothing(
    dagbook: Dagbook, make_notebook: MakeNotebook, verb: str, option: str
) -> None:
    """D2: the message names the node, what is asked, and what there is."""
    notebook = make_notebook(f"%%pipeline_node Train {option}\nprint('ran')")
    (notebook.parent / "dagbook.toml").write_text(TEMPLATES)
    said = dagbook(verb, notebook, *PROCESS)
    assert (said.code, "ran" in said.out) == (2, False)
    assert "E-RESOURCE" in said.err
    assert '"Train"' in said.err
    assert "no GPU" in said.err
    assert not (notebook.parent / ".dagbook").exists()


def test_an_unknown_template_is_a_mistake_of_the_pipeline(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    notebook = make_notebook("%%pipeline_node Train --compute smal\n1")
    (notebook.parent / "dagbook.toml").write_text(TEMPLATES)
    said = dagbook("run", notebook, *PROCESS)
    assert said.code == 2
    assert "E-COMPUTE" in said.err
    assert 'Did you mean "small"?' in said.err


def test_row_51_a_run_records_where_everything_came_from(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    """The file as it was, parameters, settings and their origins, image, version, who and how; used per attempt."""
    notebook = make_notebook("# parameters\nepochs = 3", "%%pipeline_node Train --param epochs\nprint(epochs)")
    (notebook.parent / "dagbook.toml").write_text("jobs = 2\n")
    before = notebook.read_bytes()
    said = dagbook("run", notebook, *PROCESS, "-p", "epochs", "5", env={"DAGBOOK_MAX_RUNS": "77"})
    assert said.code == 0, said.out + said.err
    notebook.write_text("{}")
    found = record(dagbook)
    [run] = (notebook.parent / ".dagbook" / "runs").iterdir()
    assert (run / "pipeline.ipynb").read_bytes() == before
    assert found["snapshot"] == hashlib.sha256(before).hexdigest()
    assert found["parameters"] == {"epochs": 5}
    origins = {name: found["origins"][name] for name in ("executor", "jobs", "max_runs", "transport")}
    assert origins == {
        "executor": "--executor",
        "jobs": "dagbook.toml line 1",
        "max_runs": "DAGBOOK_MAX_RUNS",
        "transport": "built in",
    }
    assert (found["settings"]["jobs"], found["settings"]["max_runs"]) == (2, 77)
    assert set(found["images"]["Train"]) == {"reference", "digest", "repo_digest"}
    assert found["started_by"] == "dagbook run"
    assert found["user"]
    assert found["dagbook"]


def wheel(folder: Path) -> None:
    """A package of one module, from which pip installs without a network."""
    folder.mkdir()
    about = "seed_one-1.dist-info"
    with zipfile.ZipFile(folder / "seed_one-1-py3-none-any.whl", "w") as made:
        made.writestr("seed_one.py", "STEP = 'requirements'\n")
        made.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: seed-one\nVersion: 1\n")
        made.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        made.writestr(f"{about}/RECORD", "")


# It runs when the image is made: after the requirements, before there is any node.
PRERUN = """\
set -e
python3 -c "import seed_one; open('/opt/order', 'w').write(seed_one.STEP + ' prerun')"
for place in /cnvrg /code /input; do if [ -e $place ]; then exit 9; fi; done
"""
SEEDED = """%%pipeline_node Train --after Prepare --git ../model@v1 --prerun prerun.sh --requirements seed-one==1
import os, subprocess, sys
print(open("/opt/order").read(), "node")
print(os.listdir("/cnvrg"), os.listdir("/code"), os.listdir("/input/prepare"), os.getcwd())
subprocess.run([sys.executable, "/cnvrg/model.py"], check=True)
open("/cnvrg/new.txt", "w").write("a copy of its own")
"""


@pytest.mark.container
def test_rows_46_and_47_the_environment_is_made_in_the_seeds_order(
    dagbook: Dagbook, make_notebook: MakeNotebook, repository: Path, tmp_path: Path
) -> None:
    """Image, requirements and prerun in it; then repository, project files and inputs are there as the node begins."""
    wheel(tmp_path / "wheels")
    notebook = make_notebook("%%pipeline_node Prepare\nopen('x.csv', 'w').write('1')", SEEDED)
    (notebook.parent / "prerun.sh").write_text(PRERUN)
    pip = {"PIP_FIND_LINKS": str(tmp_path / "wheels"), "PIP_NO_INDEX": "1"}
    said = dagbook("run", notebook, "--executor", "docker", "--image", BASE, env=pip, timeout=300)
    assert said.code == 0, said.out + said.err
    assert "requirements prerun node" in said.out
    assert "['model.py'] ['prerun.sh'] ['x.csv'] /output" in said.out
    assert "from the repository" in said.out
    found = record(dagbook)
    assert found["images"]["Train"]["digest"] != found["images"]["Prepare"]["digest"]
    assert found["repositories"]["Train"]["commit"] == head(repository)
