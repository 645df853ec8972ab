"""The process that executes a program for the pipeline that it builds; `formats.python_program` starts it.

It reads from its standard input which file, and answers in JSON on a descriptor of its own: what the program prints
goes elsewhere.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from ..core.errors import DagbookError, Place, Problem, problem
from ..core.values import from_json
from . import being_read
from .pipeline import Pipeline

NAME = "__dagbook__"  # the program's __name__: it is neither run nor imported


def main() -> int:
    """Execute the file that standard input names; returns the exit code of this process."""
    order: dict[str, Any] = json.loads(sys.stdin.read())
    _without_input()
    file = Path(order["file"])
    home = file.absolute()  # it may go to another folder
    being_read.current = being_read.BeingRead(file, {name: from_json(value) for name, value in order["given"].items()})
    sys.argv = [str(file)]
    sys.path.insert(0, str(home.parent))
    said = _said(file, home)
    sys.stdout.flush()
    with open(order["answer"], "w", encoding="utf-8") as answer:
        json.dump(said, answer)
    return 0


def _without_input() -> None:
    """The program has no order to read, and nobody to ask."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _said(file: Path, home: Path) -> dict[str, Any]:
    """What there is to answer; `file` is the program as it was named, `home` where it is."""
    try:
        left = runpy.run_path(str(home), run_name=NAME)
        return {"built": _built(left)}
    except DagbookError as error:
        return {"problems": [one.as_json() for one in error.problems]}
    except SystemExit as error:
        what = f"{file} ended itself ({error!r}) before its pipeline was known"
        hint = 'Put what is to happen only when it is run below: if __name__ == "__main__":'
        return {"problems": [problem("E-PROGRAM", _place(error, file, home), what=what, hint=hint).as_json()]}
    except BaseException as error:
        return {"problems": [_raised(error, file, home).as_json()]}


def _built(left: dict[str, Any]) -> list[dict[str, Any]]:
    """The pipelines among the variables that the program has left, each once."""
    found: dict[int, dict[str, Any]] = {}
    for variable, value in left.items():
        if isinstance(value, Pipeline) and id(value) not in found:
            said = {"variable": variable, "model": value.model.model_dump(mode="json"), "folder": str(value.folder)}
            found[id(value)] = said
    return list(found.values())


def _raised(error: BaseException, file: Path, home: Path) -> Problem:
    """An exception of the program, with the traceback from its own line on."""
    lines = traceback.format_exception(type(error), error, _from(error.__traceback__, home))
    last = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    return problem("E-PROGRAM", _place(error, file, home), what=f"{file} raised {last}", hint="".join(lines).rstrip())


def _from(found: TracebackType | None, home: Path) -> TracebackType | None:
    """The traceback without what is above the program: nothing of it when the program did not begin."""
    while found is not None and not _is_in(found, home):
        found = found.tb_next
    return found


def _place(error: BaseException, file: Path, home: Path) -> Place:
    """The innermost line of the program's own file."""
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == str(home) else None
    found = error.__traceback__
    while found is not None:
        line = found.tb_lineno if _is_in(found, home) else line
        found = found.tb_next
    return Place(file=str(file), line=line)


def _is_in(found: TracebackType, home: Path) -> bool:
    return found.tb_frame.f_code.co_filename == str(home)


if __name__ == "__main__":
    sys.exit(main())
