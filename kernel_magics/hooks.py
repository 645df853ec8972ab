"""What `%load_ext dagbook` does to a shell, and what the shell tells about the cell that runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .draft import Origin

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, InteractiveShell

    from ..runner.core.errors import Problem

NEXT_STEP = "dagbook is ready. Begin a cell with %%pipeline_node TITLE (help: %%pipeline_node?)"


def load(shell: InteractiveShell) -> None:
    """Register magics, completion and the hint for mistyped magics, once per shell; tells what to type next."""
    from .attach_magics import AttachMagics
    from .compare_magics import CompareMagics
    from .completion import match
    from .decision_magics import DecisionMagics
    from .draft import draft_of
    from .magics import DefinitionMagics
    from .run_magics import RunMagics
    from .runs_magics import RunsMagics

    if getattr(shell, "_dagbook_watch", None) is not None:
        return
    watch = _Watch(shell)
    shell._dagbook_watch = watch  # type: ignore[attr-defined]
    shell.events.register("pre_run_cell", watch.before_cell)
    shell.input_transformers_cleanup.insert(0, watch.look_at)
    draft = draft_of(shell)
    shell.register_magics(
        DefinitionMagics(shell, draft),
        RunMagics(shell, draft),
        DecisionMagics(shell),
        CompareMagics(shell),
        RunsMagics(shell),
        AttachMagics(shell),
    )
    for kind in ("line", "cell"):
        ours = shell.magics_manager.magics[kind]
        ours.update({name: _numbered(shell, call) for name, call in ours.items() if name.startswith("pipeline")})
    if shell.Completer is not None:
        shell.Completer.custom_matchers.append(match)
    print(NEXT_STEP)  # noqa: T201  (the one line that a user asked for by %load_ext)


def _numbered(shell: InteractiveShell, call: Callable[..., Any]) -> Callable[..., Any]:
    """The magic, whose errors in a line of its cell tell as what that ran (`In[3]`): papermill has no other name."""

    @wraps(call)
    def numbered(*arguments: Any, **more: Any) -> Any:
        from ..runner.core.errors import PipelineError

        try:
            return call(*arguments, **more)
        except PipelineError as error:
            if type(error) is not PipelineError:
                raise
            name = f"In[{_number(shell)}]"
            raise PipelineError(*(_at_line(one, name) for one in error.problems)) from None

    return numbered


def _at_line(found: Problem, name: str) -> Problem:
    place = found.place
    told = place.line is None or place.file or place.cell or place.node
    return found if told else replace(found, place=replace(place, file=name))


class _Watch:
    """Looks at each cell before it runs: which one it is, and whether a magic of ours is mistyped in it."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.cell_id: str | None = None
        self.cells_run = 0
        self.look_at = self._make_look()

    def before_cell(self, info: ExecutionInfo) -> None:
        """IPython's pre_run_cell: remember the cell's id, where the front end gives one."""
        self.cell_id = info.cell_id
        self.cells_run += 1

    def _make_look(self) -> Any:
        def look_at(lines: list[str]) -> list[str]:
            if any("%pip" in line or "%%" in line for line in lines):
                _refuse_mistakes("".join(lines), self.shell)
            return lines

        # IPython leaves such a transformer out while it only asks whether what is typed is complete.
        look_at.has_side_effects = True  # type: ignore[attr-defined]
        return look_at


def _refuse_mistakes(source: str, shell: InteractiveShell) -> None:
    """Raise PipelineError (E-MAGIC-UNKNOWN, E-MAGIC-PLACE) for a magic that was to be one of ours."""
    from ..runner.formats.sources import cell_magic, check_late_cell_magics, magics_in, unknown

    cut = cell_magic(source)
    if cut and cut.magic.ours:
        if cut.magic.name not in shell.magics_manager.magics["cell"] and (error := unknown(cut.magic)):
            raise error
        return
    check_late_cell_magics(source)
    if cut is None:
        for found in magics_in(source):
            if (
                not found.is_help
                and found.name not in shell.magics_manager.magics["line"]
                and (error := unknown(found))
            ):
                raise error


def origin_of(shell: InteractiveShell) -> Origin:
    """The cell that runs now. Its id comes from the front end; without one, from the execution's number."""
    watch = getattr(shell, "_dagbook_watch", None)
    parent = _parent_of(shell)
    cell_id = (watch.cell_id if watch else None) or parent.get("metadata", {}).get("cellId")
    # shell.execution_count stands still while cells run without history, so it cannot tell two runs apart
    run = watch.cells_run if watch else 0
    interactive = bool(parent.get("content", {}).get("allow_stdin", True))
    if isinstance(cell_id, str) and cell_id:
        return Origin(cell_id, run, _number(shell), True, interactive)
    return Origin(f"run-{run}", run, _number(shell), False, interactive)


def _number(shell: InteractiveShell) -> int:
    """The number of the cell that runs now, as its output would carry it.

    `execution_count` is it in some releases of IPython, and the next one in others.
    """
    return int(getattr(shell.displayhook, "prompt_count", shell.execution_count))


def _parent_of(shell: InteractiveShell) -> dict[str, Any]:
    """The request that the kernel answers now; empty in a shell without a kernel."""
    kernel = getattr(shell, "kernel", None)
    try:
        return dict(kernel.get_parent()) if kernel is not None else {}
    except Exception:
        return {}


def must_wait(shell: Any) -> bool:
    """True where nobody looks on and nothing comes after the last cell: papermill, nbclient, nbconvert, a terminal.

    A front end that can ask its user says so with each execute request; batch runners say that they cannot.
    """
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return True
    request = kernel.get_parent("shell")
    return not request.get("content", {}).get("allow_stdin", False)


def somebody_looks_on(shell: Any, *needed: str) -> bool:
    """Whether a board can be shown: to a person, by a kernel that has these packages."""
    return not must_wait(shell) and all(find_spec(name) is not None for name in needed)
