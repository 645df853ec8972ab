"""What a new user reads first can be followed as it stands; and a page that told something wrong would be found."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..examples.running import ROOT
from .following import DOCS, follow, followed
from .reading import NotClear


@pytest.mark.parametrize("page", followed([ROOT / "README.md", DOCS / "tutorial.md"]))
def test_a_new_user_comes_through_as_the_page_says(page: Path, tmp_path: Path) -> None:
    """Install aside: first nodes, first mistake, first failure, second run, the workflow for CI."""
    follow(page, tmp_path)


WRONG = {
    "prints something else": "```console\n$ echo one\ntwo\n```\n",
    "also prints": "```console\n$ printf 'one\\ntwo\\n'\none\n```\n",
    "does not tell that this ends with 3": "```console\n$ exit 3\n```\n",
    "that this ends with 3, in the middle": "```console\n$ exit 3\n$ echo one\none\n```\n",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_page_that_tells_something_else_than_what_happens_is_found(text: str, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(text)
    with pytest.raises(AssertionError):
        follow(tmp_path / "page.md", tmp_path)


def test_times_ids_widths_and_what_is_left_out_are_not_compared(tmp_path: Path) -> None:
    printed = "12:00:01 ok 7b510fa0   0.3 s\\nrest\\nx=5 y\\n"
    told = "13:57:59 ok 00000001 12 s\n…\nx=… y"
    (tmp_path / "page.md").write_text(f"```console\n$ printf '{printed}'\n{told}\n```\n")
    follow(tmp_path / "page.md", tmp_path)


def test_a_fence_must_say_what_a_reader_does_with_it(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("```python\nprint(1)\n```\n")
    with pytest.raises(NotClear):
        follow(tmp_path / "page.md", tmp_path)
