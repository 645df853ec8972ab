"""`dagbook images`, run for real: images of a test's own on the engine, and registries on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeNotebook, Said, read_until
from tests.executors import registries
from tests.executors.conftest import BASE, containers, engine_answers, until

Dagbook = Callable[..., Said]
Registry = registries.Registry
Open = Callable[[bool], AbstractContextManager[Registry]]
pytestmark = pytest.mark.container

DOCKERFILE = f"""\
FROM {BASE}
COPY . /app
RUN echo built > /built
CMD ["false"]
"""
# A shell and nothing else: to push a whole Debian takes a minute.
SMALL = f"""\
FROM {BASE} AS whole
RUN mkdir /small && cp -L --parents /bin/sh $(ldd /bin/sh | grep -o '/[^ ]*') /small
FROM scratch
COPY --from=whole /small /
COPY edges.py /app/
"""
SPEC = """\
pipeline:
  name: edges
transform:
  image: {image}
  cmd: [python3, /app/edges.py]
input:
  pfs:
    repo: images
    glob: /*
"""


@pytest.fixture
def name() -> Iterator[str]:
    """A repository's name of this test's own; images of that name are removed afterwards."""
    if not engine_answers():
        pytest.skip(f"no Docker engine with {BASE} (scripts/machine)")
    made = f"dagbook-test/{uuid.uuid4().hex[:12]}"
    yield made
    listed = subprocess.run(
        ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}"], capture_output=True, text=True
    )
    for one in listed.stdout.split():
        if made in one:
            subprocess.run(["docker", "rmi", "-f", one], capture_output=True, check=False)


@pytest.fixture
def project(tmp_path: Path, name: str) -> Path:
    """A project with a Dockerfile and a spec that names an image which is nowhere."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "edges.py").write_text("print('print of edges.py')\n")
    (folder / "spec.yaml").write_text(SPEC.format(image=f"{name}:1.0"))
    return folder


@pytest.fixture(params=["small", *(["Debian's"] if registries.DEBIANS else [])])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens a registry of each kind, guarded or not."""
    if request.param == "small":
        return registries.small
    return lambda guarded: registries.debians(tmp_path / "registry", guarded)


def build(dagbook: Dagbook, *words: str, **given: Any) -> list[dict[str, Any]]:
    """What `images build spec.yaml --dockerfile Dockerfile` made."""
    said = dagbook("images", "build", "spec.yaml", "--dockerfile", "Dockerfile", "--json", *words, **given)
    assert said.code == 0, said.err
    found: list[dict[str, Any]] = said.json["images"]
    return found


def image_of(path: Path) -> str:
    """The image that a spec names."""
    return next(line.split()[1] for line in path.read_text().splitlines() if line.strip().startswith("image:"))


def test_row_117_changed_code_is_a_new_tag_and_unchanged_code_builds_nothing(
    dagbook: Dagbook, project: Path, name: str
) -> None:
    before = (project / "edges.py").read_text()
    [first] = build(dagbook)
    assert first["image"].startswith(f"{name}:")
    assert (first["asked"], first["new"]) == (f"{name}:1.0", True)
    (project / "edges.py").touch()
    (project / "__pycache__").mkdir()
    (project / "__pycache__" / "edges.pyc").write_text("other")
    [again] = build(dagbook)
    assert (again["image"], again["id"], again["new"]) == (first["image"], first["id"], False)
    assert "Step 1" not in dagbook("images", "build", "spec.yaml", "--dockerfile", "Dockerfile").err
    (project / "edges.py").write_text("print('more')\n")
    [changed] = build(dagbook)
    assert changed["image"] != first["image"]
    assert changed["new"]
    (project / "edges.py").write_text(before)
    assert build(dagbook)[0]["id"] == first["id"]


def test_rows_117_and_120_the_spec_is_written_with_the_new_tag_again_and_again(
    dagbook: Dagbook, project: Path, name: str
) -> None:
    """The spec's own change is none of the code: writing the tag into it does not make another one due."""
    [first] = build(dagbook, "-o", "spec.yaml")
    spec = project / "spec.yaml"
    assert image_of(spec) == first["image"]
    assert [one["image"] for one in build(dagbook, "-o", "spec.yaml")] == [first["image"]]
    (project / "edges.py").write_text("print('more')\n")
    [changed] = build(dagbook, "-o", "spec.yaml")
    assert image_of(spec) == changed["image"] != first["image"]
    said = dagbook("check", "spec.yaml")
    assert said.code == 0, said.err


def test_row_115_the_project_is_in_the_image_without_what_is_ignored_and_its_cmd_is_not_used(
    dagbook: Dagbook, project: Path
) -> None:
    (project / ".dockerignore").write_text("# not these\n*.secret\n")
    (project / "key.secret").write_text("hush")
    [made] = build(dagbook)
    listed = ["docker", "run", "--rm", "--network", "none", made["image"], "ls", "-A", "/app"]
    found = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    assert {"edges.py", "Dockerfile"} <= set(found)
    assert not {"key.secret", "spec.yaml"} & set(found)
    assert dagbook("data", "create", "images").code == 0
    assert dagbook("data", "put", "images", "edges.py").code == 0
    ran = dagbook("run", "spec.yaml", "--image-map", f"*={made['image']}")
    assert ran.code == 0, ran.err
    assert "print of edges.py" in ran.out + ran.err


def test_without_a_dockerfile_it_is_the_image_that_a_run_would_make(
    dagbook: Dagbook, tmp_path: Path, name: str
) -> None:
    """Its requirements and prerun script are in it, and no longer due in the pipeline that is written."""
    word = uuid.uuid4().hex
    text = (
        f"dagbook: 1\nname: flow\nnodes:\n  - title: one\n    kind: command\n    image: {BASE}\n"
        "    prerun: prepare.sh\n    source: cat /etc/word\n"
        f"  - title: two\n    kind: command\n    image: {BASE}\n    source: echo two\n"
    )
    (tmp_path / "project").mkdir(exist_ok=True)
    (tmp_path / "project" / "flow.yaml").write_text(text)
    (tmp_path / "project" / "prepare.sh").write_text(f"echo {word} > /etc/word\n")
    said = dagbook("images", "build", "flow.yaml", "--json", "-t", name, "-o", "out.yaml")
    assert said.code == 0, said.err
    one, two = said.json["images"]
    assert [one["asked"], two["asked"]] == [BASE, BASE]
    assert one["id"] != two["id"]
    assert {one["image"].rpartition(":")[0], two["image"].rpartition(":")[0]} == {name}
    written = (tmp_path / "project" / "out.yaml").read_text()
    assert one["image"] in written
    assert "prerun" not in written
    ran = dagbook("run", "out.yaml", "--executor", "docker")
    assert ran.code == 0, ran.err
    assert word in ran.out + ran.err
    again = dagbook("images", "build", "flow.yaml")
    assert again.code == 0
    assert "NODE" in again.out
    assert "new" not in again.out
    subprocess.run(["docker", "rmi", "-f", one["id"]], capture_output=True, check=True)  # also as dagbook/derived


def test_row_117_an_image_is_pushed_once(dagbook: Dagbook, project: Path, name: str, opened: Open) -> None:
    """The digest told is the registry's; the second time nothing is sent."""
    (project / "Dockerfile").write_text(SMALL)
    with opened(False) as registry:
        words = ("images", "push", "spec.yaml", "--dockerfile", "Dockerfile", "-t", f"{registry.address}/{name}")
        said = dagbook(*words, "--json", "-o", "spec.yaml")
        assert said.code == 0, said.err
        [pushed] = said.json["images"]
        assert image_of(project / "spec.yaml") == pushed["image"]
        assert pushed["uploaded"] > 0
        assert pushed["digest"] == registry.digest_of(name, pushed["image"].rpartition(":")[2])
        said = dagbook(*words)
        assert said.code == 0, said.err
        assert f"pushed {pushed['image']}: {pushed['digest']} (no layers sent)" in said.out


def test_row_117_a_private_registry_takes_it_with_the_login_that_docker_keeps(
    dagbook: Dagbook, project: Path, name: str, opened: Open
) -> None:
    (project / "Dockerfile").write_text(SMALL)
    with opened(True) as registry:
        words = ("images", "push", "spec.yaml", "--dockerfile", "Dockerfile", "-t", f"{registry.address}/{name}")
        none = dagbook(*words, env={"DOCKER_CONFIG": str(project / "nowhere")})
        assert none.code == 5
        assert "E-PUSH-LOGIN" in none.err
        assert f"docker login {registry.address}" in none.err
        wrong = dagbook(*words, env=registries.login(project.parent / "wrong", registry.address, "battery"))
        assert wrong.code == 5
        assert "E-PUSH-LOGIN" in wrong.err
        assert "was not accepted" in wrong.err
        assert "battery" not in wrong.err + wrong.out
        right = dagbook(*words, "--json", env=registries.login(project.parent / "right", registry.address))
        assert right.code == 0, right.err
        assert registries.PASSWORD not in right.err + right.out
        [pushed] = right.json["images"]
        assert pushed["digest"] == registry.digest_of(name, pushed["image"].rpartition(":")[2])


def test_a_registry_that_is_not_there_is_told(dagbook: Dagbook, project: Path, name: str) -> None:
    said = dagbook("images", "push", "spec.yaml", "--dockerfile", "Dockerfile", "-t", f"127.0.0.1:1/{name}")
    assert said.code == 5
    assert "E-PUSH-REACH" in said.err
    assert "127.0.0.1:1" in said.err
    assert "Traceback" not in said.err


def test_a_credential_helper_that_is_not_there_is_told(dagbook: Dagbook, project: Path, name: str) -> None:
    config = project.parent / "config"
    config.mkdir()
    (config / "config.json").write_text(json.dumps({"credHelpers": {"127.0.0.1:1": "no-such-helper"}}))
    words = ("images", "push", "spec.yaml", "--dockerfile", "Dockerfile", "-t", f"127.0.0.1:1/{name}")
    said = dagbook(*words, env={"DOCKER_CONFIG": str(config)})
    assert said.code == 5
    assert "E-PUSH-LOGIN" in said.err
    assert "credHelpers" in said.err


MISTAKES = [
    ("FROM {base}\nFOO bar\n", "E-DOCKERFILE", "Dockerfile, line 2"),
    ("FROM {base}\nRUN echo this is why; exit 7\n", "E-DOCKERFILE", "this is why"),
    ("FROM {base}\nCOPY nothing.txt /\n", "E-DOCKERFILE", "nothing.txt"),
    ("ARG V=1\nFROM 127.0.0.1:1/no-such:$V\n", "E-IMAGE-MISSING", "Dockerfile, line 2"),
    ("", "E-DOCKERFILE", "Dockerfile"),
]


@pytest.mark.parametrize(("text", "code", "said"), MISTAKES)
def test_what_is_wrong_with_a_dockerfile_is_told(
    text: str, code: str, said: str, dagbook: Dagbook, project: Path
) -> None:
    (project / "Dockerfile").write_text(text.format(base=BASE))
    found = dagbook("images", "build", "spec.yaml", "--dockerfile", "Dockerfile")
    assert found.code == 2
    assert code in found.err
    assert said in found.err
    assert "Traceback" not in found.err


CALLS = [
    (("push", "spec.yaml"), 2, "-t REGISTRY/NAME"),
    (("build", "spec.yaml", "-t", "me/edges:1"), 2, "-t me/edges"),
    (("build", "spec.yaml", "--dockerfile", "Nofile"), 2, "E-FILE-MISSING"),
    (("build", "spec.yaml", "--dockerfile", "Dockerfile", "--code", "nowhere"), 2, "--code nowhere is not a folder"),
]


@pytest.mark.parametrize(("words", "code", "said"), CALLS)
def test_what_is_wrong_with_a_call_is_told(
    words: tuple[str, ...], code: int, said: str, dagbook: Dagbook, project: Path
) -> None:
    found = dagbook("images", *words)
    assert (found.code, said in found.err) == (code, True), found.err


def test_a_notebook_is_not_written_over_and_its_pipeline_can_be_written_beside_it(
    dagbook: Dagbook, make_notebook: MakeNotebook, name: str
) -> None:
    notebook = make_notebook(f"%%pipeline_node one --image {BASE}\nprint(1)", "# text that is no node")
    before = notebook.read_bytes()
    said = dagbook("images", "build", "flow.ipynb", "-t", name, "-o", "flow.ipynb")
    assert said.code == 2
    assert "would write over the notebook" in said.err
    said = dagbook("images", "build", "flow.ipynb", "-t", name, "-o", "out.yaml")
    assert said.code == 0, said.err
    assert notebook.read_bytes() == before
    assert f"image: {name}:" in (notebook.parent / "out.yaml").read_text()


def test_without_an_engine_the_exit_code_says_that_the_machine_is_not_fit(dagbook: Dagbook, project: Path) -> None:
    said = dagbook("images", "build", "spec.yaml", env={"DOCKER_HOST": f"unix://{project}/none.sock"})
    assert said.code == 5
    assert "E-DOCKER-DOWN" in said.err


def test_row_117_latest_is_warned_of_once(dagbook: Dagbook, project: Path, name: str) -> None:
    (project / "spec.yaml").write_text(SPEC.format(image=f"{name}:latest"))
    said = dagbook("images", "build", "spec.yaml", "--dockerfile", "Dockerfile")
    assert said.code == 0, said.err
    assert said.err.count("W-LATEST") == 1
    assert f"{name}:latest" not in said.out.splitlines()[1].split()[2]


def test_ctrl_c_ends_a_build_and_leaves_no_container(
    dagbook: Dagbook, started: Callable[..., subprocess.Popen[str]], project: Path
) -> None:
    (project / "Dockerfile").write_text(f"FROM {BASE}\nRUN echo waiting && sleep 600\n")
    before = containers()
    child = started("images", "build", "spec.yaml", "--dockerfile", "Dockerfile")
    read_until(child, "RUN echo waiting")
    os.kill(child.pid, signal.SIGINT)
    assert child.wait(30) == 130
    listed = ["docker", "ps", "-q", "--no-trunc", "--filter", "status=running"]

    def gone() -> bool:
        now = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
        return not set(now) - set(before)

    until(gone, 30)
