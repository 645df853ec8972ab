"""Row T12: which images a pattern is meant for, with names completed as Docker completes them."""

from __future__ import annotations

import pytest

from dagbook.runner.core.allowed_images import is_allowed, whole_name

DIGEST = "sha256:" + "a" * 64
SAME = ["python", "python:latest", "library/python", "docker.io/python", "index.docker.io/library/python:latest"]


@pytest.mark.parametrize("image", SAME)
@pytest.mark.parametrize("pattern", SAME)
def test_T12_names_that_docker_takes_for_the_same_are_the_same(image: str, pattern: str) -> None:
    assert whole_name(image) == "docker.io/library/python:latest"
    assert is_allowed(image, [pattern])


@pytest.mark.parametrize(
    ("pattern", "image"),
    [
        ("*", "evil.example/x:1"),
        ("*", "sha256:" + "a" * 12),
        ("python:*", "python:3.12-slim"),
        ("python:3.12*", "python:3.12-slim"),
        ("python@*", f"python@{DIGEST}"),
        ("team/*", "docker.io/team/x:1"),
        ("host.example/team/*", "host.example/team/deep/x:1"),
        ("Host.example/*", "host.Example/x"),
        ("host.example:5000/x", "host.example:5000/x:latest"),
        ("localhost/*", "localhost/x"),
        ("*.example/x:*", "host.example/x:1"),
        ("*@sha256:*", f"host.example/x@{DIGEST}"),
        ("*/x:1", "host.example/x:1"),
    ],
)
def test_T12_a_pattern_is_meant_for(pattern: str, image: str) -> None:
    assert is_allowed(image, ["nothing", pattern])


@pytest.mark.parametrize(
    ("pattern", "image"),
    [
        ("python", "python:3.12"),
        ("python", "evil.example/python"),
        ("python", "evil/python"),
        ("python:*", "evil.example/python:3"),
        ("python:*", "pythonic:3"),
        ("python:3.12", f"python:3.12@{DIGEST}"),
        ("python:3.12", "python:3.120"),
        ("*.example/x:1", "evil.org/a.example/x:1"),
        ("host.example/*", "evil.example/host.example/x"),
        ("host.example/*", "host.example.org/x"),
        ("host.example/*", "host.example:5000/x"),
        ("team/*", "team.example/x"),
        ("docker.io/*", "abcdef123456"),
        ("docker.io/*", DIGEST),
        ("*@sha256:*", "python:3"),
        ("*:1", DIGEST),
    ],
)
def test_T12_a_pattern_is_not_meant_for(pattern: str, image: str) -> None:
    assert not is_allowed(image, [pattern])


def test_T12_without_patterns_all_are_allowed() -> None:
    assert is_allowed("evil.example/x", [])
