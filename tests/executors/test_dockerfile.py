"""What a Dockerfile's build is given, and what is told when pushing fails; without an engine."""

from __future__ import annotations

import os
import tarfile
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.core.errors import MachineError, PipelineError
from dagbook.runner.executors import pushing
from dagbook.runner.executors.build_context import Project, archive, files_of
from dagbook.runner.executors.dockerfile import _failed
from dagbook.runner.executors.dockerfile_bases import bases_of
from dagbook.runner.executors.streamed import steps_of

BASES = [
    ("FROM python:3.12\nRUN true\n", [("python:3.12", 1)]),
    ("# one\n\nfrom --platform=linux/amd64 python AS built\nFROM built\nFROM scratch\n", [("python", 3)]),
    ("ARG V=3.12\nARG T='slim'\nFROM python:${V}-$T\nARG V=9\n", [("python:3.12-slim", 3)]),
    ("FROM a:${V:-7}\n", [("a:7", 1)]),
    ("FROM a AS x\nFROM b\nCOPY --from=x /1 /\nCOPY --from=0 /1 /\nCOPY --chown=1 --from=c:1 /2 /\n", "abc"),
    ("FROM \\\n  # said between\n  a\n", [("a", 1)]),
    ("FROM a\nFROM a\nRUN echo FROM b\n", [("a", 1)]),
    ("RUN nothing\nFROM", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "bases"), BASES)
def test_the_images_that_a_dockerfile_needs_are_found(text: str, bases: Any) -> None:
    found = [(base.image, base.line) for base in bases_of(text)]
    assert found == ([("a", 1), ("b", 2), ("c:1", 5)] if bases == "abc" else bases)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A folder with files that are meant and files that never are."""
    for name in ("a.py", "sub/b.py", ".git/HEAD", "sub/__pycache__/b.pyc", ".dagbook/dagbook.db", "runs/dagbook.db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "runs" / "big").write_text("big")
    (tmp_path / "link").symlink_to("a.py")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "Dockerfile").write_text("FROM a\n")
    return Project(tmp_path / "Dockerfile", tmp_path, frozenset({tmp_path / "flow.yaml"}))


def names(project: Project) -> list[str]:
    """What is in the archive."""
    with archive(project) as made, tarfile.open(fileobj=made.file) as tar:
        return tar.getnames()


def digest(project: Project) -> str:
    """The archive's digest."""
    with archive(project) as made:
        return made.digest


def test_stores_repositories_and_bytecode_are_no_part_of_it(project: Project) -> None:
    assert names(project) == ["a.py", "link", "sub", "sub/b.py", "Dockerfile"]


def test_the_ignore_file_is_honoured_and_can_take_in_again(project: Project) -> None:
    assert project.folder
    (project.folder / ".dockerignore").write_text("# comment\nsub\n!sub/b.py\n*.py\n!.git\nDockerfile\n")
    assert {".git/HEAD", "sub/b.py", "Dockerfile", ".dockerignore"} <= set(names(project))
    assert "a.py" not in names(project)


def test_row_117_the_digest_is_that_of_the_content(project: Project) -> None:
    """Times and the pipeline's own file change nothing; bytes, names and executable bits do."""
    assert project.folder
    first = digest(project)
    (project.folder / "flow.yaml").write_text("image: x:1")
    os.utime(project.folder / "a.py", (1, 1))
    assert digest(project) == first
    seen = {first}
    changes: tuple[Callable[[Path], object], ...] = (
        lambda folder: (folder / "a.py").write_text("other"),
        lambda folder: (folder / "a.py").chmod(0o755),
        lambda folder: (folder / "a.py").rename(folder / "c.py"),
        lambda folder: (folder / "Dockerfile").write_text("FROM b\n"),
        lambda folder: (folder / "empty").mkdir(),
    )
    for change in changes:
        change(project.folder)
        seen.add(digest(project))
    assert len(seen) == 6


def test_a_dockerfile_elsewhere_comes_along_and_without_code_it_comes_alone(project: Project, tmp_path: Path) -> None:
    aside = tmp_path.parent / f"{tmp_path.name}.Dockerfile"
    aside.write_text("FROM a\n")
    assert names(Project(aside, project.folder))[-1] == ".dockerfile.dagbook"
    assert names(Project(aside, None)) == [".dockerfile.dagbook"]
    assert files_of(Project(aside, None)) == []


def test_a_file_that_cannot_be_read_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)  # root may read everything
    with pytest.raises(PipelineError, match=r"E-CODE: .*a\.py"):
        digest(project)


def test_a_fault_of_the_dockerfile_has_its_line() -> None:
    found = _failed(Project(Path("Dockerfile"), None), "dockerfile parse error line 3: unknown instruction", deque())
    assert (found.code, found.place.line) == ("E-DOCKERFILE", 3)


SAID = [
    ("unauthorized: authentication required", "E-PUSH-LOGIN", "docker login host:1"),
    ("denied: requested access to the resource is denied", "E-PUSH-LOGIN", "docker login host:1"),
    ("dial tcp: lookup host: no such host", "E-PUSH-REACH", "Look at the name"),
    ("dial tcp 1.2.3.4:1: i/o timeout", "E-PUSH-REACH", "Look at the name"),
    ("http: server gave HTTP response to HTTPS client", "E-PUSH", "insecure-registries"),
    ("x509: certificate signed by unknown authority", "E-PUSH", "certs.d"),
    ("blob upload invalid", "E-PUSH", "its log"),
]


class _Engine:
    """An engine that answers a push so."""

    credstore_env = None

    def __init__(self, *steps: dict[str, Any]) -> None:
        from docker.auth import AuthConfig

        self._general_configs: dict[str, str] = {}
        self._auth_configs = AuthConfig({})
        self._steps = steps

    def push(self, *_: Any, **__: Any) -> Any:
        return iter(self._steps)


@pytest.mark.parametrize(("said", "code", "hint"), SAID)
def test_row_117_what_keeps_an_image_from_a_registry_is_told(said: str, code: str, hint: str) -> None:
    engine: Any = _Engine({"status": "Preparing", "id": "1"}, {"error": said})
    with pytest.raises(MachineError) as caught:
        pushing.push(engine, "host:1/a:2", lambda line: None)
    [found] = caught.value.problems
    assert found.code == code
    assert hint in found.hint
    assert said in found.message


def test_row_117_what_a_registry_says_is_told_without_logins() -> None:
    said = 'Get "https://ada:hush@host:1/v2/?account=ada&token=hush": unauthorized'
    with pytest.raises(MachineError) as caught:
        pushing.push(_Engine({"error": said}), "host:1/a:2", lambda line: None)  # type: ignore[arg-type]
    assert "hush" not in str(caught.value)
    assert "https://host:1/v2/" in str(caught.value)


def test_a_push_without_a_digest_is_no_push() -> None:
    with pytest.raises(MachineError, match="did not say"):
        pushing.push(_Engine({"status": "Pushed", "id": "1"}), "host:1/a:2", lambda line: None)  # type: ignore[arg-type]


def test_a_silent_registry_is_given_up() -> None:
    """Also one that spoke before."""
    from threading import Event

    over = Event()

    def ask() -> Any:
        yield {"status": "Preparing"}
        over.wait(60)

    steps = list(steps_of(ask, 0.05))
    over.set()
    assert steps == [{"status": "Preparing"}, {"error": "the registry said nothing for 0 seconds"}]
