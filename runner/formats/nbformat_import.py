"""Importing nbformat in a fraction of the time that it takes beside JupyterLab."""

from __future__ import annotations

import sys

# JupyterLab brings these, and jsonschema imports them for its checkers of formats. One compiles a grammar of
# international addresses (1 to 4 seconds on every start); the others take as long as nbformat itself.
_CHECKERS = ("rfc3987_syntax", "rfc3986_validator", "isoduration")


def import_nbformat() -> None:
    """Import nbformat (which papermill imports too) without what nothing here uses.

    jsonschema does without these packages where they are missing, and notebooks have no such format in their schema;
    so they are hidden while nbformat is imported, and only then.
    """
    hidden = [name for name in _CHECKERS if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        import nbformat  # noqa: F401
    finally:
        for name in hidden:
            del sys.modules[name]
