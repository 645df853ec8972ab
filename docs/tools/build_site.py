"""Lays the sources of the documentation site side by side, and has Sphinx build it.

The pages of docs/ are the site. The example notebooks, the tutorials and some pages from elsewhere in the project are
copied to places beside them, and links are led to where things are then. Sphinx executes the notebooks.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("DOCS_BUILD", ROOT / "build" / "docs"))

# Where things are on the site, relative to its top; what is in no folder of this table is not on it.
PLACES = {
    "docs": "",
    "example_notebooks": "examples",
    "runner/tutorials": "tutorials",
    "CONTRIBUTING.md": "contributing.md",
}
LEFT_OUT = shutil.ignore_patterns(".dagbook", ".ipynb_checkpoints", "__pycache__", "tools")

RUN = "%pipeline_run"

# Under a batch runner nobody is there to decide: what a person would type comes after the cell that ends there.
ALONE = "Executed without a person, as for this page, the run ends where it has to wait."
DECISIONS = {"model_search.ipynb": ("%pipeline_approve publish --by leah", "%pipeline_resume --wait")}

# What the board shows in JupyterLab, as batch runners get no board. The code of this cell is not on the page.
BOARD = """
from IPython.display import HTML

from dagbook.runner.board.graph_svg import graph_svg
from dagbook.runner.board.pictured import run_scene
from dagbook.runner.formats.settings import find_store
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store

store = Store(find_store(None), create=False)
follower = Follower(store, store.run("latest").id)
follower.update()
HTML(f'<div class="dagbook-picture">{graph_svg(run_scene(follower))}</div>')
"""


def place(path: Path) -> Path | None:
    """Where a file of the project is on the site; None where it is not."""
    for source, target in PLACES.items():
        if path == ROOT / source or ROOT / source in path.parents:
            return Path(target) / path.relative_to(ROOT / source)
    return None


def led(text: str, page: Path) -> str:
    """The Markdown of a page, its links leading to where things are on the site; other files are only named."""
    here = place(page)
    assert here is not None

    def link(found: re.Match[str]) -> str:
        words, path, anchor = found[1], found[2], found[3] or ""
        if re.match(r"[a-z]+:", path):
            return found[0]
        target = place((page.parent / path).resolve())
        return f"[{words}]({os.path.relpath(target, here.parent)}{anchor})" if target else words

    return re.sub(r"(?<!!)\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]+)?\)", link, text)


def for_a_page(notebook: nbformat.NotebookNode, name: str) -> None:
    """Give a notebook what only a person would see or do: the board's picture, and a decision that is waited for."""
    more = [new_code_cell(BOARD.strip(), metadata={"tags": ["remove-input"]})]  # type: ignore[no-untyped-call]
    runs = [number for number, cell in enumerate(notebook.cells) if cell.source == RUN]
    if not runs:
        return
    if typed := DECISIONS.get(name):
        notebook.cells[runs[-1]].metadata.tags = ["raises-exception"]
        more[:0] = [new_markdown_cell(ALONE), *map(new_code_cell, typed)]  # type: ignore[no-untyped-call]
    notebook.cells[runs[-1] + 1 : runs[-1] + 1] = more


def lay_out(source: Path) -> None:
    """Put all sources of the site into the folder `source`, made anew."""
    shutil.rmtree(source, ignore_errors=True)
    for name, target in PLACES.items():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / target, ignore=LEFT_OUT, dirs_exist_ok=True)
        elif (ROOT / name).exists():
            shutil.copy2(ROOT / name, source / target)
    (source / "_static" / "board.css").write_text(board_colours(), encoding="utf-8")
    for page in (page for name in PLACES for page in pages(ROOT / name)):
        to = source / (place(page) or "")
        if page.suffix == ".md":
            to.write_text(led(page.read_text(encoding="utf-8"), page), encoding="utf-8")
        else:
            notebook = nbformat.read(page, as_version=4)  # type: ignore[no-untyped-call]
            for_a_page(notebook, page.name)
            nbformat.write(notebook, to)  # type: ignore[no-untyped-call]


def board_colours() -> str:
    """The colours of boards and pictures on a dark ground, for when the site is dark."""
    from dagbook.runner.board.palette import theme_style

    dark = theme_style().partition("{")[2]
    dark_by_itself = f'@media (prefers-color-scheme: dark) {{body:not([data-theme="light"]) {{{dark}}}\n'
    return f'body[data-theme="dark"] {{{dark}\n{dark_by_itself}'


def pages(where: Path) -> Iterable[Path]:
    """The pages and notebooks at a place, but for what runs leave behind."""
    found = [where] if where.is_file() else [*where.rglob("*.md"), *where.rglob("*.ipynb")]
    return (page for page in found if not any(part.startswith(".") for part in page.relative_to(ROOT).parts))


def main(arguments: list[str]) -> int:
    """Build the site in build/docs/html, or where DOCS_BUILD says; the arguments go to Sphinx."""
    from sphinx.cmd.build import main as sphinx

    lay_out(BUILD / "source")
    always = ["-b", "html", "-W", "--keep-going", "-d", str(BUILD / "doctrees")]
    status = sphinx([*always, *arguments, str(BUILD / "source"), str(BUILD / "html")])
    if not status:
        print(f"The site is in {BUILD / 'html' / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
