"""Settings: which source wins, how it is told, and that nothing wrong in them passes in silence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dagbook.runner.core.errors import PipelineError, Problem
from dagbook.runner.formats.settings import find_store, read_settings, setting_names

TOML = '# ours\nimage = "from-file"\njobs = 3\n\n[env]\nTZ = "UTC"\n'


def fault(folder: Path, toml: str = "", **environ: str) -> Problem:
    (folder / "dagbook.toml").write_text(toml)
    with pytest.raises(PipelineError) as caught:
        read_settings(folder, {}, environ)
    (found,) = caught.value.problems
    return found


def test_built_in_values_and_their_origin(tmp_path: Path) -> None:
    settings = read_settings(tmp_path, {}, {})
    assert settings.image == f"python:{sys.version_info[0]}.{sys.version_info[1]}-slim"
    assert (settings.executor, settings.transport, settings.max_runs) == ("auto", "auto", 10_000)
    assert (settings.store, settings.code, settings.build_network, settings.env) == (None, None, None, {})
    assert settings.jobs >= 1
    assert {settings.from_where(name) for name in setting_names()} == {"built in"}


def test_flag_wins_over_environment_over_file(tmp_path: Path) -> None:
    (tmp_path / "dagbook.toml").write_text(TOML)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    environ = {"DAGBOOK_IMAGE": "from-environment", "DAGBOOK_TRANSPORT": "tcp"}
    settings = read_settings(tmp_path / "deep" / "er", {"image": "from-flag", "jobs": None}, environ)
    assert (settings.image, settings.from_where("image")) == ("from-flag", "--image")
    assert (settings.transport, settings.from_where("transport")) == ("tcp", "DAGBOOK_TRANSPORT")
    assert (settings.jobs, settings.from_where("jobs")) == (3, "dagbook.toml line 3")
    assert (settings.env, settings.from_where("env")) == ({"TZ": "UTC"}, "dagbook.toml line 5")
    assert read_settings(tmp_path, {}, environ).image == "from-environment"
    assert read_settings(tmp_path, {}, {}).image == "from-file"


def test_the_nearest_file_counts_alone(tmp_path: Path) -> None:
    (tmp_path / "dagbook.toml").write_text(TOML)
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "dagbook.toml").write_text("jobs = 1\n")
    settings = read_settings(tmp_path / "near", {}, {})
    assert (settings.jobs, settings.from_where("image")) == (1, "built in")


BAD_FILES = [
    ("imgae = 'x'", "dagbook.toml line 1", "no setting 'imgae'", '"image"'),
    ("\n\njobs = 'many'", "dagbook.toml line 3", "jobs is 'many'", "flag"),
    ("jobs = 0", "dagbook.toml line 1", "at least 1", "flag"),
    ("jobs = true", "dagbook.toml line 1", "whole number", "flag"),
    ("executor = 'dokcer'", "dagbook.toml line 1", "one of auto, docker, process", 'Did you mean "docker"?'),
    ("image = 3", "dagbook.toml line 1", "a text", "flag"),
    ("data_hosts = ['http://files.local']", "dagbook.toml line 1", "without https://", "flag"),
    ("data_hosts = ['files.local:70000']", "dagbook.toml line 1", "hosts such as", "flag"),
    ("data_hosts = 3", "dagbook.toml line 1", "hosts such as", "flag"),
    ("allowed_images = 'python, a b'", "dagbook.toml line 1", "patterns of images", "flag"),
    ("allowed_images = ['']", "dagbook.toml line 1", "patterns of images", "flag"),
    ("[env]\nA = 1", "dagbook.toml line 1", 'A = "1"', "flag"),
    ("mlflow_files = 'much'", "dagbook.toml line 1", "50m or 1g", "flag"),
    ("notify_on = ['failure', 'aproval']", "dagbook.toml line 1", "approval", 'Did you mean "approval"?'),
    ("[image]\nx = 1", "dagbook.toml line 1", "a text", "flag"),
    ("jobs = ", "dagbook.toml", "cannot be read", "TOML"),
]


@pytest.mark.parametrize(("toml", "origin", "message_has", "hint_has"), BAD_FILES)
def test_faults_of_the_file_have_its_line(
    tmp_path: Path, toml: str, origin: str, message_has: str, hint_has: str
) -> None:
    found = fault(tmp_path, toml)
    assert found.code == "E-SETTING"
    assert found.message.startswith(f"{origin}: ")
    assert message_has in found.message
    assert hint_has in found.hint


def test_U2_hosts_of_datasets_are_a_list_in_the_file_and_separated_by_commas_in_the_variable(tmp_path: Path) -> None:
    (tmp_path / "dagbook.toml").write_text("data_hosts = ['Files.local', '10.0.0.5:9000']\n")
    assert read_settings(tmp_path, {}, {}).data_hosts == ("files.local", "10.0.0.5:9000")
    environ = {"DAGBOOK_DATA_HOSTS": "[::1]:80, intern"}
    assert read_settings(tmp_path, {}, environ).data_hosts == ("[::1]:80", "intern")
    assert fault(tmp_path, DAGBOOK_DATA_HOSTS="a b").message.startswith("DAGBOOK_DATA_HOSTS: data_hosts is 'a b'")


def test_faults_of_the_environment_name_the_variable(tmp_path: Path) -> None:
    unknown = fault(tmp_path, DAGBOOK_EXECUTER="docker")
    assert (unknown.code, unknown.hint) == ("E-SETTING", 'Did you mean "DAGBOOK_EXECUTOR"?')
    ill = fault(tmp_path, DAGBOOK_JOBS="two")
    assert ill.message.startswith("DAGBOOK_JOBS: jobs is 'two'")


def test_inside_a_node_its_variables_are_no_settings(tmp_path: Path) -> None:
    environ = {"DAGBOOK_OUTPUT": "/output", "DAGBOOK_TAG_LR": "1", "DAGBOOK_PREPARE_ROWS": "3"}
    assert read_settings(tmp_path, {}, environ).from_where("image") == "built in"


def test_values_keep_the_code_of_their_type(tmp_path: Path) -> None:
    assert fault(tmp_path, "image = 'UPPER:x'").code == "E-IMAGE-REF"
    assert fault(tmp_path, "[env]\nPATH = 'x'").code == "E-ENV-RESERVED"
    assert fault(tmp_path, "[env]\n'a-b' = 'x'").code == "E-ENV-NAME"


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "dagbook.toml").write_text("jobs = 0\nnope = 1\n")
    with pytest.raises(PipelineError) as caught:
        read_settings(tmp_path, {"executor": "moon"}, {"DAGBOOK_MAX_RUNS": "-1"})
    assert len(caught.value.problems) == 4


def test_store_is_flag_then_setting_then_beside_the_file_then_nearest(tmp_path: Path) -> None:
    project, inner = tmp_path / "project", tmp_path / "project" / "inner"
    inner.mkdir(parents=True)
    file = project / "p.ipynb"
    assert find_store("s", file, tmp_path, {"DAGBOOK_STORE": "env"}) == tmp_path / "s"
    assert find_store(None, file, tmp_path, {"DAGBOOK_STORE": "env"}) == tmp_path / "env"
    assert find_store(None, file, tmp_path, {}) == project / ".dagbook"
    assert find_store(None, None, inner, {}) == inner / ".dagbook"
    (project / ".dagbook").mkdir()
    assert find_store(None, None, inner, {}) == project / ".dagbook"
    (project / "dagbook.toml").write_text("store = 'kept/here'\n")
    assert find_store(None, file, tmp_path, {}) == project / "kept" / "here"


def test_urls_of_notices_are_told_nowhere(tmp_path: Path) -> None:
    """They hold passwords: neither the settings as they print nor a finding shows one."""
    environ = {"DAGBOOK_NOTIFY": "json://me:pass-1234@host/a,b, mailto://x:pass-1234@y.z?to=a@b.c,d@e.f secret:chat"}
    settings = read_settings(tmp_path, {}, environ)
    assert [one.reveal() for one in settings.notify] == [
        "json://me:pass-1234@host/a,b",
        "mailto://x:pass-1234@y.z?to=a@b.c,d@e.f",
        "secret:chat",
    ]
    assert "pass-1234" not in f"{settings} {settings.notify[0]}"
    found = fault(tmp_path, 'notify = "me:pass-1234@host"\n')
    assert "pass-1234" not in found.describe()
    found = fault(tmp_path, '[people]\nleah = "pass-1234"\n')
    assert (found.code, "pass-1234" in found.describe()) == ("E-SETTING", False)


def test_a_database_of_mlflow_is_meant_from_where_the_file_is(tmp_path: Path) -> None:
    (tmp_path / "dagbook.toml").write_text('mlflow = "sqlite:///runs/ml.db"\n')
    (tmp_path / "deep").mkdir()
    assert read_settings(tmp_path / "deep", {}, {}).mlflow == f"sqlite:///{tmp_path}/runs/ml.db"
    assert read_settings(tmp_path, {"mlflow": "https://ml.local/a"}, {}).mlflow == "https://ml.local/a"
