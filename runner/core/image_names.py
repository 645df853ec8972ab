"""Names of images taken apart: REPOSITORY:TAG, and which registry a repository is at."""

from __future__ import annotations

DOCKER_HUB = "docker.io"


def split_image(image: str) -> tuple[str, str | None]:
    """The repository of an image reference, and its tag; None where there is none. A digest is left out."""
    name = image.partition("@")[0]
    repository, colon, tag = name.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (name, None)


def is_moving(image: str) -> bool:
    """Whether the name may mean another image tomorrow: it has no tag or the tag `latest`, and no digest."""
    return "@" not in image and split_image(image)[1] in (None, "latest")


def registry_of(repository: str) -> str:
    """The registry that a repository is at, as `docker login` takes it."""
    first, slash, _ = repository.partition("/")
    return first if slash and is_registry(first) else DOCKER_HUB


def is_registry(first: str) -> bool:
    """Whether the first part of a repository's path names a registry, and no folder of Docker Hub."""
    return first == "localhost" or "." in first or ":" in first
