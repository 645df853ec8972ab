"""Values in the database that dagbook has not written: the auditor says so, and nobody shows a traceback of ours."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from dagbook.runner.audit import audit
from dagbook.runner.cli import main
from dagbook.runner.core.errors import DagbookError
from dagbook.runner.records.schema import TABLES
from dagbook.runner.records.store import Store
from tests.audit import damage

DEEP = "[" * 100_000
BAD: list[object] = [
    *("", "x", "[]", "{}", "null", "*", "../../x", DEEP),
    *(-1, 1e300, b"\xff\xfe"),
    *('{"detail": 1}', '{"pid": "x"}', '{"pid": [1]}', '{"pid": 0, "bell": 7}', '{"a": NaN}', f'{{"a": {DEEP}'),
]
COLUMNS = [
    (table, line.split()[0])
    for table in ("about", "runs", "facts", "cache")  # those that every run fills
    for line in TABLES[table].strip().splitlines()
    if "primary key (" not in line
]


def damaged(store: Store, table: str, column: str) -> Iterator[Store]:
    """The store with one bad value after the other in a column; as it was before in the end."""
    import sqlite3

    with store.reading() as rows:
        before = rows.execute(f"select rowid, {column} from {table}").fetchall()
    for value in BAD:
        if column == "record" and isinstance(value, str) and value.startswith("{") and DEEP not in value:
            continue  # an object, if one of another shape
        try:
            damage.rows(store, f"update {table} set {column} = ?", value)
        except sqlite3.IntegrityError:
            continue  # the table itself refuses it: two rows would be one
        yield store
    for number, value in before:
        damage.rows(store, f"update {table} set {column} = ? where rowid = ?", value, number)


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda word: word)
def test_F38_a_value_that_is_none_of_ours_ends_no_audit_and_no_command_in_a_traceback(
    store: Store, table: str, column: str
) -> None:
    run = store.latest()[0].id
    commands = (["runs"], ["show", run], ["logs", run], ["why", run, "a"], ["doctor", "--store", str(store.folder)])
    for harmed in damaged(store, table, column):
        try:
            list(audit(harmed))
        except DagbookError as error:
            raise AssertionError("the audit itself was broken off") from error
        for words in commands:
            place = [] if words[0] == "doctor" else ["--store", str(store.folder)]
            said = CliRunner().invoke(main, [*words, *place])
            assert said.exception is None or isinstance(said.exception, SystemExit), (words, said.exception)


@pytest.mark.parametrize("process", [{"pid": 0}, {"pid": 4_194_303, "host": os.uname().nodename, "began": "1"}])
def test_T7_looking_at_a_store_of_somebody_elses_removes_no_folder_that_it_names(
    store: Store, tmp_path: Path, process: dict[str, object]
) -> None:
    """A path in the database is no reason to remove what is there."""
    run = store.latest()[0].id
    folders = [tmp_path / "documents", tmp_path / f"dagbook-{run}-mine"]
    for folder in folders:
        folder.mkdir()
        (folder / "letter.txt").write_text("dear")
        names = json.dumps({**process, "bell": str(folder / "bell")})
        damage.rows(store, "update runs set state = 'running', ended = null, process = ? where id = ?", names, run)
        damage.rows(store, "delete from facts where number > 3")
        for words in ("runs", "show", "logs"):
            CliRunner().invoke(main, [words, *([run] * (words != "runs")), "--store", str(store.folder)])
        for one in audit(store):
            if one.mend:
                one.mend()
    assert [(folder / "letter.txt").read_text() for folder in folders] == ["dear"] * 2
