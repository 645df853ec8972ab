"""The auditor on a real store: nothing is wrong with a sound one; each damage is found, mended, and gone then."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from dagbook.runner.audit import Finding, Invariant, audit
from dagbook.runner.records.store import Store
from tests.audit import damage
from tests.conftest import run_dagbook

SECRET = b"a-secret-that-nobody-knows"


def found(store: Store, *secrets: bytes) -> list[Finding]:
    return list(audit(store, secrets))


Damage = Callable[[Store], None]
MENDED: list[tuple[Damage, Invariant]] = [
    (damage.lose_an_index_entry, Invariant.DATABASE),
    (damage.change_a_byte, Invariant.RESULTS),
    (damage.lose_the_manifest_only, Invariant.RESULTS),
    (damage.lose_the_artifact, Invariant.RESULTS),
    (damage.kill_the_process, Invariant.ATTEMPTS),
    (damage.cut_a_notebook, Invariant.NOTEBOOKS),
    (damage.list_it_wrongly, Invariant.HISTORY),
    (damage.half_a_publication, Invariant.LEFTOVERS),
    (damage.half_a_snapshot, Invariant.LEFTOVERS),
    (damage.a_draft_of_nobody, Invariant.LEFTOVERS),
    (damage.a_run_of_nobody, Invariant.LEFTOVERS),
    (damage.a_socket_of_nobody, Invariant.LEFTOVERS),
    pytest.param(damage.leave_a_container, Invariant.CONTAINERS, marks=pytest.mark.container),  # type: ignore[list-item]
]


def test_nothing_is_wrong_with_a_sound_store(store: Store) -> None:
    assert found(store, SECRET) == []


@pytest.mark.parametrize(("harm", "invariant"), MENDED)
def test_damage_is_found_mended_and_gone_then(store: Store, harm: Damage, invariant: Invariant) -> None:
    harm(store)
    findings = found(store)
    assert {one.invariant for one in findings} == {invariant}
    assert found(store) == findings, "looking has changed something"
    for one in findings:
        assert one.repair, one
        assert one.mend is not None
        one.mend()
    assert found(store) == []


def test_mending_a_store_whose_database_was_lost_removes_no_notebook(store: Store) -> None:
    """The folders of its runs are set aside with all that they hold."""
    run = store.latest()[0].id
    held = {path.relative_to(store.folder / "runs"): path.read_bytes() for path in _notebooks(store.folder / "runs")}
    store.close()
    for database in store.folder.glob("dagbook.db*"):
        database.unlink()
    with closing(Store(store.folder)) as anew:
        for one in found(anew):
            assert one.mend is not None
            one.mend()
        assert found(anew) == []
    aside = store.folder / "quarantine" / f"{run}.1"
    assert {path.relative_to(aside): path.read_bytes() for path in _notebooks(aside)} == held != {}


def _notebooks(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.ipynb"))


@pytest.mark.parametrize(
    ("harm", "invariant"),
    [
        (damage.lose_a_fact, Invariant.HISTORY),
        (damage.tell_a_fact_twice, Invariant.HISTORY),
        (damage.a_result_of_a_failure, Invariant.FAILURES),
    ],
)
def test_what_only_a_person_can_mend_is_told_too(store: Store, harm: Damage, invariant: Invariant) -> None:
    harm(store)
    findings = found(store)
    assert invariant in {one.invariant for one in findings}
    assert all(one.mend is None for one in findings if one.invariant is invariant)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("flow.yaml", "dagbook: 1\nname: flow\nnodes:\n- {title: a, kind: command, source: 'true'}\n"),
        ("cells.py", "# %%\n%load_ext dagbook\n# %%\n%%pipeline_command a\ntrue\n"),
        ("built.py", "import dagbook\nflow = dagbook.Pipeline('x')\nflow.command('a', 'true')\n"),
    ],
    ids=["yaml", "cells", "program"],
)
def test_a_run_of_a_file_that_is_no_notebook_is_sound(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    said = run_dagbook(tmp_path, "run", name, "--executor", "process")
    assert said.code == 0, said.err
    assert found(Store(tmp_path / ".dagbook", create=False)) == []


def test_a_database_that_is_damaged_is_told_with_what_to_do(store: Store) -> None:
    damage.write_over_the_database(store)
    (first, *_) = found(store)
    assert first.invariant is Invariant.DATABASE
    assert "recover" in first.advice


@pytest.mark.parametrize("spelled", [bytes.decode, lambda value: base64.b64encode(b"x" + value).decode()])
def test_a_secret_in_a_notebook_or_the_database_is_found(store: Store, spelled: Callable[[bytes], str]) -> None:
    notebook = next((store.folder / "runs").glob("*/a/1/outputs.jsonl"))
    notebook.write_text(f'{{"text": "{spelled(SECRET)}"}}\n')
    damage.rows(store, "insert into about values ('x', ?)", spelled(SECRET))
    findings = found(store, SECRET)
    assert {one.invariant for one in findings} == {Invariant.SECRETS}
    assert {Path(one.where).name for one in findings} >= {"outputs.jsonl"}
    assert any("dagbook.db" in one.where for one in findings)
    assert all(SECRET.decode() not in str(one) for one in findings)


@pytest.mark.parametrize("note", [False, True])
def test_T21_a_forged_artifact_is_found_and_mended(store: Store, note: bool) -> None:
    """Also where it is noted that all its bytes were hashed: the auditor relies on no note."""
    digest = damage.forge(store, note=note)
    (one,) = found(store)
    assert one.invariant is Invariant.RESULTS
    assert f"{digest}.json differs" in one.what
    assert one.mend is not None
    one.mend()
    assert found(store) == []


def test_T21_a_forged_artifact_stands_for_no_node(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(made.parent, folder, symlinks=True)
    digest = damage.forge(Store(folder / ".dagbook", create=False))
    said = run_dagbook(folder, "run", "flow.ipynb", "--executor", "process", "--json")
    (a,) = [one for one in said.json["node_runs"] if one["node"] == "a"]
    assert a["state"] == "succeeded"
    assert digest not in a["artifact"]
    assert (Path(a["artifact"]) / "a.txt").read_text() == "1"
