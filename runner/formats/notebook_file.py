"""A notebook file: read with every fault named, repaired where that is safe, written so that it is never cut off."""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import PipelineError, Place, Problem, problem
from .nbformat_import import import_nbformat
from .nearby import file_meant
from .percent import is_percent, lines_of_script, read_percent

if TYPE_CHECKING:
    from nbformat import NotebookNode

Content = dict[str, Any]  # a notebook as its JSON tells it, in the form of nbformat 4.5, each source one text
LARGE = 100 * 2**20  # bytes
NEWEST_MINOR = 5


def load_notebook(path: Path, text: str | None = None) -> tuple[Content, list[Problem]]:
    """The notebook in `path`, in the form of nbformat 4.5, and the warnings that came up (W-NB-LARGE, W-NB-REPAIRED).

    A script with cells is read as the notebook that it is. Plain values: importing nbformat takes longer than reading
    (`as_node` makes of them what papermill takes). `text` is what the file holds, where that is known already.
    Nothing is executed and no output is interpreted; `metadata.trusted` is dropped.
    Raises PipelineError: E-FILE-MISSING, E-NB-PARSE, E-NB-VERSION, E-EXTRA.
    """
    found = [] if text is not None else size_problems(path)
    known = text_of_file(path) if text is None else text
    content = read_percent(known, str(path)) if _is_script(path, known) else _json_of(path, known)
    _check_form(path, content)
    _complete(path, content, found)
    return content, found


def _is_script(path: Path, text: str) -> bool:
    """Whether it is a notebook as a script. Raises PipelineError (E-NB-PARSE) for any other program."""
    if text.lstrip()[:1] != "{" and is_percent(text):  # by its text alone: a run keeps it under another name
        return True
    if path.suffix == ".py":
        hint = "A script is a notebook when its cells begin with `# %%`: jupytext --to py:percent NOTEBOOK.ipynb"
        raise _not_a_notebook(path, "it is a Python program without cells", hint)
    return False


def notebook_text(path: Path) -> str:
    """The text of the notebook in `path`; of a script, the notebook that it is, as JSON. Raises as `load_notebook`."""
    text = text_of_file(path)
    return json.dumps(read_percent(text, str(path)), indent=1) + "\n" if _is_script(path, text) else text


def in_the_file(
    problems: Iterable[Problem], path: Path, notebook: Mapping[str, Any], text: str | None = None
) -> list[Problem]:
    """Findings in the cells of the notebook in `path`; of a script, their lines are those of the file.

    Who edits a script sees its lines, not those of cells. Other findings, and other files, stay as they are.
    `text` is what the file holds, where that is known already.
    """
    found = list(problems)
    if path.suffix != ".py" or not any(one.place.cell and one.place.file == str(path) for one in found):
        return found
    try:
        known = path.read_text("utf-8-sig") if text is None else text
        places = lines_of_script(known, notebook["cells"])
    except (OSError, UnicodeDecodeError):
        return found
    return [_in_script(one, places) if one.place.file == str(path) else one for one in found]


def _in_script(found: Problem, places: Sequence[Sequence[int]]) -> Problem:
    cell = found.place.cell
    lines = places[cell - 1] if cell and cell <= len(places) else []
    if not lines:
        return found
    line = min(max(found.place.line or 1, 1), len(lines))
    return replace(found, place=replace(found.place, line=lines[line - 1]))


def size_problems(path: Path) -> list[Problem]:
    """W-NB-LARGE. Raises PipelineError where there is no such file (E-FILE-MISSING, E-NB-PARSE)."""
    if path.is_dir():
        why, hint = "it is a folder", file_meant(path)
        raise PipelineError(problem("E-NB-PARSE", Place(file=str(path)), file=path.resolve().name, why=why, hint=hint))
    if not path.exists():
        raise PipelineError(problem("E-FILE-MISSING", Place(file=str(path)), file=str(path), hint=file_meant(path)))
    size = path.stat().st_size
    if size <= LARGE:
        return []
    return [problem("W-NB-LARGE", Place(file=str(path)), file=path.name, size=f"{size / 2**20:.0f} MiB large")]


def _not_a_notebook(path: Path, why: str, hint: str = "", line: int | None = None) -> PipelineError:
    hint = hint or "Open it in JupyterLab to see what is in it, or take an earlier copy."
    return PipelineError(
        problem("E-NB-PARSE", Place(file=str(path), line=line), file=path.resolve().name, why=why, hint=hint)
    )


def text_of_file(path: Path) -> str:
    """What a notebook's file holds. Raises PipelineError (E-NB-PARSE)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _not_a_notebook(path, error.strerror or str(error)) from None
    if not data.strip(b"\0 \t\r\n"):
        why = "it is empty (0 bytes)" if not data else "there is nothing in it"
        raise _not_a_notebook(path, why, "Take an earlier copy, for instance from .ipynb_checkpoints.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_a_notebook(path, f"byte {error.start} is not UTF-8 text") from None


def _json_of(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) or "Unterminated" in error.msg
        what = "it is cut off" if cut else "it is not JSON"
        raise _not_a_notebook(path, f"{what} ({error.msg})", line=error.lineno) from None
    except (RecursionError, ValueError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise _not_a_notebook(path, why) from None


def _check_form(path: Path, content: Any) -> None:
    if not isinstance(content, dict):
        raise _not_a_notebook(path, f"it holds a JSON {_json_type(content)}, not an object")
    version = content.get("nbformat")
    if version is None:
        raise _not_a_notebook(path, "it has no `nbformat`")
    minor = content.get("nbformat_minor", 0)
    if isinstance(version, bool) or version != 4 or not isinstance(minor, int):
        shown = f"{version}.{minor}" if isinstance(version, int) else repr(version)[:40]
        raise PipelineError(problem("E-NB-VERSION", Place(file=str(path)), file=path.name, version=shown))
    if not isinstance(content.get("cells"), list):
        raise _not_a_notebook(path, "it has no list of `cells`")
    if not isinstance(content.setdefault("metadata", {}), dict):
        raise _not_a_notebook(path, "its `metadata` is not an object")
    for position, cell in enumerate(content["cells"], 1):
        if why := _cell_fault(cell):
            raise _not_a_notebook(path, f"cell {position} {why}")


def _cell_fault(cell: Any) -> str:
    if not isinstance(cell, dict):
        return "is not an object"
    if cell.get("cell_type") not in ("code", "markdown", "raw"):
        return f"has the type {cell.get('cell_type')!r}"
    source = cell.get("source")
    if not (isinstance(source, str) or (isinstance(source, list) and all(isinstance(x, str) for x in source))):
        return "has no `source` text"
    if not isinstance(cell.setdefault("metadata", {}), dict):
        return "has `metadata` that is not an object"
    if cell["cell_type"] == "code":
        cell.setdefault("execution_count", None)
        if not isinstance(cell.setdefault("outputs", []), list):
            return "has `outputs` that are not a list"
    return ""


def _json_type(content: Any) -> str:
    return {list: "list", str: "text", int: "number", float: "number"}.get(type(content), "value")


def _complete(path: Path, content: Content, found: list[Problem]) -> None:
    """Bring the content into the form of 4.5; ids and kernelspec that are missing are put in.

    What is put in as Jupyter would do it goes without saying; what may be meant otherwise is told in `found`.
    """
    kept = [cell["id"] for cell in content["cells"] if isinstance(cell.get("id"), str)]
    if content.get("nbformat_minor", 0) >= NEWEST_MINOR and len(set(kept)) < len(kept):
        what = "a cell with an id that another cell has got a new one"
        found.append(problem("W-NB-REPAIRED", Place(file=str(path)), what=what))
    _give_ids(content["cells"])
    content["nbformat_minor"] = max(content.get("nbformat_minor", 0), NEWEST_MINOR)
    if not isinstance(content["metadata"].get("kernelspec"), dict):
        language = _language_told(content)
        if language not in ("", "python"):
            what = f"no kernel is named, and the language is {language}; python3 is taken"
            found.append(problem("W-NB-REPAIRED", Place(file=str(path)), what=what))
        content["metadata"]["kernelspec"] = kernelspec("python3", "python")
    content["metadata"].pop("trusted", None)
    for cell in content["cells"]:
        cell["metadata"].pop("trusted", None)
        if isinstance(cell["source"], list):
            cell["source"] = "".join(cell["source"])


def _language_told(content: Content) -> str:
    """The language that the notebook itself names; empty where it names none."""
    told = content["metadata"].get("language_info")
    return str(told.get("name") or "").lower() if isinstance(told, dict) else ""


def as_node(content: Mapping[str, Any]) -> NotebookNode:
    """A copy of the notebook as nbformat and papermill have it."""
    import_nbformat()
    from nbformat.v4 import nbjson

    return nbjson.to_notebook(content)  # type: ignore[no-any-return, no-untyped-call]


def _give_ids(cells: list[dict[str, Any]]) -> None:
    """Make ids unique; the first cell with an id keeps it, others get one made of their position."""
    seen: set[str] = set()
    for position, cell in enumerate(cells, 1):
        name = cell.get("id")
        if not isinstance(name, str) or not name or name in seen:
            name = f"cell-{position}"
            while name in seen:
                name += "-"
            cell["id"] = name
        seen.add(name)


def kernelspec(name: str, language: str) -> dict[str, str]:
    """The `metadata.kernelspec` of a notebook for that kernel."""
    return {"name": name, "language": language, "display_name": name}


def language_of(notebook: Mapping[str, Any]) -> str:
    """The language that a notebook is written in, lower case, as its metadata tells; `python` when it does not."""
    metadata: Mapping[str, Any] = notebook["metadata"]
    for part, key in (("kernelspec", "language"), ("language_info", "name")):
        named = metadata.get(part)
        if isinstance(named, Mapping) and isinstance(named.get(key), str):
            return str(named[key]).lower()
    name = str(metadata.get("kernelspec", {}).get("name", "python3"))
    return language_of_kernel(name)


def language_of_kernel(kernel: str) -> str:
    """The language that a kernelspec of this name most likely has; `python` for names that tell nothing."""
    name = kernel.lower()
    if name == "ir" or name.startswith(("ir-", "ir_", "r-")) or "irkernel" in name:
        return "r"
    for language in ("julia", "bash", "scala", "javascript", "ruby", "octave", "sos"):
        if name.startswith(language):
            return language
    return "python"


def text_of(notebook: Mapping[str, Any]) -> str:
    """The notebook as JSON text that every reader takes: NaN and infinities in outputs become texts."""
    node = as_node(notebook)
    from nbformat.v4 import nbjson

    try:
        return nbjson.writes(node, allow_nan=False) + "\n"  # type: ignore[no-any-return, no-untyped-call]
    except ValueError:
        return nbjson.writes(_finite(node)) + "\n"  # type: ignore[no-any-return, no-untyped-call]


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return type(value)({key: _finite(item) for key, item in value.items()})
    return value


def save_notebook(notebook: Mapping[str, Any], path: Path) -> None:
    """Write `notebook` to `path`: as a whole or not at all, also when the machine stops in the middle.

    Raises OSError; whatever stood at `path` before is then still there.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:80]}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text_of(notebook))
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~umask
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # not every file system can be asked; the notebook is in its place already
            os.fsync(folder)  # the rename itself is to survive a power cut
    finally:
        os.close(folder)
