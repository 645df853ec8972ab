"""Text files that commands write."""

from __future__ import annotations

from pathlib import Path

from .core.errors import PipelineError, problem
from .formats.spared import check_spared


def save_text(output: Path, text: str, of: Path | None = None) -> None:
    """Write the file, whole or not at all. Raises PipelineError (E-FILE-WRITE, E-USAGE for `of`, which was read)."""
    if of is not None:
        check_spared("-o", output, of)
    draft = output.with_name(f".{output.name}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(output)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise PipelineError(problem("E-FILE-WRITE", file=str(output), why=error.strerror or str(error))) from None
