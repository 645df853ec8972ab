"""Importing nbformat in a fraction of the time that it takes beside JupyterLab."""

from __future__ import annotations

import sys

_GRAMMAR = "rfc3987_syntax"


def import_nbformat() -> None:
    """Import nbformat (which papermill imports too) without compiling a grammar that nothing here uses.

    JupyterLab brings jsonschema's checkers of formats, one of which compiles a grammar of international addresses
    when it is imported: 1 to 4 seconds, on every start. jsonschema does without the package where it is missing, and
    notebooks have no such format in their schema; so it is hidden while nbformat is imported, and only then.
    """
    hidden = _GRAMMAR not in sys.modules
    if hidden:
        sys.modules[_GRAMMAR] = None  # type: ignore[assignment]
    try:
        import nbformat  # noqa: F401
    finally:
        if hidden:
            del sys.modules[_GRAMMAR]
