"""Sphinx builds the documentation site with this; `scripts/docs` says how, `docs/tools/build_site.py` what goes in."""

from __future__ import annotations

import os
from importlib.metadata import version as version_of
from pathlib import Path

# Where nodes of the example notebooks run; kernels inherit it.
BUILD = Path(__file__).resolve().parents[1]
os.environ.setdefault("DAGBOOK_EXECUTOR", "process")

project = "dagbook"
author = "the dagbook authors"
project_copyright = author
version = release = version_of("dagbook")
language = "en"

extensions = ["myst_nb", "sphinxcontrib.mermaid"]
root_doc = "index"
exclude_patterns = ["**/.ipynb_checkpoints", "**/.dagbook"]
nitpicky = True
highlight_language = "none"  # of fences that name none
smartquotes = False  # quotes in the prose are often typed on a command line

# Markdown as GitHub reads it: fences of mermaid are pictures, headings have anchors.
myst_enable_extensions: list[str] = []
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 6

nb_execution_mode = os.environ.get("DOCS_EXECUTE", "force")  # or "cache", while one writes; or "off"
nb_execution_cache_path = str(BUILD / "notebooks")
nb_execution_raise_on_error = True
nb_execution_timeout = 300  # seconds, for a cell
nb_merge_streams = True
nb_render_markdown_format = "myst"  # so that Mermaid in outputs is drawn, too

# Diagrams are drawn in the reader's browser. DOCS_MERMAID names a copy of mermaid below _static, for readers offline.
mermaid_use_local = os.environ.get("DOCS_MERMAID", "")
mermaid_fullscreen = False
mermaid_height = "auto"
mermaid_init_config = {  # as large as their words need; the style sheet makes them smaller where there is less room
    "startOnLoad": False,
    "flowchart": {"useMaxWidth": False},
    "state": {"useMaxWidth": False},
}

html_theme = "furo"
html_title = "dagbook"
html_static_path = ["_static"]
html_css_files = ["dagbook.css", "board.css"]  # the second one is written when the site is built
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
