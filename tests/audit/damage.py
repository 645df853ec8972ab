"""Damage done to a store by hand, as crashes, disks and other programs do it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path

from dagbook.runner.records.manifest import Item, write_manifest
from dagbook.runner.records.seen import Sum, fingerprint, remember, walk
from dagbook.runner.records.store import Store


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
    place = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"dagbook-{store.latest()[0].id}-x"
    place.mkdir()


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


def write_over_the_database(store: Store) -> None:
    """Pages in the middle of the file hold something else."""
    with sqlite3.connect(store.database) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    content = bytearray(store.database.read_bytes())
    content[4096 * 3 : 4096 * 6] = os.urandom(4096 * 3)
    store.database.write_bytes(content)


def lose_an_index_entry(store: Store) -> None:
    """An index lacks a row of its table: it was hidden from SQLite as the row was written."""
    for statements in (
        ("create table held (a)", "create index by_a on held (a)"),
        ("create table hidden as select * from sqlite_master where name = 'by_a'",
         "pragma writable_schema = on", "delete from sqlite_master where name = 'by_a'"),
        ("insert into held values (1)",),
        ("pragma writable_schema = on", "insert into sqlite_master select * from hidden"),
    ):  # fmt: skip
        connection = sqlite3.connect(store.database, isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()


def forge(store: Store, *, note: bool = False) -> str:
    """What a hand writes that knows how artifacts look: a folder, its manifest, a row that calls it the result.

    The entries are true, and the digest is made up. With `note` it is also written down that all was hashed. Gives the
    digest.
    """
    digest = "ab" * 32
    home = store.artifacts / digest[:2] / digest
    home.mkdir(parents=True)
    (home / "a.txt").write_text("forged")
    content = hashlib.sha256(b"forged").hexdigest()
    write_manifest(home, [Item("a.txt", "file", 6, False, content)])
    os.chmod(home / "a.txt", 0o444)
    os.chmod(home, 0o555)
    if note:
        whole = Sum()
        whole.add("", os.lstat(home.with_suffix(".json")))
        for path, _name, _handle, found in walk(home):
            whole.add(path, found)
        remember(home, {"a.txt": fingerprint(os.lstat(home / "a.txt"))}, whole)
    rows(store, "update cache set body = json_set(body, '$.detail.artifact', ?)", digest)
    return digest
