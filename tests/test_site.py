"""The documentation site is built, its notebooks executed as `jupyter execute` does it, and shows what they did."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .examples.running import ROOT, environment

SHOWS = {
    "examples/quickstart": ("6 succeeded", "best degree=4", "data:image/png", 'class="dagbook-picture"'),
    "examples/three_trainings": ("8 succeeded", "best accuracy=", "data:image/png", 'class="dagbook-picture"'),
    "examples/parallel_pipelines": ("of its own harbor's ships, and all together", "_images/"),
    "examples/model_search": ("waits for leah or yochay", ": approved by leah", "published with an accuracy of"),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once; any warning of Sphinx is an error, and so is a cell that raises."""
    place = tmp_path_factory.mktemp("site")
    env = environment(place, "process", DOCS_BUILD=str(place / "docs"), DOCS_EXECUTE="force")
    del env["DAGBOOK_STORE"]
    words: list[str | Path] = [sys.executable, ROOT / "docs" / "tools" / "build_site.py", "-q"]
    done = subprocess.run(words, cwd=place, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "docs" / "html"


def text_of(page: Path) -> str:
    """What a page shows, without its tags."""
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", SHOWS)
def test_a_notebooks_page_shows_its_run_below_its_cells(site: Path, name: str) -> None:
    page = site / f"{name}.html"
    for shown in SHOWS[name]:
        assert shown in text_of(page) or shown in page.read_text(encoding="utf-8"), shown


def test_diagrams_are_drawn_and_not_shown_as_text(site: Path) -> None:
    drawn = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").count("```mermaid\n")
    assert drawn
    page = (site / "architecture.html").read_text(encoding="utf-8")
    assert len(re.findall(r'<pre[^>]*class="mermaid"', page)) == drawn


def test_no_page_of_the_site_leads_to_a_file_that_is_not_there(site: Path) -> None:
    """Other pages, pictures, styles; that pages hang together at all is Sphinx's own check."""
    for page in site.rglob("*.html"):
        for target in re.findall(r'(?:href|src)="([^"#?:]+)(?:#[^"]*)?"', page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(site)} leads to {target}"
