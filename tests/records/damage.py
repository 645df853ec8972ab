"""Artifacts, and all the ways in which one can be damaged."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from dagbook.runner.records.artifacts import Artifact, publish
from dagbook.runner.records.verify import verify

FILES = {"data.csv": b"1,2\n3,4\n", "twin.csv": b"1,2\n5,6\n", "sub/model.bin": bytes(range(256)), "empty": b""}


def made(folder: Path) -> Artifact:
    """An artifact in `folder`/artifacts of some files, a script and a link."""
    output = folder / "output"
    for path, content in FILES.items():
        (output / path).parent.mkdir(parents=True, exist_ok=True)
        (output / path).write_bytes(content)
    (output / "run.sh").write_text("#!/bin/sh\n")
    (output / "run.sh").chmod(0o755)
    (output / "latest").symlink_to("data.csv")
    return publish(output, folder / "artifacts")


def grown_old(artifact: Path) -> None:
    """The note of fingerprints, as it is when the filesystem's clock ticked between publishing and noting."""
    note = artifact.with_suffix(".seen")
    later = note.stat().st_mtime_ns + 10**9
    os.utime(note, ns=(later, later))


def relied_on(artifact: Path) -> None:
    """Verified, and the note of that as good as it gets."""
    assert verify(artifact) == ""
    grown_old(artifact)


def overwrite(path: Path, content: bytes) -> None:
    """Change a file in place, and set the time of its last change back."""
    before = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()
    path.chmod(before.st_mode & 0o777)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def flip(path: Path, place: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    overwrite(path, bytes(content))


def opened(path: Path) -> Path:
    """The path, once its folder can be written to, as its owner can bring about."""
    path.parent.chmod(0o755)
    return path


def swap(one: Path, other: Path) -> None:
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def change_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("twin.csv")


def replace_by_link(path: Path) -> None:
    path.rename(path.parents[2] / "elsewhere")
    path.symlink_to(path.parents[2] / "elsewhere")


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def manifest(artifact: Path) -> Path:
    return artifact.with_suffix(".json")


def lie_in_manifest(artifact: Path) -> None:
    """A file and its manifest, changed together."""
    overwrite(artifact / "data.csv", b"9,9\n9,9\n")
    entries = json.loads(manifest(artifact).read_text())
    for entry in entries:
        if entry["path"] == "data.csv":
            entry["content"] = hashlib.sha256(b"9,9\n9,9\n").hexdigest()
    manifest(artifact).write_text(json.dumps(entries))


def lie_about_a_folder(artifact: Path) -> None:
    entries = json.loads(manifest(artifact).read_text())
    for entry in entries:
        entry["size"] += entry["kind"] == "folder"
    manifest(artifact).write_text(json.dumps(entries))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (lambda a: overwrite(a / "data.csv", b"1,2\n"), "data.csv differs"),
    "emptied": (lambda a: overwrite(a / "data.csv", b""), "data.csv differs"),
    "zeroed": (lambda a: overwrite(a / "sub/model.bin", bytes(256)), "sub/model.bin differs"),
    "filled": (lambda a: overwrite(a / "empty", b"x"), "empty differs"),
    "swapped": (lambda a: swap(opened(a / "data.csv"), a / "twin.csv"), "differs"),
    "added": (lambda a: opened(a / "sub" / "more.txt").write_text("x"), "sub/more.txt was added"),
    "an added folder": (lambda a: opened(a / "more").mkdir(), "more was added"),
    "missing": (lambda a: opened(a / "twin.csv").unlink(), "twin.csv is missing"),
    "made executable": (lambda a: (a / "data.csv").chmod(0o555), "data.csv is now executable"),
    "made a plain file": (lambda a: (a / "run.sh").chmod(0o444), "run.sh is no longer executable"),
    "a link to another": (lambda a: change_link(opened(a / "latest")), "latest leads elsewhere"),
    "a file made a link": (lambda a: replace_by_link(opened(a / "data.csv")), "data.csv is no file any more"),
    "a file made a folder": (lambda a: replace_by_folder(opened(a / "data.csv")), "data.csv is no file any more"),
    "no manifest": (lambda a: manifest(a).unlink(), ".json is missing"),
    "half a manifest": (lambda a: manifest(a).write_bytes(manifest(a).read_bytes()[:-40]), ".json differs"),
    "an empty manifest": (lambda a: manifest(a).write_bytes(b""), ".json differs"),
    "a manifest of zeros": (lambda a: manifest(a).write_bytes(bytes(100)), ".json differs"),
    "a foreign manifest": (lambda a: manifest(a).write_text('{"a": 1}'), ".json differs"),
    "a manifest of nothing": (lambda a: manifest(a).write_text("[]"), ".json differs"),
    "a folder's size in the manifest": (lie_about_a_folder, ".json differs"),
    "a file and its manifest": (lie_in_manifest, ".json differs"),
}
