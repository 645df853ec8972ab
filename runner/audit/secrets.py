"""Is the value of a secret anywhere in what dagbook itself keeps: the database, notebooks, logs?

Looked for is what is hidden while a node runs. Artifacts and project files are the user's own bytes, and are not
looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..core.spellings import SHORTEST, forms_of
from ..records.schema import TABLES
from ..records.store import Store
from .finding import Finding, Invariant

_CHUNK = 1 << 20


def secret_findings(store: Store, values: Sequence[bytes]) -> Iterator[Finding]:
    """Files and tables that hold one of these values in any usual spelling; the value is not told."""
    wanted = {form.encode() for value in values for form in forms_of(value) if len(form) >= SHORTEST}
    if not wanted:
        return
    for table in TABLES:
        if _table_holds(store, table, wanted):
            yield Finding(Invariant.SECRETS, f"the value of a secret is in the table {table}", str(store.database))
    home = store.folder / "runs"
    for path in sorted(home.rglob("*")):
        ours = "output" not in path.relative_to(home).parts and path.is_file() and not path.is_symlink()
        if ours and _holds(path, wanted):
            yield Finding(Invariant.SECRETS, "the value of a secret is in a file of the store", str(path))


def _table_holds(store: Store, table: str, wanted: set[bytes]) -> bool:
    """Row by row: closing a database file that was opened by hand would take SQLite's locks on it away."""
    with store.reading() as rows:
        for row in rows.execute(f"select * from {table}"):
            told = "\0".join(str(value) for value in row).encode("utf-8", "surrogatepass")
            if any(form in told for form in wanted):
                return True
    return False


def _holds(path: Path, wanted: set[bytes]) -> bool:
    overlap = max(map(len, wanted)) - 1
    kept = b""
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            kept += data
            if any(form in kept for form in wanted):
                return True
            kept = kept[-overlap:] if overlap else b""
    return False
