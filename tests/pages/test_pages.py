"""What the pages tell their readers to do works, in the order in which it stands, and prints what stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..examples.running import ROOT, environment
from .doing import Reader
from .reading import NotClear, steps

DOCS = ROOT / "docs"
CONTAINER = "<!-- needs containers -->"


def followed() -> list[object]:
    """The pages that readers follow at the keyboard; those that need containers are marked so."""
    folders = [sorted((DOCS / name).glob("*.md")) for name in ("howto", "coming_from")]
    pages = [ROOT / "README.md", DOCS / "tutorial.md", *(page for folder in folders for page in folder)]
    return [
        pytest.param(
            page,
            id=page.relative_to(ROOT).as_posix(),
            marks=[pytest.mark.container] if CONTAINER in page.read_text(encoding="utf-8") else [],
        )
        for page in pages
        if page.stem != "index"
    ]


@pytest.mark.parametrize("page", followed())
def test_a_page_can_be_followed_as_it_stands(page: Path, tmp_path: Path) -> None:
    """Files written, cells put into notebooks, commands typed; their output and their failures are told."""
    follow(page, tmp_path)


def follow(page: Path, place: Path) -> None:
    """Do all that a page says, in a folder of its own under `place`."""
    folder = place / "project"
    folder.mkdir()
    executor = "docker" if CONTAINER in page.read_text(encoding="utf-8") else "process"
    env = environment(place, executor, HOME=str(place), COLUMNS="100", USER="leah", LOGNAME="leah")
    del env["DAGBOOK_STORE"]  # beside the notebook, as for everybody
    reader = Reader(folder, env)
    for step in steps(page):
        reader.do(step)
    reader.end()


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
