"""Code that a program gives as a text: without the indentation of where it stands, and where that is."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..core.errors import PipelineError, problem
from ..core.spot import Spot
from .functions import code_of

Code = str | Callable[..., Any]


def shared_texts(shared: Code | Sequence[Code]) -> tuple[str, ...]:
    """The texts of code that nodes share. Raises PipelineError (E-FUNCTION, E-USAGE)."""
    several = [shared] if isinstance(shared, str) or callable(shared) else list(shared)
    return tuple(code_of(one).source.rstrip() if callable(one) else plain_text(one) for one in several)


def source_fields(code: Any, spot: Spot | None) -> dict[str, Any]:
    """The source of a node, given as a text in a call at `spot`, and where its first line stands, if that is known."""
    text = plain_text(code)
    found = _first_line(code, spot)
    return {"source": text, "code_at": found} if found else {"source": text}


def plain_text(code: Any) -> str:
    """The code without the indentation that all its lines have, and without empty lines on top."""
    if not isinstance(code, str):
        hint = "Give a function, or the code as a text."
        raise PipelineError(problem("E-USAGE", what=f"{code!r:.80} is no code", hint=hint))
    lines = textwrap.dedent(code).split("\n")
    while lines and not lines[0].strip():
        del lines[0]
    return "\n".join(lines).rstrip()


def _first_line(code: str, spot: Spot | None) -> Spot | None:
    """Where the first line of a text stands in the file of the call, when it stands there once and as it is."""
    stripped = code.strip("\n")
    if spot is None or not stripped.strip():
        return None
    try:
        text = Path(spot.file).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    start = text.find(stripped)
    if start < 0 or text.find(stripped, start + 1) >= 0:
        return None
    blank = len(stripped) - len(stripped.lstrip())
    return Spot(file=spot.file, line=text.count("\n", 0, start + blank) + 1)
