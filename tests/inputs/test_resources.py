"""Images, memory, cores and times that cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.runner.records.store import Store
from dagbook.runner.resume import resume_from
from tests.formats.notebooks import write

from .row import Row, at, call, in_cells, in_text, try_row


def node(name: str, code: str, line: str, *, says: str = "", fix: str = "") -> Row:
    """A row that is a node with this on its line."""
    return in_cells(name, code, f"%%pipeline_node a {line}\n1", says=says, fix=fix, cell=1, line=1)


ROWS = [
    *[
        node(f"D1-{image[:30]}", "E-IMAGE-REF", f"--image '{image}'", fix="TAG")
        for image in (
            "",
            "UPPER:tag",
            "x y",
            "-v/:/host",
            "--privileged",
            "img@sha256:short",
            "a//b",
            "a:b:c",
            "a:",
            ":tag",
            "a;id",
            "$(id)",
            "../x",
            "a@b@c",
            "a@",
            "x" * 10_000 + "!",
            "é",
        )
    ],
    *[
        node(f"D2-memory-{text}", "E-VALUE", f"--memory '{text}'", says=repr(text)[:100], fix="512m")
        for text in ("-1", "10 GB", "0", "1", "nan", "1e9", "1" * 400, "x")
    ],
    *[
        node(f"D2-cpus-{text}", "E-VALUE", f"--cpus '{text}'", says=repr(text), fix="0.5")
        for text in ("0", "-1", "1e9", "nan", "inf", "two")
    ],
    *[
        node(f"D2-timeout-{text}", "E-VALUE", f"--timeout '{text}'", fix="30s")
        for text in ("0", "-1", "10 parsecs", "nan", "1" * 400)
    ],
    *[
        node(f"D2-retries-{text}", "E-VALUE", f"--retries '{text}'", fix="0 to 100")
        for text in ("-1", "1e3", "101", "many", "1" * 5000)
    ],
    *[node(f"D2-gpus-{text}", "E-VALUE", f"--gpus '{text}'") for text in ("-1", "many", "1e9")],
    in_text(
        "D1-in-yaml",
        "E-IMAGE-REF",
        "dagbook: 1\nnodes:\n- title: a\n  image: -v/:/x\n  source: '1'\n",
        says="-v",
        fix="TAG",
        line=3,
    ),
    in_text(
        "D2-in-yaml",
        "E-VALUE",
        "dagbook: 1\nnodes:\n- title: a\n  memory: -1\n  source: '1'\n",
        says="-1",
        fix="512m",
        line=3,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_a_node_may_take_is_told_where_it_means_nothing(row: Row, folder: Path) -> None:
    try_row(row, folder)


LISTED = 'allowed_images = ["python:3.12*", "host.example/team/*"]\n'
EVIL = "evil.example/python"
CNVRG = f"flow: F\ntasks:\n- title: a\n  type: exec\n  input: python a.py\n  image: {EVIL}\nrelations: []\n"
VALOHAI = f"- step: {{name: a, image: {EVIL}, command: run}}\n"
VALOHAI += "- pipeline: {name: p, nodes: [{name: a, type: execution, step: a}], edges: []}\n"
PACHYDERM = f"pipeline: {{name: a}}\ntransform: {{image: {EVIL}, cmd: [run]}}\ninput: {{pfs: {{repo: r, glob: /}}}}\n"
NATIVE = f"dagbook: 1\nnodes:\n- {{title: a, image: {EVIL}, source: '1'}}\n"
PROGRAM = f"import dagbook\nflow = dagbook.Pipeline('x')\nflow.command('a', 'true', image='{EVIL}')\n"
OUTER = "dagbook: 1\nnodes:\n- {title: fine, image: 'python:3.12', source: '1'}\n"
OUTER += "- {title: inner, kind: pipeline, path: in.yaml, after: [fine]}\n"
COMPUTE = f'{LISTED}[compute.small]\nimage = "{EVIL}"\n'


def denied(name: str, *cells: str, of: str = "", listed: str = LISTED, **files: str) -> Row:
    """A row with a node "a" whose image is not listed; no engine answers, so nothing can have been asked of one."""
    place = at(cell=len(cells), node="a") if cells else {"node": "a"}
    named = {file.replace("_", "."): text for file, text in files.items()}
    file = "flow.ipynb" if cells else next(iter(named))
    says, words, given = ", host.example/team/*", ("--executor", "docker"), {"dagbook.toml": listed, **named}
    return Row(f"T12-{name}", "E-IMAGE-DENIED", says, "--image", place, cells, given, file, typed=words, of=of)


DENIED = [
    denied("a-node", f"%%pipeline_node a --image {EVIL}\n1"),
    denied("a-tag", "%%pipeline_node a --image python\n1"),
    denied("another-registry", "%%pipeline_node a --image evil.example/library/python:3.12\n1"),
    denied("a-folder-named-as-a-registry", "%%pipeline_node a --image evil.example/host.example/team/x\n1"),
    denied("all-nodes", f"%pipeline --image {EVIL}", "%%pipeline_node a\n1"),
    denied("what-is-derived", f"%%pipeline_node a --image {EVIL} --requirements tabulate\n1"),
    denied("a-compute-template", "%%pipeline_node a --compute small\n1", listed=COMPUTE),
    denied("the-setting", "%%pipeline_node a\n1", listed=f'{LISTED}image = "{EVIL}"\n'),
    denied("what-is-built-in", "%%pipeline_node a\n1", listed=LISTED.replace("python:3.12*", "python:2*")),
    denied("yaml", f_yaml=NATIVE),
    denied("cnvrg", f_yaml=CNVRG),
    denied("valohai", valohai_yaml=VALOHAI),
    denied("pachyderm", f_yaml=PACHYDERM),
    denied("a-program", f_py=PROGRAM),
    denied("a-pipeline-within", f_yaml=OUTER, in_yaml=NATIVE, of="in.yaml"),
]


@pytest.mark.parametrize("row", DENIED, ids=str)
def test_T12_an_image_that_is_not_listed_is_told_before_an_engine_is_asked(row: Row, folder: Path) -> None:
    try_row(row, folder)


def test_T12_a_variable_stands_above_the_list_of_a_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "flow.ipynb", f"%%pipeline_node a --image {EVIL}\n1")
    (folder / "dagbook.toml").write_text('allowed_images = ["*"]\n')
    assert call("check", "flow.ipynb").exit_code == 0
    monkeypatch.setenv("DAGBOOK_ALLOWED_IMAGES", "python:*, *@sha256:*")
    said = call("check", "flow.ipynb")
    assert (said.exit_code, "DAGBOOK_ALLOWED_IMAGES allows python:*, *@sha256:*" in said.output) == (2, True)
    (folder / "dagbook.toml").unlink()
    monkeypatch.setenv("DAGBOOK_ALLOWED_IMAGES", f"{EVIL}:latest")
    assert call("check", "flow.ipynb").exit_code == 0


def test_T12_where_nodes_are_processes_no_image_is_missed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "flow.ipynb", "%%pipeline_node a\n1")
    monkeypatch.setenv("DAGBOOK_ALLOWED_IMAGES", "host.example/*")
    for words in ((), ("--executor", "process")):
        assert call("check", "flow.ipynb", *words).exit_code == 0, "no engine answers here"


@pytest.mark.container
def test_T12_where_an_engine_answers_the_image_of_all_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("DAGBOOK_ALLOWED_IMAGES", "host.example/*")
    write(folder / "flow.ipynb", "%%pipeline_node a\n1")
    for command in ("check", "plan", "run"):
        said = call(command, "flow.ipynb")
        assert (said.exit_code, "E-IMAGE-DENIED" in said.output) == (2, True), said.output
    assert not (folder / ".dagbook").exists()


def test_T12_a_run_that_is_resumed_keeps_to_what_is_allowed_by_now(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "flow.ipynb", "%%pipeline_command a\nfalse")
    assert call("run", "flow.ipynb", "--executor", "process").exit_code == 1
    monkeypatch.setenv("DAGBOOK_ALLOWED_IMAGES", "host.example/*")
    _, asked, _ = resume_from(Store(folder / ".dagbook", create=False), "latest")
    assert asked.allowed_images == ("host.example/*",)
    assert asked.origins["allowed_images"] == "DAGBOOK_ALLOWED_IMAGES"
    monkeypatch.setenv("DAGBOOK_ALLOWED_IMAGES", "a b")
    assert "E-SETTING: DAGBOOK_ALLOWED_IMAGES" in call("resume", "latest").output


def test_T12_what_a_dockerfile_is_built_on_has_to_be_listed_too(folder: Path) -> None:
    write(folder / "flow.ipynb", "%%pipeline_command a\ntrue")
    (folder / "dagbook.toml").write_text(LISTED)
    (folder / "Dockerfile").write_text(f"FROM python:3.12\nCOPY --from={EVIL} /x /x\n")
    built = call("images", "build", "flow.ipynb", "--dockerfile", "Dockerfile", "-t", "host.example/team/flow")
    assert built.exit_code == 2
    assert "Dockerfile" in built.output
    assert f"E-IMAGE-DENIED: Dockerfile may not run in the image {EVIL}" in built.output
