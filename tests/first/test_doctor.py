"""`dagbook doctor`, where things are really lacking: no engine, no bubblewrap, a disk that is full or closed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.doctor.examination import PARTS, conclusion, works
from dagbook.runner.doctor.findings import Finding, Verdict
from dagbook.runner.doctor.shown import lines_of, without_names
from dagbook.runner.doctor.subject import Subject
from dagbook.runner.executors.sandbox import bubblewrap
from tests.conftest import MakeNotebook, Said, run_dagbook

NOWHERE = "unix:///nowhere/docker.sock"
LOOK = dict(PARTS)
# Examines these parts of the folder it is started in, in a namespace in which something is not as it should be.
_INSIDE = """
import json, sys
from pathlib import Path
from dagbook.runner.doctor.examination import PARTS
from dagbook.runner.doctor.subject import Subject
subject = Subject(Path())
print(json.dumps([one.as_json() for name, look in PARTS if name in sys.argv[1:] for one in look(subject)]))
"""


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings, caches and kernels of the test's own."""
    for name in [name for name in os.environ if name.startswith("DAGBOOK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def looked(part: str, subject: Subject | None = None) -> list[Finding]:
    """What is found of one part."""
    return list(LOOK[part](subject or Subject(Path())))


def part_of(said: Said, part: str) -> list[Any]:
    """The findings on one part in what `--json` printed."""
    return [one for one in said.json["findings"] if one["part"] == part]


def inside(*options: str | Path, parts: tuple[str, ...], before: str = "true") -> dict[str, Any]:
    """What is found in a namespace that these options of bubblewrap make, by part; the last finding of each."""
    if not bubblewrap():
        pytest.skip("bubblewrap does not work here (scripts/machine)")
    known = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, check=True).stdout
    if lacking := [one for one in map(str, options) if one.startswith("--") and one not in known]:
        pytest.skip(f"this bubblewrap is too old: it knows no {', '.join(lacking)}")
    script = f'{before}; exec "$@"'
    command = ["bwrap", "--dev-bind", "/", "/", *map(str, options), "--", "sh", "-c", script, "sh"]
    words = [*command, sys.executable, "-c", _INSIDE, *parts]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {one["part"]: one for one in json.loads(done.stdout)}


@pytest.mark.container
def test_where_all_is_well_every_part_says_so_and_containers_are_used(tmp_path: Path) -> None:
    image = os.environ.get("DAGBOOK_TEST_IMAGE", "dagbook/base:bookworm")
    said = run_dagbook(tmp_path / "here", "doctor", "--json", env={"DAGBOOK_IMAGE": image})
    assert said.code == 0, said.out
    assert said.json["works"] is True
    assert said.json["containers"] is True
    told = {one["part"] for one in said.json["findings"]}
    assert told == {name for name, _ in PARTS} - {"pipeline"} | {"image", "container", "kernel"}
    (engine,) = part_of(said, "docker")
    assert engine["verdict"] == "ok"
    assert engine["facts"]["api"]
    (settings,) = part_of(said, "settings")
    assert settings["facts"]["settings"]["image"] == {"value": image, "from": "DAGBOOK_IMAGE"}
    assert part_of(said, "container")[0]["facts"]["sockets_cross"] is True
    assert not list((tmp_path / "here").iterdir())


@pytest.mark.container
def test_an_image_that_cannot_be_had_is_a_note_and_a_problem_for_who_asks_for_containers() -> None:
    subject = Subject(Path())
    subject.settings = type(subject.settings)(image="127.0.0.1:9/nothing:1")
    *_, found = (one for one in looked("docker", subject) if one.part == "image")
    assert found.verdict == "note"
    assert "127.0.0.1:9/nothing:1 is not here and cannot be pulled" in found.words
    assert "Here are: " in found.fix
    assert not subject.containers
    subject.settings = type(subject.settings)(image="127.0.0.1:9/nothing:1", executor="docker")
    assert [one.verdict for one in looked("docker", subject) if one.part == "image"] == ["problem"]


@pytest.mark.parametrize(("executor", "code", "glyph"), [("auto", 0, "!"), ("docker", 5, "✗"), ("process", 0, "✓")])
def test_without_an_engine_runs_work_unless_containers_are_asked_for(
    executor: str, code: int, glyph: str, tmp_path: Path
) -> None:
    env = {"DOCKER_HOST": NOWHERE, "DAGBOOK_EXECUTOR": executor, "COLUMNS": "80"}
    said = run_dagbook(tmp_path / "here", "doctor", env=env)
    assert said.code == code
    line = next(line for line in said.out.splitlines() if line[4:].startswith("docker "))
    assert line.startswith(f"  {glyph} docker")
    assert ("there is no such socket" in " ".join(said.out.split())) is (executor != "process")
    assert ("A run cannot work here" in said.out) is (code == 5)
    assert not [line for line in said.out.splitlines() if len(line) > 80 and " " in line.strip()]


def test_images_of_nodes_need_an_engine(make_notebook: MakeNotebook) -> None:
    flow = make_notebook("%%pipeline_node a --image r-base:4.4\n1", "%%pipeline_node b\n1")
    said = run_dagbook(flow.parent, "doctor", flow.name, "--json", env={"DOCKER_HOST": NOWHERE})
    assert said.code == 5
    assert [one["words"] for one in part_of(said, "pipeline")] == [
        "flow.ipynb: 2 nodes",
        "these nodes name images, and need Docker: a",
    ]


def test_a_file_that_is_none_is_the_callers_mistake(tmp_path: Path) -> None:
    said = run_dagbook(tmp_path, "doctor", "nothing.ipynb")
    assert (said.code, "E-FILE-MISSING" in said.err, said.out) == (2, True, "")


def test_without_bwrap_on_the_path_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from dagbook.runner.executors.sandbox import probed_bubblewrap

    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    probed_bubblewrap.cache_clear()
    found = looked("processes")[0]
    probed_bubblewrap.cache_clear()
    assert (found.verdict, found.words.startswith("bwrap is not installed")) == ("note", True)
    assert ("install bubblewrap" in found.fix) is (sys.platform == "linux")
    assert [one.words for one in looked("git")] == [
        "git is not here: --git does not work, and runs do not record the commit"
    ]


def test_a_bwrap_that_the_system_forbids_is_told_with_its_own_words() -> None:
    """Really forbidden: a namespace from which no other one can be made."""
    user = ("--unshare-user", "--uid", "1000", "--gid", "1000", "--disable-userns", "--cap-drop", "ALL")
    found = inside(*user, parts=("processes",))["processes"]
    assert found["verdict"] == "note"
    assert "does not work here: bwrap: " in found["words"]
    assert "containers do without" in found["fix"]


def test_a_store_that_cannot_be_written_to_is_a_problem(tmp_path: Path) -> None:
    found = inside("--ro-bind", tmp_path, tmp_path, "--chdir", tmp_path, parts=("store",))
    assert found["store"]["verdict"] == "problem"
    assert "Read-only file system" in found["store"]["words"]
    assert "--store" in found["store"]["fix"]


def test_a_full_disk_is_a_problem_told_as_such(tmp_path: Path) -> None:
    small = ("--size", "1000000", "--tmpfs", tmp_path, "--chdir", tmp_path)
    fill = f"head -c 2000000 /dev/zero >{tmp_path}/fill 2>/dev/null"
    found = inside(*small, parts=("store",), before=fill)
    assert found["store"]["verdict"] == "problem"
    assert "No space left on device" in found["store"]["words"]
    assert found["disk"]["verdict"] == "problem"
    assert "the store's disk has 0 B of " in found["disk"]["words"]


def test_a_store_is_opened_and_its_runs_counted(make_notebook: MakeNotebook) -> None:
    flow = make_notebook("%%pipeline_node a\n1")
    assert "the first run makes" in looked("store", Subject(flow.parent))[0].words
    assert run_dagbook(flow.parent, "run", flow, "--executor", "process", "-q").code == 0
    found = looked("store", Subject(flow.parent))[0]
    assert found.facts["runs"] == 1
    assert found.words.startswith(f"{flow.parent / '.dagbook'}: 1 run, ")
    (flow.parent / ".dagbook" / "dagbook.db").write_text("no database any more")
    broken = looked("store", Subject(flow.parent))[0]
    assert (broken.verdict, "not a database" in broken.words) == ("problem", True)


def test_settings_that_cannot_be_read_are_told_by_line_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here/dagbook.toml").write_text('# mine\njobs = "many"\n')
    env = {"DOCKER_HOST": NOWHERE, "DAGBOOK_EXECUTR": "docker"}
    said = run_dagbook(tmp_path / "here", "doctor", "--json", env=env)
    assert said.code == 5
    first, second = part_of(said, "settings")
    assert 'Did you mean "DAGBOOK_EXECUTOR"?' in first["fix"]
    assert "dagbook.toml line 2" in second["words"]
    assert "a whole number" in second["words"]
    assert part_of(said, "text")


def test_of_settings_only_harmless_ones_are_shown_with_their_values() -> None:
    text = 'jobs = 3\nsecret_command = "pass hunter2"\ndata_hosts = ["vault.local"]\n[env]\nKEY = "hunter2"\n'
    Path("dagbook.toml").write_text(text)
    (found,) = looked("settings")
    assert found.facts["settings"]["jobs"] == {"value": 3, "from": "dagbook.toml line 1"}
    assert found.facts["settings"]["env"]["value"] == "1 set"
    assert "jobs = 3 (dagbook.toml line 1)" in found.words
    told = json.dumps(found.as_json())
    assert "hunter2" not in told
    assert "vault" not in told


@pytest.fixture
def make_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Makes the kernel python3 run this program, as an earlier install in the home folder often does."""

    def make(python: str) -> None:
        folder = tmp_path / "jupyter" / "kernels" / "python3"
        folder.mkdir(parents=True)
        argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(spec))
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))

    return make


def test_a_kernel_of_another_python_is_found_out_by_asking_it(
    make_kernel: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [one.verdict for one in looked("jupyter") if one.part == "kernel"] == ["ok"]
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "other"], check=True)
    make_kernel(str(Path("other/bin/python").absolute()))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    (found,) = (one for one in looked("jupyter") if one.part == "kernel")
    assert found.verdict == "note"
    assert "which has no dagbook: %load_ext dagbook fails in it" in found.words
    assert f"{sys.executable} -m ipykernel install" in found.fix


def test_a_kernel_whose_python_is_gone_is_told(make_kernel: Callable[[str], None]) -> None:
    make_kernel("/gone/bin/python")
    (found,) = (one for one in looked("jupyter") if one.part == "kernel")
    assert (found.verdict, "cannot be run (No such file or directory)" in found.words) == ("note", True)


def test_an_extension_that_is_switched_off_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config" / "labconfig").mkdir(parents=True)
    off = {"disabledExtensions": {"jupyter-cytoscape": True}}
    (tmp_path / "config" / "labconfig" / "page_config.json").write_text(json.dumps(off))
    assert looked("jupyter")[0].verdict == "ok"
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path / "config"))
    found = looked("jupyter")[0]
    assert (found.verdict, "browser's half of ipycytoscape" in found.words) == ("note", True)


def test_ways_to_the_network_are_told_by_name_and_never_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://ada:hunter2@proxy.local:3128")
    monkeypatch.setenv("SSL_CERT_FILE", "/gone/certificates.pem")
    (found,) = looked("network")
    assert (found.verdict, found.words) == ("note", "SSL_CERT_FILE names what is not there")
    assert found.facts["set"][:1] == ["https_proxy"]
    assert "hunter2" not in json.dumps(found.as_json())


def test_a_report_is_a_block_of_markdown_without_what_is_private() -> None:
    home = Path("ada").absolute()
    home.mkdir()
    env = {"HOME": str(home), "DOCKER_HOST": "tcp://ada:hunter2@127.0.0.1:9", "USER": "ada", "LOGNAME": "ada"}
    said = run_dagbook(home / "project", "doctor", "--report", env=env)
    assert said.code == 0
    assert said.out.startswith("<details><summary>dagbook doctor</summary>\n\n```\n✓ python ")
    assert "~/project/.dagbook" in said.out
    assert str(home) not in said.out
    assert "hunter2" not in said.out


def test_names_are_taken_out_of_paths_and_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("LOGNAME", "ada")
    told = "/home/ada/x /home/adam/y /data/ada/z /data/adamant https://ada:pw@host/x"
    assert without_names(told) == "~/x /home/adam/y /data/USER/z /data/adamant https://…@host/x"


def test_a_terminal_that_knows_no_other_signs_gets_plain_ones(tmp_path: Path) -> None:
    said = run_dagbook(tmp_path / "here", "doctor", env={"PYTHONIOENCODING": "ascii", "DOCKER_HOST": NOWHERE})
    assert said.code == 0, said.err
    assert "\n  ! docker" in said.out
    assert "  + python" in said.out


def test_words_are_wrapped_and_commands_stay_in_one_piece() -> None:
    command = f"{'/a/long/path' * 9}/python"
    found = Finding("kernel", Verdict.NOTE, "first\nsecond " + "word " * 20, f"Run: {command}")
    lines = lines_of(found, 60)
    assert lines[:2] == ["first", "second word word word word word word word word"]
    assert lines[-2:] == ["→ Run:", f"  {command}"]


def test_only_problems_keep_a_run_from_working() -> None:
    subject = Subject(Path(), why_not="no Docker engine answers")
    found = [Finding("docker", Verdict.NOTE, "")]
    assert works(found)
    assert "as processes, not in containers, because no Docker engine answers" in conclusion(subject, found)
    assert not works([*found, Finding("store", Verdict.PROBLEM, "")])


def test_git_is_asked() -> None:
    if not shutil.which("git"):
        pytest.skip("git is not here")
    (found,) = looked("git")
    assert found.verdict == "ok"
    assert found.facts["version"]
