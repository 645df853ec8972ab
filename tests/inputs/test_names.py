"""Titles that cannot name a folder, or name the same one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .row import Row, call, in_cells, in_text, lay_out, try_row


def title(name: str, code: str, typed: str, *, says: str = "", fix: str = "title") -> Row:
    """A row that is a node of that title, quoted."""
    return in_cells(name, code, f'%%pipeline_node "{typed}"\n1', says=says, fix=fix, cell=1, line=1)


def two(name: str, first: str, second: str, slug: str) -> Row:
    cells = (f'%%pipeline_node "{first}"\n1', f'%%pipeline_node "{second}"\n1')
    return in_cells(name, "E-NAME-COLLIDES", *cells, says=f"/input/{slug}", fix="Rename one", cell=2)


LETTERS = "Use letters"
ROWS = [
    two("N1-case", "Train Model", "train_model", "train_model"),
    two("N1-symbols", "Train Model", "Train  Model!", "train_model"),
    two("N1-hyphen", "a-b", "a b", "a_b"),
    *[title(f"N2-{typed!a}", "E-NAME-EMPTY", typed) for typed in ("🏥", "患者", "!!!", "   ", "_", "а")],
    in_cells(
        "N3-composed",
        "E-NODE-DUP",
        '%%pipeline_node "x é"\n1',
        '%%pipeline_node "x e\u0301"\n1',
        says="twice",
        fix="Rename one",
        cell=2,
    ),
    *[
        title(f"N3-{ord(odd):04x}", "E-NAME-CHARS", f"a{odd}b", says="invisible or control", fix=LETTERS)
        for odd in "\u200b\u200d\u202e\ufeff\u2066\0\x1b\x7f\ue000"
    ],
    *[
        title(f"N4-{typed}", "E-NAME-CHARS", typed.replace("\\", "\\\\"), fix=LETTERS)
        for typed in (".", "..", "../x", "a/b", "/etc", "a\\b", "C:x", "-rf", "~", "~root", "a~b")
    ],
    title("N5-256", "E-NAME-LONG", "x" * 256, says="256 characters", fix="Shorten"),
    title("N5-10000", "E-NAME-LONG", "x" * 10_000, says="10000 characters", fix="Shorten"),
    title("N5-many-spaces-and-dots", "E-NAME-EMPTY", ". " * 50_000),
    in_cells(
        "N6-a_b.c-and-a.b_c",
        "E-ENV-COLLIDES",
        "%%pipeline_node a_b --param c=1\n1",
        "%%pipeline_node a --param b_c=1\n1",
        "%%pipeline_node d --after a_b a\n1",
        says="A_B_C",
        fix="Rename one",
        node="d",
        cell=3,
    ),
    in_text(
        "N4-in-yaml",
        "E-NAME-CHARS",
        "dagbook: 1\nnodes:\n- title: ../x\n  source: '1'\n",
        says='"/"',
        fix=LETTERS,
        line=3,
    ),
    in_text(
        "N2-in-yaml",
        "E-NAME-EMPTY",
        "dagbook: 1\nnodes:\n- title: 患者\n  source: '1'\n",
        says="患者",
        fix="title",
        line=3,
    ),
    in_text(
        "N8-endpoint",
        "E-TYPE",
        "flow: f\ntasks:\n- title: a\n  type: deploy\n  file_name: p.py\n  function_name: f\n"
        "  min_replica: 1\n  max_replica: 1\n  endpoint_title: My_Model!\nrelations: []\n",
        says="endpoint_title",
        fix="address",
        file="flow.yaml",
        line=9,
        node="a",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_title_that_is_wrong_is_told_with_its_cell(row: Row, folder: Path) -> None:
    try_row(row, folder)


@pytest.mark.parametrize("typed", ["CON", "a.", "a'b", "Straße", "x" * 100, "$(id)", "{x}", "a;b", "$HOME", "%d"])
def test_N4_M6_a_title_that_is_odd_and_sound_is_taken_as_it_stands(typed: str, folder: Path) -> None:
    lay_out(in_cells("", "", f'%%pipeline_node "{typed}"\n1', says="", fix=""), folder)
    (step,) = json.loads(call("plan", "flow.ipynb", "--json").stdout)["steps"]
    assert step["node"] == typed
