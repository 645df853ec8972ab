"""The cache: results found again by what they followed from, misses in words, nothing private, no damage (P13)."""

from __future__ import annotations

import contextlib
import math
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core.errors import MachineError
from dagbook.runner.records import cache as caching
from dagbook.runner.records.artifacts import publish
from dagbook.runner.records.cache import NEVER_RAN, Cache, Key, as_part, key_of
from dagbook.runner.records.code import snapshot
from dagbook.runner.records.store import Store

PARTS = {
    "code": "print(lr)",
    "shared code": "import os",
    "parameter lr": "0.1",
    "image": "sha256:12",
    "kernel": "python3",
    "input /input/prepare": "ab" * 32,
    "project files": "cd" * 32,
    "environment MODE": "fast",
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / ".dagbook")


def left(store: Store, text: str = "x") -> str:
    """The digest of an artifact published in the store."""
    output = store.folder / "output"
    output.mkdir()
    (output / "data.csv").write_text(text)
    return publish(output, store.artifacts).digest


def result(artifact: str, **tags: Any) -> dict[str, Any]:
    return {"detail": {"artifact": artifact, "notebook": "runs/1/train.ipynb"}, "tags": tags, "metrics": {}}


def keep(cache: Cache, key: Key, body: dict[str, Any], node_run: str = "train", run: str = "r1") -> None:
    cache.keep(key, "demo", "train", node_run, run, body)


def damage(store: Store, artifact: str) -> None:
    file = store.artifacts / artifact[:2] / artifact / "data.csv"
    file.chmod(0o644)
    file.write_text("y")
    file.chmod(0o444)


def test_a_hit_gives_back_the_whole_result_and_whose_it_is(store: Store) -> None:
    key = key_of(PARTS)
    body = result(left(store), accuracy=0.9, words=["a", None, True]) | {"metrics": {"loss": [[1, 0.5], [2, 0.25]]}}
    keep(Cache(store), key, body, "train#2", "r7")
    found = Cache(Store(store.folder)).find(key_of(dict(reversed(PARTS.items()))))
    assert found is not None
    assert (found.body, found.run, found.node_run) == (body, "r7", "train#2")


def test_a_later_result_of_the_same_key_replaces_the_earlier(store: Store) -> None:
    cache, key = Cache(store), key_of(PARTS)
    artifact = left(store)
    keep(cache, key, result(artifact, n=1))
    keep(cache, key, result(artifact, n=2), run="r2")
    found = cache.find(key)
    assert found is not None
    assert (found.body["tags"], found.run) == ({"n": 2}, "r2")


@pytest.mark.parametrize("name", PARTS)
def test_any_other_value_of_any_part_is_another_key(name: str) -> None:
    changed = key_of({**PARTS, name: PARTS[name] + "0"})
    fewer = key_of({part: value for part, value in PARTS.items() if part != name})
    assert len({key_of(PARTS).digest, changed.digest, fewer.digest}) == 3


def test_parts_cannot_run_into_each_other() -> None:
    assert key_of({"parameter a": "b", "parameter c": "d"}).digest != key_of({"parameter a": "bparameter cd"}).digest


def test_a_key_of_another_version_is_another_key_and_the_miss_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(store)
    keep(cache, key_of(PARTS), result(left(store)))
    monkeypatch.setattr(caching, "KEY_VERSION", caching.KEY_VERSION + 1)
    assert cache.find(key_of(PARTS)) is None
    assert cache.why_not(key_of(PARTS), "demo", "train", "train") == "dagbook changed"


CHANGES: dict[str, tuple[dict[str, str], str]] = {
    "a parameter": ({"parameter lr": "0.2"}, "parameter lr: 0.1 is now 0.2"),
    "code": ({"code": "print(2)"}, "code changed"),
    "image": ({"image": "sha256:34"}, "image changed"),
    "an input": ({"input /input/prepare": "ef" * 32}, "input /input/prepare changed"),
    "the environment": ({"environment MODE": "slow"}, "environment variable MODE changed"),
    "the project": ({"project files": "01" * 32}, "project files changed"),
    "a long value": ({"parameter lr": "0.1 " * 40}, "parameter lr changed"),
    "a new parameter": ({"parameter depth": "3"}, "parameter depth is new"),
    "a new variable": ({"environment HOST": "x"}, "environment variable HOST is new"),
    "three": (
        {"code": "2", "kernel": "ir", "parameter lr": "1"},
        "code changed, parameter lr: 0.1 is now 1, kernel changed",
    ),
    "five": (
        {"code": "2", "shared code": "3", "parameter lr": "1", "image": "4", "environment MODE": "5"},
        "code changed, shared code changed, parameter lr: 0.1 is now 1 and 2 more",
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_P13_a_miss_names_what_changed(store: Store, kind: str) -> None:
    cache = Cache(store)
    keep(cache, key_of(PARTS), result(left(store)))
    change, words = CHANGES[kind]
    key = key_of(PARTS | change)
    assert cache.find(key) is None
    assert cache.why_not(key, "demo", "train", "train") == words


def test_P13_a_miss_names_the_project_files_that_changed(store: Store, tmp_path: Path) -> None:
    """Three of them, and how many more; of a snapshot that is gone nothing is known."""
    project = tmp_path / "project"
    project.mkdir()
    for name in ("clean.py", "old.csv", "same.txt"):
        (project / name).write_text("1")
    before = snapshot(project, store.code)
    cache = Cache(store)
    keep(cache, key_of(PARTS | {"project files": before.digest}), result(left(store)))

    def why() -> str:
        now = snapshot(project, store.code).digest
        return cache.why_not(key_of(PARTS | {"project files": now}), "demo", "train", "train")

    (project / "notes.txt").write_text("a thought")
    assert why() == "project files changed (notes.txt is new)"
    (project / "clean.py").write_text("2")
    (project / "old.csv").unlink()
    (project / "todo.txt").write_text("sleep")
    assert why() == "project files changed (clean.py changed, notes.txt is new, todo.txt is new and 1 more)"
    shutil.rmtree(before.path)
    assert why().startswith("project files changed (clean.py")  # as it was told before
    assert Cache(store).why_not(key_of(PARTS | {"project files": "01" * 32}), "demo", "train", "train") == (
        "project files changed"
    )


def test_P13_a_miss_names_what_is_gone(store: Store) -> None:
    cache = Cache(store)
    keep(cache, key_of(PARTS), result(left(store)))
    fewer = key_of({name: value for name, value in PARTS.items() if name != "environment MODE"})
    assert cache.why_not(fewer, "demo", "train", "train") == "environment variable MODE is gone"


def test_a_miss_is_told_against_the_latest_of_the_node_run_else_of_the_node(store: Store) -> None:
    cache, artifact = Cache(store), left(store)
    for lr, node_run in (("1", "train#1"), ("2", "train#1"), ("3", "train#2")):
        keep(cache, key_of({"parameter lr": lr}), result(artifact), node_run)
    new = key_of({"parameter lr": "9"})
    assert cache.why_not(new, "demo", "train", "train#1") == "parameter lr: 2 is now 9"
    assert cache.why_not(new, "demo", "train", "train#5") == "parameter lr: 3 is now 9"
    keep(cache, key_of({"parameter lr": "1"}), result(artifact), "train#1")  # a hit, kept again
    assert cache.why_not(new, "demo", "train", "train#1") == "parameter lr: 1 is now 9"


def test_what_is_remembered_of_others_is_no_reason(store: Store) -> None:
    cache = Cache(store)
    assert cache.why_not(key_of(PARTS), "demo", "train", "train") == NEVER_RAN
    cache.keep(key_of(PARTS), "demo", "other", "other", "r1", result(left(store)))
    cache.keep(key_of(PARTS | {"code": "2"}), "other", "train", "train", "r1", result(left(store)))
    assert cache.why_not(key_of({"code": "3"}), "demo", "train", "train") == NEVER_RAN


def test_P13_F40_a_damaged_artifact_is_never_a_hit_and_the_miss_says_where_it_went(store: Store) -> None:
    """Told also by a later process, until the node has run again."""
    cache, key, other = Cache(store), key_of(PARTS), key_of(PARTS | {"code": "2"})
    artifact = left(store)
    keep(cache, key, result(artifact))
    keep(cache, other, result(artifact), "train#2")
    damage(store, artifact)
    assert cache.find(key) is None
    aside = store.folder / "quarantine" / f"{artifact}.1"
    assert aside.is_dir()
    words = f"its artifact in the store was damaged: data.csv differs; it was set aside at {aside}"
    assert left(store) == artifact  # another node publishes the same content: no reason to bring the result back
    later = Cache(Store(store.folder))
    assert later.find(key) is None
    assert later.find(other) is None
    assert later.why_not(key, "demo", "train", "train") == later.why_not(other, "demo", "train", "train#2") == words
    changed = key_of(PARTS | {"parameter lr": "0.2"})
    assert later.why_not(changed, "demo", "train", "train") == "parameter lr: 0.1 is now 0.2"
    keep(later, key, result(artifact))
    assert later.find(key) is not None


def test_a_result_with_another_artifact_survives_the_damage_of_one(store: Store) -> None:
    cache, bad, good = Cache(store), key_of({"code": "1"}), key_of({"code": "2"})
    artifact = left(store, "bad")
    keep(cache, bad, result(artifact))
    keep(cache, good, result(left(store, "good"), source=artifact))  # it names the other one in a tag
    damage(store, artifact)
    assert cache.find(bad) is None
    assert cache.find(good) is not None


def test_F40_a_store_without_its_artifacts_has_no_hits(store: Store) -> None:
    cache, key = Cache(store), key_of(PARTS)
    keep(cache, key, result(left(store)))
    store.artifacts.rename(store.folder / "elsewhere")
    assert cache.find(key) is None
    assert cache.why_not(key, "demo", "train", "train") == "its artifact is no longer in the store"


def test_P25_no_value_of_the_environment_and_no_code_is_in_the_database(store: Store) -> None:
    secret, code, shown = "canary-d41d8cd9", "canary-code", "canary-shown"
    parts = {"environment TOKEN": secret, "environment": secret, "code": code, "parameter name": shown}
    keep(Cache(store), key_of(parts), result(left(store)))
    Cache(store).why_not(key_of({**parts, "environment TOKEN": secret + "2"}), "demo", "train", "train")
    store.close()
    written = b"".join(file.read_bytes() for file in store.folder.glob("dagbook.db*"))
    assert shown.encode() in written  # so it is looked for where it would be
    assert secret.encode() not in written
    assert code.encode() not in written


def test_what_is_kept_of_a_long_value_cannot_be_the_value_of_another() -> None:
    long = key_of({"parameter a": "x" * 500})
    assert key_of(long.parts).digest != long.digest


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["0.1", "'0.1'", "[1]", ""]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(VALUES, VALUES)
def test_two_values_that_a_node_can_tell_apart_are_two_parts(one: Any, other: Any) -> None:
    assert (as_part(one) == as_part(other)) is (repr(one) == repr(other))


@pytest.mark.parametrize("value", [1, 0.1, True, None, math.nan, [1, "a"], "", "a\nb", "0.1"])
def test_a_text_that_spells_another_value_is_told_apart_from_it(value: Any) -> None:
    assert as_part(repr(value)) != as_part(value)
    assert as_part(value) == repr(value)


def test_a_plain_text_is_read_as_it_is() -> None:
    assert as_part("random forest") == "random forest"


def test_a_store_from_before_the_cache_gets_its_table(store: Store) -> None:
    store.close()
    with contextlib.closing(sqlite3.connect(store.database)) as rows:
        rows.execute("drop table cache")
    assert Cache(Store(store.folder)).find(key_of(PARTS)) is None


def test_an_artifact_that_cannot_be_looked_at_is_an_error_and_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock's place is taken by a folder, so that nothing can be set aside."""
    cache, key = Cache(store), key_of(PARTS)
    artifact = left(store)
    keep(cache, key, result(artifact))
    damage(store, artifact)
    (store.artifacts / ".lock").unlink()
    (store.artifacts / ".lock").mkdir()
    with pytest.raises(MachineError, match=f"E-STORE.*{artifact}"):
        cache.find(key)
    assert (store.artifacts / artifact[:2] / artifact).is_dir()
