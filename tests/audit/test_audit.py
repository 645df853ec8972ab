"""The auditor on a real store: nothing is wrong with a sound one; each damage is found, mended, and gone then."""

from __future__ import annotations

import base64
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dagbook.runner.audit import Finding, Invariant, audit
from dagbook.runner.records.store import Store
from tests.conftest import run_dagbook, write_notebook

SECRET = "a-secret-that-nobody-knows"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a run of two nodes, one of which failed."""
    folder = tmp_path_factory.mktemp("audited")
    write_notebook(folder / "flow.ipynb", "%%pipeline_node a\nopen('a.txt', 'w').write('1')", "%%pipeline_node b\n1/0")
    assert run_dagbook(folder, "run", "flow.ipynb", "--executor", "process").code == 1
    return folder / ".dagbook"


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Store:
    """A copy of it."""
    shutil.copytree(made, tmp_path / "store", symlinks=True)
    return Store(tmp_path / "store", create=False)


def found(store: Store, *secrets: str) -> list[Finding]:
    return list(audit(store, secrets))


def rows(store: Store, statement: str, *values: object) -> None:
    with store.writing() as connection:
        connection.execute(statement, values)


def artifact(store: Store) -> Path:
    (home,) = [path for path in store.artifacts.glob("??/*") if path.is_dir() and any(path.iterdir())]
    return home


def change_a_byte(store: Store) -> None:
    """Of a file, with all its times set back, as a disk would do it."""
    file = artifact(store) / "a.txt"
    before = file.stat()
    os.chmod(file, 0o644)
    file.write_text("2")
    os.chmod(file, 0o444)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def lose_the_manifest_only(store: Store) -> None:
    artifact(store).with_suffix(".json").unlink()


def lose_the_artifact(store: Store) -> None:
    home = artifact(store)
    os.chmod(home, 0o755)
    shutil.rmtree(home)
    home.with_suffix(".json").unlink()
    home.with_suffix(".seen").unlink()


def kill_the_process(store: Store) -> None:
    """As if the run's process had been killed while b ran."""
    run = store.latest()[0].id
    last = store.facts(run)
    cut = next(e.number for e in last if getattr(e.fact, "id", "") == "b" and getattr(e.fact, "state", "") == "running")
    rows(store, "delete from facts where run = ? and number > ?", run, cut)
    dead = json.dumps({"host": os.uname().nodename, "pid": 4_194_303, "began": "1", "bell": None})
    rows(store, "update runs set state = 'running', ended = null, process = ? where id = ?", dead, run)


def leave_a_container(store: Store) -> None:
    labels = ["--label", f"dagbook={store.id}", "--label", "dagbook.run=0", "--label", "dagbook.node_run=a"]
    image = os.environ.get("DAGBOOK_IMAGE", "dagbook/base:bookworm")
    subprocess.run(["docker", "create", *labels, image, "true"], check=True, capture_output=True)


def cut_a_notebook(store: Store) -> None:
    notebook = next((store.folder / "runs").glob("*/a/1/notebook.ipynb"))
    notebook.write_bytes(notebook.read_bytes()[:-40])


def list_it_wrongly(store: Store) -> None:
    rows(store, "update runs set state = 'succeeded'")


def half_a_publication(store: Store) -> None:
    home = store.artifacts / "ab"
    home.mkdir()
    (home / f"{'ab' * 32}.json").write_text("[]")
    (home / f"{'cd' * 32}.json.12.34").write_text("[")


def half_a_snapshot(store: Store) -> None:
    (store.code / ".new-x").mkdir()


def a_draft_of_nobody(store: Store) -> None:
    (store.folder / "drafts" / "x").mkdir(parents=True)
    (store.folder / "drafts" / "x" / "lock").touch()


def a_run_of_nobody(store: Store) -> None:
    (store.folder / "runs" / "feedbeef" / "a").mkdir(parents=True)


def a_socket_of_nobody(store: Store) -> None:
    place = Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp") / f"dagbook-{store.latest()[0].id}-x"
    place.mkdir()


Damage = Callable[[Store], None]
MENDED: list[tuple[Damage, Invariant]] = [
    (change_a_byte, Invariant.RESULTS),
    (lose_the_manifest_only, Invariant.RESULTS),
    (lose_the_artifact, Invariant.RESULTS),
    (kill_the_process, Invariant.ATTEMPTS),
    (cut_a_notebook, Invariant.NOTEBOOKS),
    (list_it_wrongly, Invariant.HISTORY),
    (half_a_publication, Invariant.LEFTOVERS),
    (half_a_snapshot, Invariant.LEFTOVERS),
    (a_draft_of_nobody, Invariant.LEFTOVERS),
    (a_run_of_nobody, Invariant.LEFTOVERS),
    (a_socket_of_nobody, Invariant.LEFTOVERS),
    pytest.param(leave_a_container, Invariant.CONTAINERS, marks=pytest.mark.container),  # type: ignore[list-item]
]


def test_nothing_is_wrong_with_a_sound_store(store: Store) -> None:
    assert found(store, SECRET) == []


@pytest.mark.parametrize(("damage", "invariant"), MENDED)
def test_damage_is_found_mended_and_gone_then(store: Store, damage: Damage, invariant: Invariant) -> None:
    damage(store)
    findings = found(store)
    assert {one.invariant for one in findings} == {invariant}
    assert found(store) == findings, "looking has changed something"
    for one in findings:
        assert one.repair, one
        assert one.mend is not None
        one.mend()
    assert found(store) == []


def lose_a_fact(store: Store) -> None:
    rows(store, "delete from facts where number = 2")


def tell_a_fact_twice(store: Store) -> None:
    """A node run that has ended ends once more."""
    run = store.latest()[0].id
    last = store.facts(run)[-1].number
    body = json.dumps({"id": "a", "state": "succeeded", "attempt": 1, "reason": "", "detail": {}})
    rows(store, "insert into facts values (?, ?, 0, 'changed', ?)", run, last + 1, body)


def a_result_of_a_failure(store: Store) -> None:
    named = json.dumps({"artifact": artifact(store).name})
    rows(store, "update facts set body = json_set(body, '$.detail', json(?)) where body like '%\"failed\"%'", named)


@pytest.mark.parametrize(
    ("damage", "invariant"),
    [
        (lose_a_fact, Invariant.HISTORY),
        (tell_a_fact_twice, Invariant.HISTORY),
        (a_result_of_a_failure, Invariant.FAILURES),
    ],
)
def test_what_only_a_person_can_mend_is_told_too(store: Store, damage: Damage, invariant: Invariant) -> None:
    damage(store)
    findings = found(store)
    assert invariant in {one.invariant for one in findings}
    assert all(one.mend is None for one in findings if one.invariant is invariant)


def test_a_database_that_is_damaged_is_told_with_what_to_do(store: Store) -> None:
    with sqlite3.connect(store.database) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    content = bytearray(store.database.read_bytes())
    content[4096 * 3 : 4096 * 6] = os.urandom(4096 * 3)
    store.database.write_bytes(content)
    (first, *_) = found(store)
    assert first.invariant is Invariant.DATABASE
    assert "recover" in first.what


@pytest.mark.parametrize("spelled", [str, lambda text: base64.b64encode(f"x{text}".encode()).decode()])
def test_a_secret_in_a_notebook_or_the_database_is_found(store: Store, spelled: Callable[[str], str]) -> None:
    notebook = next((store.folder / "runs").glob("*/a/1/outputs.jsonl"))
    notebook.write_text(f'{{"text": "{spelled(SECRET)}"}}\n')
    rows(store, "insert into about values ('x', ?)", spelled(SECRET))
    findings = found(store, SECRET)
    assert {one.invariant for one in findings} == {Invariant.SECRETS}
    assert {Path(one.where).name for one in findings} >= {"outputs.jsonl"}
    assert any("dagbook.db" in one.where for one in findings)
    assert all(SECRET not in str(one) for one in findings)
