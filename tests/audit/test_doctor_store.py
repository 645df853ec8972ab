"""`dagbook doctor --store` on stores that are really damaged: each thing is told with what mends it, and mended."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dagbook.runner.audit import Invariant
from dagbook.runner.core.lifecycle import RunState
from dagbook.runner.records.store import Store
from tests.audit import damage
from tests.conftest import Said, run_dagbook

SECRET = "a-secret-that-nobody-knows"
NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
# One for each invariant that can be mended; kill_the_process would hide list_it_wrongly.
MENDED = (
    (damage.lose_an_index_entry, "database", "make the indices anew"),
    (damage.change_a_byte, "results", "set it aside"),
    (damage.half_a_publication, "leftovers", "remove it"),
    (damage.cut_a_notebook, "notebooks", "rename it to notebook.ipynb.damaged"),
    (damage.list_it_wrongly, "history", "list it as its story says"),
)


def doctor(store: Store, *words: str | Path, **env: str) -> Said:
    return run_dagbook(store.folder.parent, "doctor", "--store", store.folder, *words, env={**NO_ENGINE, **env})


def verdicts(said: Said) -> dict[str, str]:
    """By part the verdict on it."""
    return {one["part"]: one["verdict"] for one in said.json["findings"]}


def test_a_sound_store_has_a_verdict_for_each_invariant_and_is_not_changed(store: Store) -> None:
    before = {path: path.lstat().st_mtime_ns for path in store.folder.rglob("*") if "dagbook.db" not in path.name}
    said = doctor(store, "--json", DAGBOOK_SECRET_VAULT=SECRET)
    assert said.code == 0, said.out + said.err
    assert said.json["sound"] is True
    assert {one["facts"]["invariant"] for one in said.json["findings"]} == {str(one) for one in Invariant}
    assert verdicts(said).pop("engine") == "note"
    assert "no Docker engine answers" in said.out
    assert {verdict for part, verdict in verdicts(said).items() if part != "engine"} == {"ok"}
    after = {path: path.lstat().st_mtime_ns for path in store.folder.rglob("*") if "dagbook.db" not in path.name}
    seen = {path for path in before | after if before.get(path) != after.get(path)}
    assert {path.suffix for path in seen} <= {".seen", ".lock", ""}, seen  # what is remembered of hashes


def test_everything_that_is_damaged_is_told_with_what_mends_it_then_mended_then_sound(store: Store) -> None:
    """One thing of each kind in one store; telling mends nothing."""
    for harm, _, _ in MENDED:
        harm(store)
    for _ in range(2):
        told = doctor(store)
        assert told.code == 1
        for _, part, repair in MENDED:
            assert any(f"✗ {part}" in line for line in told.out.splitlines()), told.out
            assert repair in " ".join(told.out.split()), told.out
    mended = doctor(store, "--repair", "--json")
    assert mended.code == 0, mended.out
    assert all(one["mended"] for one in mended.json["repaired"])
    assert {one["facts"]["invariant"] for one in mended.json["findings"]} == {str(one) for one in Invariant}
    assert doctor(store, "--json").json["sound"] is True


def test_a_run_whose_process_was_killed_is_settled_and_goes_on(store: Store) -> None:
    damage.kill_the_process(store)
    told = doctor(store)
    assert told.code == 1
    assert "resume goes on" in " ".join(told.out.split())
    mended = doctor(store, "--repair")
    assert mended.code == 0, mended.out
    assert "mended" in mended.out
    assert store.latest()[0].state is RunState.FAILED


@pytest.mark.container
def test_a_container_of_a_run_that_is_over_is_removed(store: Store) -> None:
    damage.leave_a_container(store)
    words = ("doctor", "--store", store.folder)
    told = run_dagbook(store.folder.parent, *words)
    assert told.code == 1
    assert "a container of a is still there" in " ".join(told.out.split())
    assert run_dagbook(store.folder.parent, *words, "--repair").code == 0
    command = ["docker", "ps", "-aq", "--filter", f"label=dagbook={store.id}"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b""


def test_what_only_a_person_can_mend_stays_wrong_and_says_what_to_do(store: Store) -> None:
    """A result of a failure, a story with a gap, the value of a secret in a log; the value is not printed."""
    damage.a_result_of_a_failure(store)
    journal = next((store.folder / "runs").glob("*/a/1/outputs.jsonl"))
    journal.write_text(f'{{"text": "{SECRET}"}}\n')
    said = doctor(store, "--repair", DAGBOOK_SECRET_VAULT=SECRET)
    words = " ".join(said.out.split())
    assert said.code == 1
    assert "--no-cache" in words
    assert "change the secret" in words
    assert "only a person can mend that" in words
    assert SECRET not in said.out + said.err


def test_a_database_that_cannot_be_opened_is_told_and_nothing_else_is_claimed(store: Store) -> None:
    damage.write_over_the_database(store)
    said = doctor(store, "--repair", "--json")
    assert said.code == 1, said.out + said.err
    assert verdicts(said) == {part: "problem" if part == "database" else "note" for part in verdicts(said)}
    assert "sqlite3 dagbook.db .recover" in said.out
    assert "Traceback" not in said.err


def test_the_store_is_that_of_the_folder_or_of_the_file_when_none_is_named(made: Path) -> None:
    project = made.parent
    for words in (("--store", "--json"), ("--store", "flow.ipynb", "--json"), ("flow.ipynb", "--json", "--store")):
        said = run_dagbook(project, "doctor", *words, env=NO_ENGINE)
        assert said.code == 0, said.out + said.err
        assert said.json["store"] == str(made)


def test_where_there_is_no_store_nothing_is_made(tmp_path: Path) -> None:
    said = run_dagbook(tmp_path, "doctor", "--store", "there", env=NO_ENGINE)
    assert said.code == 2
    assert f"E-STORE: there is no store at {tmp_path / 'there'}" in said.err
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "told"), [(("--repair",), "--store --repair"), (("--store", "--report"), "--report")]
)
def test_options_that_mean_nothing_together_are_refused(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    said = run_dagbook(tmp_path, "doctor", *words)
    assert said.code == 2
    assert told in said.err
