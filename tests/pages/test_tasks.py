"""The pages that tell how to do one thing can be followed as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from .following import DOCS, follow, followed


@pytest.mark.parametrize("page", followed((DOCS / "howto").glob("*.md")))
def test_a_task_is_done_as_its_page_says(page: Path, tmp_path: Path) -> None:
    follow(page, tmp_path)
