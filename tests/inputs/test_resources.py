"""Images, memory, cores and times that cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from .row import Row, in_cells, in_text, try_row


def node(name: str, code: str, line: str, *, says: str = "", fix: str = "") -> Row:
    """A row that is a node with this on its line."""
    return in_cells(name, code, f"%%pipeline_node a {line}\n1", says=says, fix=fix, cell=1, line=1)


ROWS = [
    *[
        node(f"D1-{image[:30]}", "E-IMAGE-REF", f"--image '{image}'", fix="TAG")
        for image in (
            "",
            "UPPER:tag",
            "x y",
            "-v/:/host",
            "--privileged",
            "img@sha256:short",
            "a//b",
            "a:b:c",
            "a:",
            ":tag",
            "a;id",
            "$(id)",
            "../x",
            "a@b@c",
            "a@",
            "x" * 10_000 + "!",
            "é",
        )
    ],
    *[
        node(f"D2-memory-{text}", "E-VALUE", f"--memory '{text}'", says=repr(text)[:100], fix="512m")
        for text in ("-1", "10 GB", "0", "1", "nan", "1e9", "1" * 400, "x")
    ],
    *[
        node(f"D2-cpus-{text}", "E-VALUE", f"--cpus '{text}'", says=repr(text), fix="0.5")
        for text in ("0", "-1", "1e9", "nan", "inf", "two")
    ],
    *[
        node(f"D2-timeout-{text}", "E-VALUE", f"--timeout '{text}'", fix="30s")
        for text in ("0", "-1", "10 parsecs", "nan", "1" * 400)
    ],
    *[
        node(f"D2-retries-{text}", "E-VALUE", f"--retries '{text}'", fix="0 to 100")
        for text in ("-1", "1e3", "101", "many", "1" * 5000)
    ],
    *[node(f"D2-gpus-{text}", "E-VALUE", f"--gpus '{text}'") for text in ("-1", "many", "1e9")],
    in_text(
        "D1-in-yaml",
        "E-IMAGE-REF",
        "dagbook: 1\nnodes:\n- title: a\n  image: -v/:/x\n  source: '1'\n",
        says="-v",
        fix="TAG",
        line=3,
    ),
    in_text(
        "D2-in-yaml",
        "E-VALUE",
        "dagbook: 1\nnodes:\n- title: a\n  memory: -1\n  source: '1'\n",
        says="-1",
        fix="512m",
        line=3,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_a_node_may_take_is_told_where_it_means_nothing(row: Row, folder: Path) -> None:
    try_row(row, folder)
