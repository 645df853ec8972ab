"""The user's line that called: named in what is wrong with the call, and the only one of which a traceback tells."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import FrameType, TracebackType
from typing import ParamSpec, TypeVar

from ..core.errors import DagbookError, Place
from ..core.spot import Spot
from ..formats.commands import as_seen

FAILED = 1  # the exit code of a run that did not succeed
P = ParamSpec("P")
R = TypeVar("R")


def caller() -> Spot | None:
    """The innermost line of the program that is not ours; None for one that stands in no file."""
    frame = _frame()
    if frame is None:
        return None
    name = frame.f_code.co_filename
    cell = _cell_of(name)
    if cell is None and not Path(name).is_file():
        return None
    return Spot(file=cell or as_seen(name), line=frame.f_lineno)


def folder_of_caller() -> tuple[Path, Path | None]:
    """The folder of the program's file, and that file; in a notebook and at a prompt the working directory."""
    frame = _frame()
    file = Path(frame.f_code.co_filename) if frame else None
    if file is None or _cell_of(str(file)) or not file.is_file():
        return Path.cwd(), None
    return file.absolute().parent, file.absolute()


def _frame() -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame and _is_ours(frame):
        frame = frame.f_back
    return frame


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).startswith("dagbook.")


def _cell_of(file: str) -> str | None:
    """`In[5]` for the code of a cell of a live notebook."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    shell = get_ipython()
    named = shell.compile.format_code_name(file) if shell is not None else None
    return str(named[1]) if named else None


def spot_of(file: str, line: int) -> Spot:
    """A line of a file, or of a cell, as people are told it."""
    return Spot(file=_cell_of(file) or as_seen(file), line=line)


def place_of(spot: Spot | None, node: str | None = None) -> Place:
    """The place of a finding about a call."""
    return Place(file=spot.file, line=spot.line, node=node) if spot else Place(node=node)


def told_at_the_call(function: Callable[P, R]) -> Callable[P, R]:
    """What is wrong with a call is told with the user's line, and without the lines of ours below it."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        __tracebackhide__ = True  # by pytest
        try:
            return function(*args, **kwargs)
        except KeyboardInterrupt as error:
            raise error.with_traceback(None) from None
        except DagbookError as error:
            if error.exit_code != FAILED:  # that tells of lines in the nodes
                place = place_of(caller())
                error.problems = tuple(one if one.place.file else one.at(place) for one in error.problems)
            _tell_if_uncaught()
            raise error.with_traceback(None) from None

    return call


def _tell_if_uncaught() -> None:
    """See that the traceback of an error of ours that ends the program has the user's lines alone.

    Python adds the line that raises, which is ours. A program that tells of errors in its own way is left to it.
    """
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _told_uncaught


def _told_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, DagbookError):
        error.__traceback__ = trace = without_ours(trace)
    sys.__excepthook__(kind, error, trace)


def without_ours(trace: TracebackType | None) -> TracebackType | None:
    """The same traceback without the lines of dagbook itself."""
    if trace is None:
        return None
    below = without_ours(trace.tb_next)
    if _is_ours(trace.tb_frame):
        return below
    return TracebackType(below, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)
