"""Text files that commands write."""

from __future__ import annotations

from pathlib import Path

from .core.errors import PipelineError, problem


def save_text(output: Path, text: str) -> None:
    """Write the file, whole or not at all. Raises PipelineError (E-FILE-WRITE)."""
    draft = output.with_name(f".{output.name}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(output)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise PipelineError(problem("E-FILE-WRITE", file=str(output), why=error.strerror or str(error))) from None
