"""What a node's code may ask of dagbook: `import dagbook` inside a node.

This one file is mounted into nodes whose image has no dagbook, so it imports nothing but the standard library.
It works without dagbook's run too: `input` and `param` then say what is missing, `output` is the working directory
and what is logged is printed.

    import dagbook
    table = dagbook.input("Prepare data") / "table.csv"
    dagbook.log_metric("loss", 0.3, step=1)
    dagbook.log_tag("accuracy", 0.93)
"""

from __future__ import annotations

import ast
import math
import os
import re
import sys
import unicodedata
from pathlib import Path
from typing import Any

__all__ = ["input", "log_metric", "log_param", "log_tag", "output", "param"]

_MIME = "application/vnd.dagbook.logged+json"
_NOTHING: Any = object()
_WORDS = {"True": True, "False": False, "None": None}


def input(title: str) -> Path:
    """The folder with what the task `title` (as typed, or its folder name) left; read-only.

    Raises LookupError when no such task comes before this node; the message lists those that do.
    """
    found = os.environ.get("INPUT_" + _slug(title).upper())
    if found:
        return Path(found)
    known = sorted(name[6:].lower() for name in os.environ if name.startswith("INPUT_"))
    listed = ", ".join(known) if known else "none (name them with --after)"
    raise LookupError(f"no input {title!r} here. Inputs of this node: {listed}")


def output() -> Path:
    """The folder whose content becomes this node's artifact; the working directory of a node."""
    return Path(os.environ.get("DAGBOOK_OUTPUT") or os.getcwd())


def param(name: str, default: Any = _NOTHING) -> Any:
    """The value of the parameter `name` of this node, typed (bool, int, float, None, list, else text).

    `default` when there is no such parameter; without a default that is a LookupError that lists those there are.
    """
    for dialect in ("DAGBOOK", "CNVRG"):
        text = os.environ.get(f"{dialect}_TAG_{_slug(name).upper()}")
        if text is not None:
            return _typed(text)
    if default is not _NOTHING:
        return default
    known = sorted(key[12:].lower() for key in os.environ if key.startswith("DAGBOOK_TAG_"))
    raise LookupError(f"no parameter {name!r} here. Parameters of this node: {', '.join(known) or 'none'}")


def log_tag(name: str, value: Any) -> None:
    """Give this node's run the tag `name`. Conditions, later tasks and the board see it."""
    _log(name, value, None)


def log_param(name: str, value: Any) -> None:
    """Record a parameter that the node chose itself; a tag like any other."""
    _log(name, value, None)


def log_metric(name: str, value: Any, step: float | None = None) -> None:
    """Add a point to the metric `name`; without a step the points are counted from 0. Its last value is a tag too."""
    if step is None:
        step = _steps[name] = _steps.get(name, -1) + 1
    _log(name, value, float(step))


_steps: dict[str, int] = {}


def _log(name: str, value: Any, step: float | None) -> None:
    if not isinstance(name, str) or not name.strip() or ":" in name or "\n" in name:
        raise ValueError(f"a tag's name is a text without ':' and line ends, not {name!r}")
    value = _plain(value)
    if not _displayed({"name": name.strip(), "value": _json(value), "step": step}):
        sys.stdout.flush()
        sys.stdout.write(f"\ndagbook_tag_{name.strip()}: {value if isinstance(value, str) else repr(value)}\n")
        sys.stdout.flush()


def _displayed(content: dict[str, Any]) -> bool:
    """Hand it to the run as a display of the kernel; False where there is no kernel, or a child of one."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    shell = get_ipython()
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    session = getattr(kernel, "session", None)
    if session is not None and getattr(session, "pid", os.getpid()) != os.getpid():
        return False  # a forked worker: the kernel's channels are its parent's
    shell.display_pub.publish(data={_MIME: content}, metadata={})
    return True


def _plain(value: Any) -> Any:
    """A value that can be a tag; numbers of NumPy and the like become Python's."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        return _plain(value.item())
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return str(value)


def _json(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return [_json(item) for item in value] if isinstance(value, list) else value


def _typed(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    for convert in (int, float):
        try:
            return convert(text)
        except (ValueError, OverflowError):
            continue
    if text.startswith("[") and text.endswith("]"):
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text
    return text


def _slug(title: str) -> str:
    lowered = unicodedata.normalize("NFC", " ".join(title.split())).lower()
    return re.sub(r"[^a-z0-9_]", "", re.sub(r"[\s-]", "_", lowered))
