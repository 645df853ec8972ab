"""The files of a try that go to MLflow: its notebook, its log, its pictures, and what it left, up to a limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..core.lifecycle import PASSED
from ..records.journal import Shown
from ..records.manifest import manifest_of
from ..records.store import Store
from ..view import plain, size
from .tries import Try

MOST_FILES = 1000  # output files of one try
_MOST_NAMED = 5  # of those that are left out


@dataclass(frozen=True, slots=True)
class Chosen:
    """Files with the folder among a run's artifacts that each goes to, and in words what is left out."""

    files: tuple[tuple[Path, str], ...]
    left_out: str = ""


def files_of(one: Try, store: Store, folder: Path, most_bytes: int) -> Chosen:
    """What there is of a try in the store; `folder` is the one of its attempt."""
    found = [(path, "") for path in _notebook(one)]
    found += [(folder / file, "images") for _, _, file in one.pictures if (folder / file).is_file()]
    outputs, left_out = _outputs(one, store, most_bytes)
    return Chosen((*found, *outputs), left_out)


def _notebook(one: Try) -> Iterator[Path]:
    path = Path(str(one.detail.get("notebook") or ""))
    if path.is_file():
        yield path


def _outputs(one: Try, store: Store, most_bytes: int) -> tuple[list[tuple[Path, str]], str]:
    digest = str(one.detail.get("artifact") or "")
    if one.state not in PASSED or not digest:
        return [], ""
    artifact = store.artifacts / digest[:2] / digest
    taken: list[tuple[Path, str]] = []
    left: list[str] = []
    room = most_bytes
    for item in manifest_of(artifact):
        if item["kind"] != "file":
            continue
        if item["size"] > room or len(taken) == MOST_FILES:
            left.append(f"{item['path']} ({size(item['size'])})")
            continue
        room -= item["size"]
        parent = str(Path(item["path"]).parent)
        taken.append((artifact / item["path"], "outputs" if parent == "." else f"outputs/{parent}"))
    more = f" and {len(left) - _MOST_NAMED} more" if len(left) > _MOST_NAMED else ""
    return taken, ", ".join(left[:_MOST_NAMED]) + more


def log_of(folder: Path) -> str:
    """What the attempt with this folder printed and showed as text, without colours; empty when nothing."""
    shown = Shown(folder)
    shown.update()
    texts = (_text_of(output) for _, outputs in sorted(shown.outputs.items()) for output in outputs)
    return plain("".join(text if text.endswith("\n") else f"{text}\n" for text in texts if text))


def _text_of(output: dict[str, object]) -> str:
    if output["output_type"] == "stream":
        return str(output["text"])
    if output["output_type"] == "error":
        return "\n".join(map(str, output["traceback"]))  # type: ignore[call-overload]
    data = output.get("data")
    text = data.get("text/plain", "") if isinstance(data, dict) else ""
    return "".join(text) if isinstance(text, list) else str(text)
