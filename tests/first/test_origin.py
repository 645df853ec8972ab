"""Where this dagbook was installed from, as pip notes it: what a job of CI is told to install."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.origin import how_to_install, requirement
from dagbook.runner.scaffold import project

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GIT = {"vcs": "git", "requested_revision": "main", "commit_id": COMMIT}


def installed(folder: Path, noted: dict[str, Any] | None, installer: str | None = "pip") -> list[str]:
    """A place where packages are looked for, with dagbook as pip leaves it."""
    made = folder / "site" / "dagbook-0.7.dist-info"
    made.mkdir(parents=True)
    (made / "METADATA").write_text("Metadata-Version: 2.1\nName: dagbook\nVersion: 0.7\n")
    if installer:
        (made / "INSTALLER").write_text(installer)
    if noted is not None:
        (made / "direct_url.json").write_text(json.dumps(noted))
    return [str(made.parent)]


@pytest.mark.parametrize(
    ("noted", "said"),
    [
        (None, "dagbook==0.7"),
        (
            {"url": "https://git.example/me/dagbook.git", "vcs_info": GIT},
            f"git+https://git.example/me/dagbook.git@{COMMIT}",
        ),
        (
            {"url": "ssh://git@git.example/me/dagbook", "vcs_info": GIT},
            f"git+ssh://git@git.example/me/dagbook@{COMMIT}",
        ),
        (
            {"url": "https://me:token@files.example/dagbook.whl", "archive_info": {}},
            "https://files.example/dagbook.whl",
        ),
        ({"url": "file:///home/me/dagbook.whl", "archive_info": {}}, None),
        ({"url": "file:///srv/git/dagbook", "vcs_info": GIT}, None),
        ({"url": "file:///nowhere", "dir_info": {"editable": True}}, None),
    ],
)
def test_what_every_machine_can_install_is_told(tmp_path: Path, noted: dict[str, Any] | None, said: str | None) -> None:
    found = requirement(installed(tmp_path, noted))
    assert found == (f"dagbook @ {said}" if said and "==" not in said else said)


@pytest.mark.parametrize(
    ("remote", "said"),
    [
        ("git@git.example:me/dagbook.git", "dagbook @ git+https://git.example/me/dagbook.git"),
        ("https://me:token@git.example/me/dagbook.git", "dagbook @ git+https://git.example/me/dagbook.git"),
        ("../dagbook", None),
    ],
)
def test_of_a_checkout_it_is_where_that_was_cloned_from(tmp_path: Path, remote: str, said: str | None) -> None:
    checkout = tmp_path / "my dagbook"
    subprocess.run(["git", "init", "-q", checkout], check=True)
    subprocess.run(["git", "-C", checkout, "remote", "add", "origin", remote], check=True)
    assert requirement(installed(tmp_path, {"url": checkout.as_uri(), "dir_info": {}})) == said


def test_what_a_build_leaves_in_a_checkout_is_not_installed(tmp_path: Path) -> None:
    assert requirement(installed(tmp_path, None, installer=None)) is None


def test_for_this_machine_there_is_always_a_way() -> None:
    assert how_to_install()


@pytest.mark.parametrize(("service", "key"), [("github", "env"), ("gitlab", "variables")])
def test_the_file_for_ci_installs_dagbook_from_there(tmp_path: Path, service: str, key: str) -> None:
    from yaml import safe_load

    package = f"dagbook @ git+https://git.example/me/dagbook@{COMMIT}"
    for given, said in ((package, package), (None, "")):
        (file,) = (one for one in project(tmp_path, None, "notebook", service, given) if one.path.suffix == ".yml")
        jobs = safe_load(file.text)
        (job,) = jobs["jobs"].values() if service == "github" else [jobs["dagbook"]]
        assert job[key]["DAGBOOK"] == said
        assert ("fill this in" in file.text) is (given is None)
