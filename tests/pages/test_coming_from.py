"""The pages for those who come from another tool can be followed as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from .following import DOCS, follow, followed


@pytest.mark.parametrize("page", followed((DOCS / "coming_from").glob("*.md")))
def test_what_somebody_knows_from_another_tool_is_done_here_as_its_page_says(page: Path, tmp_path: Path) -> None:
    follow(page, tmp_path)
