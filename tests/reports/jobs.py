"""A job of a CI system on this machine: the steps of its file, in a clean place, with what the system provides.

What a step runs is run as it stands, by the shell and with the variables that the system gives it. What steps of
others do (`uses:`) is done in their place: a clone, the folder of a cache, a folder of artifacts. The job has a virtual
environment of its own with the packages that dagbook needs, and none that has dagbook; pip finds that as a wheel.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


def _take_over(entry: Path, place: Path) -> None:
    """The same files under another name: a link to them would lead out of what a node's namespace shows."""

    def linked(source: str, target: str) -> None:
        try:
            os.link(source, target)
        except OSError:  # another filesystem
            shutil.copy2(source, target)

    if entry.is_dir():
        shutil.copytree(entry, place, copy_function=linked)
    else:
        linked(str(entry), str(place))


@dataclass
class Machine:
    """What a job begins with: a Python with pip, the wheel of dagbook, a cache that lives on from job to job."""

    folder: Path
    wheel: Path

    def __post_init__(self) -> None:
        subprocess.run([sys.executable, "-m", "venv", self.python], check=True)
        (site,) = self.python.glob("lib/python*/site-packages")
        for entry in Path(sysconfig.get_path("purelib")).iterdir():
            ours = "dagbook" in entry.name  # the package, or what makes an editable install of it
            if not ours and not (site / entry.name).exists():
                _take_over(entry, site / entry.name)

    @property
    def python(self) -> Path:
        """The environment that `actions/setup-python` provides."""
        return self.folder / "python"

    def environment(self, home: Path) -> dict[str, str]:
        """Nothing of the environment in which the tests run."""
        home.mkdir()
        return {
            "PATH": f"{self.python / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "CI": "true",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheel.parent),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "DAGBOOK_EXECUTOR": "process",  # no image can be had here, as it can on the systems' machines
        }


@dataclass
class Step:
    """What became of a step: its name, exit code and output (both streams, as a job's log has them)."""

    name: str
    code: int
    log: str


@dataclass
class Job:
    """A job of GitHub Actions: `run` performs all of its steps, and knows then what was kept."""

    machine: Machine
    workflow: Path
    repository: Path
    number: int
    folder: Path = field(init=False)
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder = self.machine.folder / f"job{self.number}"
        self.folder.mkdir()
        self._definition: dict[str, Any] = YAML(typ="safe").load(self.workflow)["jobs"]["pipeline"]
        self._env = {**self.machine.environment(self.folder / "home"), **self._provided(), **self._definition["env"]}

    @property
    def workspace(self) -> Path:
        """Where the repository is checked out: at the same place in every job, as on GitHub's machines."""
        return self.machine.folder / "work" / "repository"

    @property
    def artifacts(self) -> Path:
        """What the job has uploaded."""
        return self.folder / "artifacts"

    @property
    def summary(self) -> str:
        """What the summaries of all steps hold."""
        return "".join(file.read_text() for file in sorted(self.folder.glob("summary*.md")))

    def _provided(self) -> dict[str, str]:
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": "leah/churn",
            "GITHUB_SHA": "0123abc",
        }

    def run(self) -> None:
        """All steps in order, those after a failure only where they ask for it."""
        failed = False
        for step in self._definition["steps"]:
            if not failed or step.get("if") == "always()":
                done = self._uses(step) if "uses" in step else self._run(step)
                self.steps.append(done)
                failed = failed or done.code != 0

    def begun(self, step: dict[str, Any]) -> subprocess.Popen[str]:
        """The process of a step that runs something, as GitHub starts it."""
        script = self.folder / f"step{len(self.steps)}.sh"
        script.write_text(step["run"])
        env = {**self._env, "GITHUB_STEP_SUMMARY": str(self.folder / f"summary{len(self.steps)}.md")}
        return subprocess.Popen(
            ["bash", "-e", script],
            cwd=self.workspace,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def named(self, name: str) -> dict[str, Any]:
        """The step of this name."""
        found: dict[str, Any] = next(step for step in self._definition["steps"] if step.get("name") == name)
        return found

    def _run(self, step: dict[str, Any]) -> Step:
        process = self.begun(step)
        log, _ = process.communicate(timeout=180)
        return Step(step["name"], process.returncode, log)

    def _uses(self, step: dict[str, Any]) -> Step:
        action, given = step["uses"].partition("@")[0], step.get("with", {})
        does = {
            "actions/checkout": self._checkout,
            "actions/setup-python": lambda _: None,
            "actions/cache/restore": self._restore,
            "actions/cache/save": self._save,
            "actions/upload-artifact": self._upload,
        }[action]
        does(given)
        return Step(action, 0, "")

    def _checkout(self, _given: dict[str, Any]) -> None:
        shutil.rmtree(self.workspace, ignore_errors=True)
        subprocess.run(["git", "clone", "--quiet", self.repository, self.workspace], check=True)

    def _key(self, text: str) -> str:
        known = {"runner.os": "Linux", "github.ref_name": "main", "github.run_id": self.number, "github.run_attempt": 1}
        for name, value in known.items():
            text = text.replace(f"${{{{ {name} }}}}", str(value))
        assert "${{" not in text
        return text

    def _cache(self, key: str) -> Path:
        return self.machine.folder / "cache" / f"{key}.tar"

    def _save(self, given: dict[str, Any]) -> None:
        """As the action does it: with tar, so that links, modes and times are those that come back."""
        file = self._cache(self._key(given["key"]))
        assert not file.exists()  # a key is written once
        file.parent.mkdir(exist_ok=True)
        subprocess.run(["tar", "-cf", file, "-C", self.workspace, given["path"]], check=True)

    def _restore(self, given: dict[str, Any]) -> None:
        keys = [self._key(given["key"]), *self._key(given["restore-keys"]).split()]
        for key in keys:
            found = sorted(self.machine.folder.glob("cache/*.tar"), key=lambda file: file.stat().st_mtime_ns)
            if fits := [file for file in found if fnmatch.fnmatch(file.stem, f"{key}*")]:
                subprocess.run(["tar", "-xf", fits[-1], "-C", self.workspace], check=True)
                return

    def _upload(self, given: dict[str, Any]) -> None:
        path = self.workspace / given["path"]
        if path.exists() or given["if-no-files-found"] != "ignore":
            shutil.copytree(path, self.artifacts)


def repository(folder: Path) -> Path:
    """A git repository of the files in `folder`, all of them committed."""
    who = ["-c", "user.name=leah", "-c", "user.email=leah@example.org"]
    for words in (["init", "--quiet", "--initial-branch", "main"], ["add", "--all"], [*who, "commit", "-qm", "All"]):
        subprocess.run(["git", *words], cwd=folder, check=True, env={**os.environ, "HOME": str(folder.parent)})
    return folder
