"""A dagbook.toml that cannot be read or meant, and files of parameters that cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from .row import Row, call, in_cells, lay_out, try_row
from .test_yaml import BOMB

FLOW = ("%%pipeline_node a\n1",)


def setting(name: str, text: str | bytes, says: str, fix: str = "Mend") -> Row:
    """A row that is a dagbook.toml beside a sound notebook."""
    return Row(name, "E-SETTING", says, fix, cells=FLOW, files={"dagbook.toml": text}, of="dagbook.toml")


ROWS = [
    setting("unknown", "jbos = 3\n", "'jbos'", '"jobs"'),
    setting("no-toml", "jobs: 3\n", "cannot be read"),
    setting("no-text", b"jobs = '\xff'\n", "cannot be read"),
    setting("deep-lists", "jobs = " + "[" * 5000, "within each other"),
    setting("deep-tables", "jobs = " + "{a=" * 5000, "within each other"),
    setting("five-thousand-digits", "jobs = " + "1" * 5000, "cannot be read"),
    setting("nan", "jobs = nan\n", "whole number"),
    setting("a-list-for-a-text", "image = ['a']\n", "should be a text"),
    replace(setting("an-option-as-an-image", "image = '--privileged'\n", "--privileged", "TAG"), code="E-IMAGE-REF"),
    setting("a-key-twice", "jobs = 1\njobs = 2\n", "cannot be read"),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_settings_that_are_wrong_are_told(row: Row, folder: Path) -> None:
    try_row(row, folder)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB.replace("dagbook: 1\n", ""), "1,000,000 values"),
        ("a: &a [*a]", "1,000,000 values"),
        ("a: " + "[" * 5000, "not YAML"),
        ("a: !!python/object/apply:os.system [id]", "python/object"),
        ("a: " + "1" * 5000, "not YAML"),
        ("- a", "no mapping"),
        ("a: {b: 1}", "dict"),
    ],
    ids=["Y1-bomb", "Y1-within-itself", "Y2-deep", "Y3-tag", "digits", "Y7-list", "P-4-mapping"],
)
def test_parameters_in_a_file_that_cannot_be_meant_are_told(text: str, says: str, folder: Path) -> None:
    lay_out(in_cells("", "", *FLOW, says="", fix=""), folder)
    (folder / "values.yaml").write_text(text)
    ended = call("run", "flow.ipynb", "--executor", "process", "-f", "values.yaml")
    assert ended.exit_code == 2
    assert says in ended.output
    assert sorted(path.name for path in folder.iterdir()) == ["flow.ipynb", "values.yaml"]
