"""Whether a file is the notebook of a pipeline, by a look at its bytes: for whoever sees many files, and reads none."""

from __future__ import annotations

import re
from pathlib import Path

# At the beginning of a line of a cell: in a notebook's JSON after a quote or an escaped line end, in a script bare or
# behind the `# ` that jupytext puts in front of magics.
_LOADS = rb"%(?:re)?load_ext +dagbook\b|%%?pipeline(?:_[a-z]+)?\b"
_BUILDS = rb"\bdagbook\.Pipeline\(|\bfrom dagbook import [^\"\\]*\bPipeline\b"  # a notebook that builds one in Python
_IN_JSON = re.compile(rb'(?:"|\\n)[ \t]*(?:' + _LOADS + rb")|" + _BUILDS)
_IN_SCRIPT = re.compile(rb"^(?:# ?)?(?:" + _LOADS + rb")", re.MULTILINE)


def is_pipeline_notebook(path: Path) -> bool:
    """True for a notebook, or a script that is one, in which a cell loads dagbook, defines a node or builds a pipeline.

    Copies of such a notebook count, too: those that papermill or `jupyter execute` have made of it. A file that
    cannot be read is none.
    """
    pattern = {".ipynb": _IN_JSON, ".py": _IN_SCRIPT}.get(path.suffix)
    if pattern is None:
        return False
    try:
        return bool(pattern.search(path.read_bytes()))
    except OSError:
        return False
