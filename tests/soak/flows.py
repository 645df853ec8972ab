"""What is run for a long time: nodes of all kinds, short ones."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import write_notebook

MIXED = (
    "# parameters\nn = 0",
    "%%pipeline_node first --param n\nimport dagbook\nprint('line ' * 200)\n"
    "open('a.bin', 'wb').write(bytes([n % 256]) * 50_000)\n"
    "dagbook.log_tag('n', n)",
    "%%pipeline_command spread --after first --grid x=1,2,3\nwc -c < /input/first/a.bin > size.txt\n"
    "echo dagbook_tag_score: $DAGBOOK_TAG_X",
    "%%pipeline_command best --after spread --when max:score\ncat /input/spread/size.txt > best.txt",
    "%%pipeline_command all --after spread --gather\ncat /input/spread/*/size.txt > all.txt",
    "%%pipeline_command never --after first --when gt:n:100000000\nexit 1",
)
FAILING = (
    "# parameters\nn = 0",
    "%%pipeline_command bad --param n\nexit 3",
    "%%pipeline_command after --after bad\ntrue",
)
SHORT = ("# parameters\nn = 0", '%%pipeline_command one --param n\necho "$DAGBOOK_TAG_N" > n.txt')

PASSED = {"first": 1, "spread": 3, "best": 1, "all": 1}  # node runs of MIXED that succeed


def write(folder: Path) -> None:
    """The notebooks of a project."""
    write_notebook(folder / "mixed.ipynb", *MIXED)
    write_notebook(folder / "failing.ipynb", *FAILING)
    write_notebook(folder / "short.ipynb", *SHORT)
