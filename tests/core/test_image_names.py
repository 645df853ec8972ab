"""Names of images, taken apart."""

from __future__ import annotations

import pytest

from dagbook.runner.core.image_names import is_moving, registry_of, split_image

DIGEST = "sha256:" + "0" * 64
NAMES = [
    ("python", "python", None, True, "docker.io"),
    ("python:latest", "python", "latest", True, "docker.io"),
    ("me/python:3.12", "me/python", "3.12", False, "docker.io"),
    ("localhost/x:1", "localhost/x", "1", False, "localhost"),
    ("host:5000/a/b", "host:5000/a/b", None, True, "host:5000"),
    ("host:5000/a/b:2", "host:5000/a/b", "2", False, "host:5000"),
    (f"ghcr.io/a/b@{DIGEST}", "ghcr.io/a/b", None, False, "ghcr.io"),
    (f"a:1@{DIGEST}", "a", "1", False, "docker.io"),
]


@pytest.mark.parametrize(("image", "repository", "tag", "moving", "registry"), NAMES)
def test_a_name_is_taken_apart(image: str, repository: str, tag: str | None, moving: bool, registry: str) -> None:
    assert split_image(image) == (repository, tag)
    assert is_moving(image) == moving
    assert registry_of(repository) == registry
