"""A `.py` file that builds a `dagbook.Pipeline`: the only kind of file that is executed to be read.

It is executed by a fresh interpreter, as `python FILE` would, but not as `__main__`; that process hands the model
back as JSON. So whatever the program does to its process, it does not do it to ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import PipelineError, Place, nearest, problem, problem_from
from ..core.model import Pipeline
from ..core.values import Value, to_json
from .own_code import child_environment
from .percent import is_percent

_READER = "runner.building.program"  # below this package's root; it knows the builder, which this module must not


@dataclass(frozen=True, slots=True)
class Built:
    """A pipeline that a program has built: the variable that holds it, what relative paths mean in it."""

    variable: str
    pipeline: Pipeline
    folder: Path


def is_program(path: Path) -> bool:
    """Whether the file is a Python program, and not a notebook written as one."""
    if path.suffix != ".py" or not path.is_file():
        return False
    try:
        return not is_percent(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return True


def read_program(path: Path, given: Mapping[str, Value], name: str | None) -> Built:
    """Execute the program at `path` and give the pipeline that it leaves in a variable.

    `given` are values for the pipeline's parameters; the program sees them in `Pipeline.parameters`, so its nodes may
    follow them. `name` is that of one of several pipelines, or of its variable. Says on standard error that the file
    is executed. Raises PipelineError: E-PROGRAM, and what is wrong with the pipeline itself.
    """
    sys.stderr.write(f"Executing {path} for the pipeline that it builds.\n")
    sys.stderr.flush()
    said = _executed(path, given)
    if "problems" in said:
        raise PipelineError(*map(problem_from, said["problems"]))
    built = [
        Built(one["variable"], Pipeline.model_validate(one["model"]), Path(one["folder"])) for one in said["built"]
    ]
    return _chosen(path, built, name)


def _executed(path: Path, given: Mapping[str, Value]) -> dict[str, Any]:
    """What the process says that has executed the program. Raises PipelineError when it says nothing."""
    answer, other = os.pipe()
    order = {"file": str(path), "given": {name: to_json(value) for name, value in given.items()}, "answer": other}
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", f"{__package__.split('.')[0]}.{_READER}"],
        stdin=subprocess.PIPE,
        stdout=sys.stderr.fileno() if _is_real(sys.stderr) else subprocess.DEVNULL,  # ours may be for JSON alone
        pass_fds=(other,),
        env=child_environment(),
        text=True,
    )
    os.close(other)
    try:
        assert child.stdin is not None
        with open(answer, encoding="utf-8") as file:
            child.stdin.write(json.dumps(order))
            child.stdin.close()
            text = file.read()
        code = child.wait()
    except BaseException:
        child.kill()
        child.wait()
        raise
    if not text:
        what = f"{path} ended its process before its pipeline was known (exit code {code})"
        hint = "Look above for what it said; let it build its pipeline and nothing else when it is not __main__."
        raise PipelineError(problem("E-PROGRAM", Place(file=str(path)), what=what, hint=hint))
    found: dict[str, Any] = json.loads(text)
    return found


def _is_real(stream: Any) -> bool:
    try:
        stream.fileno()
    except (OSError, AttributeError, ValueError):
        return False
    return True


def _chosen(path: Path, built: list[Built], name: str | None) -> Built:
    """The pipeline that is meant: the one called so, the only one, or the one in the variable `pipeline`."""
    place = Place(file=str(path))
    if not built:
        what = f"{path} leaves no dagbook.Pipeline in a variable"
        hint = 'At the top level write: flow = dagbook.Pipeline("name"), and give it nodes.'
        raise PipelineError(problem("E-PROGRAM", place, what=what, hint=hint))
    if name is not None:
        for one in built:
            if name in (one.pipeline.name, one.variable):
                return one
        what = f"{path} has no pipeline {name!r}"
        hint = nearest(name, [known for one in built for known in (one.pipeline.name, one.variable)])
        raise PipelineError(problem("E-PROGRAM", place, what=what, hint=hint))
    if len(built) == 1:
        return built[0]
    for one in built:
        if one.variable == "pipeline":
            return one
    names = ", ".join(f'"{one.pipeline.name}" ({one.variable})' for one in built)
    what = f"{path} leaves {len(built)} pipelines"
    hint = f"Name one with --pipeline, or call the one that is meant `pipeline`: {names}."
    raise PipelineError(problem("E-PROGRAM", place, what=what, hint=hint))
