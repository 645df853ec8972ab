"""Can every notebook of the store be read, and is it valid?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ..records.run_rows import SNAPSHOT
from ..records.store import Store
from .finding import Finding, Invariant
from .living import Live


def notebook_findings(store: Store, live: Live) -> Iterator[Finding]:
    """Each executed notebook and each run's own, but those of the runs that live, which may be written right now."""
    of_other_files = _runs_of_other_files(store)
    for run in sorted((store.folder / "runs").glob("*")):
        for path in sorted(run.rglob("*.ipynb")):
            if path == run / SNAPSHOT and run.name in of_other_files:
                continue  # a program, or YAML, kept under that name
            if "output" in path.relative_to(run).parts:
                continue
            if _wrong_with(path) and run.name not in live() and (wrong := _wrong_with(path)):
                repair = partial(_set_aside, path, run.name, live)
                yield Finding(Invariant.NOTEBOOKS, wrong, str(path), f"rename it to {path.name}.damaged", repair)


def _set_aside(path: Path, run: str, live: Live) -> None:
    if run not in live() and _wrong_with(path):  # nobody has resumed it meanwhile
        path.rename(path.with_name(f"{path.name}.damaged"))


def _runs_of_other_files(store: Store) -> set[str]:
    """Ids of runs whose pipeline was read from a file that is no notebook."""
    with store.reading() as rows:
        found = rows.execute("select id, record from runs").fetchall()
    # Not asked of SQLite, which does not read all that Python writes as JSON.
    return {id for id, record in found if not str(json.loads(record).get("file")).lower().endswith(".ipynb")}


def _wrong_with(path: Path) -> str:
    import nbformat

    try:
        nbformat.validate(nbformat.read(path, as_version=4))  # type: ignore[no-untyped-call]
    except nbformat.ValidationError as error:
        return f"the notebook is not valid: {str(error).splitlines()[0]}"
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        return f"the notebook cannot be read: {' '.join(str(error).split())[:200] or type(error).__name__}"
    return ""
