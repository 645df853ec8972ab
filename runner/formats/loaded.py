"""Whether a notebook loads dagbook before it uses its magics: dagbook reads them in any case, a kernel does not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..core.errors import Place, Problem, problem
from .sources import cell_magic, magics_in

_LOADS = re.compile(r"\b(?:re)?load_ext\b.*\bdagbook\b|\bload_ipython_extension\b")


def not_loaded(notebook: Mapping[str, Any], file: str) -> Problem | None:
    """W-NB-LOAD at the first cell with a magic of ours that no cell before it makes known to the kernel."""
    for position, cell in enumerate(notebook["cells"], 1):
        if cell["cell_type"] != "code":
            continue
        source = cell["source"]
        cut = cell_magic(source)
        found = cut.magic if cut and cut.magic.ours else next(magics_in(source), None) if cut is None else None
        loads = _LOADS.search(source)
        if loads and (found is None or source.count("\n", 0, loads.start()) < found.line):
            return None
        if found:
            return problem("W-NB-LOAD", Place(file, position, found.line), magic=found.typed)
    return None
