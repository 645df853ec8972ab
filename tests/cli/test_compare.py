"""`dagbook compare`, run for real on runs whose nodes are processes."""

from __future__ import annotations

import csv
import io
import os
import pty
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagbook.runner.core.lifecycle import Created, RunChanged, RunState, Tagged
from dagbook.runner.records.store import Store
from dagbook.runner.view import plain
from tests.conftest import DAGBOOK, MakeNotebook, Said

Dagbook = Callable[..., Said]

GRID = (
    "%%pipeline_node train --grid lr=0.1,0.01 --param epochs\nimport dagbook\n"
    "for step in range(epochs):\n    dagbook.log_metric('loss', lr / (step + 1), step)\n"
    "dagbook.log_tag('accuracy', 1 - lr)\nopen('model.txt', 'w').write(str(lr))"
)
DATA = "%%pipeline_node data --param seed\nopen('data.txt', 'w').write(str(seed))\nprint('dagbook_tag_rows:', seed * 2)"
FIT = "%%pipeline_node fit --after data\nprint('dagbook_tag_score: 0.5')\nopen('model.txt', 'w').write('a')"
PARAMETERS = "# parameters\nepochs = 2\nseed = 7"


@pytest.fixture
def run(dagbook: Dagbook) -> Callable[..., str]:
    """Runs a notebook and gives the run's id."""

    def started(notebook: Path, *words: str) -> str:
        said = dagbook("run", notebook, "--executor", "process", "--json", *words)
        assert said.code == 0, said.err
        return str(said.json["run"])

    return started


def test_rows_31_67_the_routes_of_a_run_are_compared(
    dagbook: Dagbook, run: Callable[..., str], make_notebook: MakeNotebook
) -> None:
    id = run(make_notebook(PARAMETERS, GRID))
    said = dagbook("compare", "--by", "accuracy")
    assert said.code == 0, said.err
    first, shared, _, head, best, other = said.out.splitlines()
    assert first.startswith(f"Run {id}  ")
    assert shared == "The same in all: epochs=2"
    assert head.split() == ["node", "run", "state", "lr", "accuracy", "↓", "loss", "min", "…", "max", "duration"]
    words = ["train#2", "✓", "succeeded", "0.01", "★", "0.99", "0.005", "0.005", "…", "0.01"]
    assert best.split()[: len(words)] == words
    assert "★" not in other
    data = dagbook("compare", id, "--by", "-accuracy", "--json").json
    assert data["differs"] == {}
    assert [row["id"] for row in data["rows"]] == ["train#1", "train#2"]
    row = data["rows"][0]
    assert row["duration_s"] > 0
    assert row["params"] == {"lr": 0.1, "epochs": 2}
    assert row["metrics"] == {"loss": [[0.0, 0.1], [1.0, 0.05]]}
    assert row["tags"] == {"lr": 0.1, "epochs": 2, "loss": 0.05, "accuracy": 0.9}
    assert (row["run"], row["node"], row["state"]) == (id, "train", "succeeded")
    table = csv.DictReader(io.StringIO(dagbook("compare", "--csv").out))
    assert [row["tags.accuracy"] for row in table] == ["0.9", "0.99"]


def test_row_67_runs_are_compared_with_what_differs_in_code_and_inputs(
    dagbook: Dagbook, run: Callable[..., str], make_notebook: MakeNotebook
) -> None:
    notebook = make_notebook(PARAMETERS, DATA, FIT)
    (notebook.parent / "settings.txt").write_text("one")
    first = run(notebook)
    make_notebook(PARAMETERS, DATA, FIT.replace("0.5", "0.75"))
    (notebook.parent / "settings.txt").write_text("two")
    second = run(notebook, "-p", "seed", "8")
    data = dagbook("compare", first, second, "--json").json
    assert [(row["run"], row["id"], row["params"]["seed"]) for row in data["rows"]] == [
        (first, None, 7),
        (second, None, 8),
    ]
    assert [(row["tags"]["rows"], row["tags"]["score"]) for row in data["rows"]] == [(14, 0.5), (16, 0.75)]
    differs = data["differs"]
    assert differs["parameters"] == {"seed": {first: 7, second: 8}}
    assert "+print('dagbook_tag_score: 0.75')" in differs["code"]["fit"][second]
    assert differs["project"]["files"][second]["changed"] == ["settings.txt"]
    assert [(one["node"], one["files"][second]["changed"]) for one in differs["artifacts"]] == [("data", ["data.txt"])]
    told = dagbook("compare", first, second).out
    assert f"What differs ({first} → {second})" in told
    assert "seed  7 → 8" in told
    assert "-print('dagbook_tag_score: 0.5')" in told
    assert "changed: data.txt" in told


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["zzz"], "E-RUN-UNKNOWN", "there is no run 'zzz'"),
        (["--node", "trian"], "E-NODE-UNKNOWN", 'Did you mean "train"?'),
        (["--by", "acuracy"], "E-USAGE", 'Did you mean "accuracy"?'),
        (["--csv", "--json"], "E-USAGE", "Keep one"),
    ],
)
def test_a_wrong_call_is_told_in_words(
    dagbook: Dagbook, tmp_path: Path, words: list[str], code: str, told: str
) -> None:
    store = Store(tmp_path / "project" / ".dagbook")
    id = store.add_run("demo", {"pipeline": {"nodes": [{"title": "train"}]}}, {})
    tagged = Tagged("train", "accuracy", 0.9)
    store.append(id, 0, [Created("train", "train", (), {}, {}, {}), tagged, RunChanged(RunState.SUCCEEDED)])
    said = dagbook("compare", *words)
    assert said.code == 2
    assert code in said.err
    assert told in said.err


def on_a_terminal(folder: Path, columns: int, *words: str) -> list[str]:
    """What the command writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color"}
    child = subprocess.Popen([DAGBOOK, *words], cwd=folder, stdout=theirs, stdin=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    written = b"".join(_read(ours))
    os.close(ours)
    assert child.wait() == 0
    assert b"\x1b[" in written
    return plain(written.decode()).replace("\r\n", "\n").split("\n")


def _read(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            found = os.read(descriptor, 65536)
        except OSError:  # the other end was closed
            return
        if not found:
            return
        yield found


def test_on_a_terminal_the_table_gives_way_to_a_list_where_there_is_no_room(
    run: Callable[..., str], make_notebook: MakeNotebook
) -> None:
    notebook = make_notebook(PARAMETERS, GRID)
    run(notebook)
    wide, narrower, narrow = (on_a_terminal(notebook.parent, columns, "compare") for columns in (100, 60, 40))
    assert any(line.split()[-3:] == ["…", "max", "duration"] for line in wide)
    assert any(line.split()[-3:] == ["accuracy", "loss", "duration"] for line in narrower)
    assert any("min … max is left out" in line for line in narrower)
    assert "train#1  ✓ succeeded" in narrow
    assert "  accuracy   0.9" in [line.rstrip() for line in narrow]
    for columns, lines in ((100, wide), (60, narrower), (40, narrow)):
        assert max(len(line.rstrip()) for line in lines) <= columns
