"""The magic that goes into a failed node's kernel: %pipeline_attach tells, %%pipeline_attach executes there."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from ..runner.formats.parsers import help_text

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..runner.kept_runs import KeptRun
    from ..runner.records.follow import Follower


class KeptCodeFailed(Exception):
    """An exception in a kept kernel; shown as that kernel showed it, without a line of ours."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"{error['ename']}: {error['evalue']}")
        self.traceback = list(error["traceback"])

    def _render_traceback_(self) -> list[str]:
        return self.traceback or [str(self)]


@magics_class
class AttachMagics(Magics):
    """Goes into the kernels that --keep-failed left."""

    shell: InteractiveShell

    @no_var_expand
    @line_cell_magic
    def pipeline_attach(self, line: str, cell: str | None = None) -> None:
        from ..runner.core.errors import PipelineError, problem
        from ..runner.formats.magic_lines import read_line
        from ..runner.kept_runs import end_kept, find_kept, header, kept_runs, listing

        read = read_line("pipeline_attach", line)
        follower = _follower(read.values["store"], read.values["run"] or "latest")
        if read.title is None:
            if cell is not None:
                hint = "Write %%pipeline_attach NODE"
                raise PipelineError(problem("E-MAGIC-USAGE", what="no node is named", usage=hint))
            found = [one for one in kept_runs(follower) if one.kept.lives]
            _tell("\n".join(map(end_kept, found)) if read.values["done"] and found else listing(found))
            return
        one = find_kept(follower, read.title)
        if cell is not None:
            self._execute(one, cell)
        if read.values["done"]:
            _tell(end_kept(one))
        elif cell is None:
            _tell(_told(header(one, f'%pipeline_attach "{one.run.id}" --done'), one))

    def _execute(self, one: KeptRun, code: str) -> None:
        """Run `code` there and show what comes as if the cell had run it. Raises what it raised."""
        from ..runner.executors.attached import Attached
        from ..runner.executors.handshake import KernelGone, KernelSilent
        from ..runner.kept_runs import check_lives, unreachable

        check_lives(one)
        errors: list[Mapping[str, Any]] = []

        def show(kind: str, content: Mapping[str, Any]) -> None:
            errors.append(content) if kind == "error" else self._show(kind, content)

        try:
            with Attached(one.kept) as attached:
                ok = attached.execute(code, show)
        except (KernelGone, KernelSilent, OSError) as error:
            raise unreachable(one, error) from None
        if not ok and errors:
            raise KeptCodeFailed(errors[-1])

    def _show(self, kind: str, content: Mapping[str, Any]) -> None:
        from IPython.display import clear_output

        if kind == "stream":
            stream = sys.stderr if content["name"] == "stderr" else sys.stdout
            stream.write(content["text"])
            stream.flush()
        elif kind == "clear_output":
            clear_output(wait=bool(content.get("wait")))  # type: ignore[no-untyped-call]
        elif "data" in content:
            self.shell.display_pub.publish(
                dict(content["data"]),
                dict(content.get("metadata") or {}),
                transient=dict(content.get("transient") or {}),
                update=kind == "update_display_data",
            )


AttachMagics.pipeline_attach.__doc__ = help_text("pipeline_attach")


def _follower(store: str | None, run: str) -> Follower:
    from ..runner.formats.settings import find_store
    from ..runner.records.follow import Follower
    from ..runner.records.store import Store

    opened = Store(find_store(store), create=False)
    follower = Follower(opened, opened.run(run).id)
    follower.update()
    return follower


def _told(header: str, one: KeptRun) -> str:
    from ..runner.kept_runs import check_lives

    check_lives(one)
    terminal = f"dagbook attach {one.follower.row.id} {one.run.id}"
    return f'{header}\nTo run code there: %%pipeline_attach "{one.run.id}"  (in a terminal: {terminal})'


def _tell(text: str) -> None:
    from IPython.display import display

    display({"text/plain": text}, raw=True)  # type: ignore[no-untyped-call]
