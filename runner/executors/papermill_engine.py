"""The papermill engine `dagbook`: executes a notebook on a kernel that somebody else started.

Importing this module imports papermill and registers the engine; it is imported in the thread that prepares.
What differs from papermill's own engine:
- the kernel's death is noticed by its exit, at once and with its last output, not by asking every second;
- every output, cell start and tag is reported as it happens;
- output that arrives after its cell is done (threads, subprocesses, exit handlers) goes to its cell;
- the notebook is saved every few seconds, not twice per cell;
- `quit()` in a cell is not a success.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import warnings
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from jupyter_core.utils import run_sync
from nbclient.exceptions import CellExecutionComplete
from nbformat import NotebookNode
from nbformat.v4 import output_from_msg
from papermill.clientwrap import PapermillNotebookClient  # type: ignore[import-untyped]
from papermill.engines import Engine, papermill_engines  # type: ignore[import-untyped]
from papermill.exceptions import PapermillExecutionError as PapermillExecutionError  # type: ignore[import-untyped]
from traitlets import Any as AnyTrait

from .contract import CellStarted, Output
from .hiding import HiddenMessages
from .kept_displays import Displays
from .kept_outputs import CellOutputs, Room
from .kept_widgets import KeptOutputWidget, WidgetStates
from .record_keeper import RecordKeeper
from .short_errors import shortened
from .tags import carries_only_entries
from .threads import THREADS

if TYPE_CHECKING:
    from .handshake import Line
    from .kernel import Session

NAME = "dagbook"

_DRAIN_SECONDS = 0.06  # how long iopub must be silent after the kernel's death to be empty
_LONGEST_DRAIN_SECONDS = 2.0
_IOPUB_SECONDS = 24 * 3600  # a cell's reply may overtake gigabytes of its output; nbclient would give up after 4 s


class KernelQuit(Exception):
    """A cell called `quit()` or `exit()`: the kernel replied, and is about to leave."""


class NodeClient(PapermillNotebookClient):  # type: ignore[misc]
    """nbclient's client for one node: executes cells, reports what comes."""

    session = AnyTrait()

    def __init__(self, keeper: RecordKeeper, line: Line, session: Session) -> None:
        super().__init__(keeper, km=_Manager(), session=session, log=_quiet, iopub_timeout=_IOPUB_SECONDS)
        self.kc = line.client
        self._keeper = keeper
        self.on_cell_executed = self.on_executed
        session.position = positions(keeper.nb, session.cells)
        keeper.settle = self._settle_outputs
        self._sent: dict[str, tuple[NotebookNode, int]] = {}
        self._room = Room()
        self._kept: dict[int, CellOutputs] = {}
        self._displays = Displays()
        self.widget_registry = {"@jupyter-widgets/output": {"OutputModel": partial(KeptOutputWidget, room=self._room)}}
        hiding = session.logbook.hiding
        self._hidden = HiddenMessages(hiding) if hiding else None

    def execute(self, **kwargs: Any) -> NotebookNode:
        """Execute all cells; raises what ends the kernel, not what a cell raises (see RecordKeeper.failed)."""
        self.reset_execution_trackers()
        self._widgets = WidgetStates(self.widget_state, self.widget_buffers)
        self.papermill_execute_cells()
        self.session.warnings += self._widgets.warnings()
        self.set_widgets_metadata()
        return cast(NotebookNode, self.nb)

    async def async_execute_cell(self, cell: NotebookNode, cell_index: int, *args: Any, **kwargs: Any) -> NotebookNode:
        """Execute one cell, reporting its start and, at its end, a tag in a last line without line end."""
        injected = "injected-parameters" in cell.metadata.get("tags", []) and len(self.nb.cells) > self.session.cells
        if cell.cell_type == "code" and cell.source.strip() and not injected:
            self.session.report(CellStarted(self.session.position(cell_index), self.session.cells))
        self.session.current = cell_index
        try:
            return cast(NotebookNode, await super().async_execute_cell(cell, cell_index, *args, **kwargs))
        finally:
            self._settle(cell_index)

    execute_cell = run_sync(async_execute_cell)  # papermill calls this; nbclient's is bound to its own coroutine

    def let_go(self) -> None:
        """Part with what leads back here and with what is large, when nothing more comes.

        In a circle it would stay until somebody looks for circles, which a run process seldom does.
        """
        self._settle_outputs()
        self._kept.clear()
        self._keeper.settle = lambda: None
        self.comm_open_handlers.clear()
        self.set_trait("on_cell_executed", None)

    def _settle(self, cell_index: int) -> None:
        if self._hidden:
            self._take_held({request for request, (_, index) in self._sent.items() if index == cell_index})
        self.session.logbook.settle()
        self._settle_outputs()
        for widget in self.comm_objects.values():
            widget.settle()

    def _settle_outputs(self) -> None:
        self._displays.settle()
        for kept in self._kept.values():
            kept.settle()

    def on_executed(self, execute_reply: Mapping[str, Any], **_: Any) -> None:
        """nbclient's hook after each cell. Raises KernelQuit."""
        payload = execute_reply["content"].get("payload") or []
        if any(one.get("source") == "ask_exit" and not one.get("keepkernel") for one in payload):
            raise KernelQuit

    async def _async_poll_output_msg(self, parent_msg_id: str, cell: NotebookNode, cell_index: int) -> None:
        self._sent[parent_msg_id] = (cell, cell_index)
        while not self._took(await self.kc.iopub_channel.get_msg(timeout=None), parent_msg_id):
            pass

    def _took(self, message: dict[str, Any], awaited: str) -> bool:
        """Process a message of any cell; True when it says that request `awaited` is done."""
        parent = message["parent_header"].get("msg_id")
        self.session.logbook.take_printed()
        shown = self._hidden.shown(message) if self._hidden else message  # before anything is cut, kept or told
        return shown is not None and self._take(shortened(shown), parent) and parent == awaited

    def _take(self, message: dict[str, Any], parent: str) -> bool:
        """Process a message; True when it says that the request `parent` is done."""
        self._note(message["msg_type"], message["content"], self._sent.get(parent, (None, None))[1])
        if parent in self._sent:
            try:
                self.process_message(message, *self._sent[parent])
            except CellExecutionComplete:
                return True
        return False

    def _take_held(self, requests: Collection[str]) -> None:
        """Take what was held back of these requests' output: it is no secret."""
        for message in self._hidden.rest(requests) if self._hidden else ():
            self._take(message, message["parent_header"].get("msg_id"))

    def expect(self, request: str) -> None:
        """Let the output of `request` (the farewell) belong to the last cell that ran."""
        self._sent[request] = (self.nb.cells[self.session.current], self.session.current)

    def settle_last(self) -> None:
        """Settle the last cell again, after the farewell added to its outputs; nothing is held back now."""
        self._take_held(self._sent)
        self._settle(self.session.current)

    async def until_idle(self, request: str) -> None:
        """Take messages until the kernel is done with `request`."""
        while not self._took(await self.kc.iopub_channel.get_msg(timeout=None), request):
            pass

    async def _async_poll_kernel_alive(self) -> None:
        await self.session.process.exit.gone()
        await self._drain_after_death()
        if self.task_poll_for_reply is not None:
            self.task_poll_for_reply.cancel()  # nbclient turns this into DeadKernelError

    async def _drain_after_death(self) -> None:
        """Give the reader of iopub time for what the kernel had sent."""
        end = time.monotonic() + _LONGEST_DRAIN_SECONDS
        while time.monotonic() < end and await self.kc.iopub_channel.socket.poll(_DRAIN_SECONDS * 1000):  # noqa: ASYNC110
            await asyncio.sleep(0)  # the reader takes it

    def _note(self, sort: str, content: Mapping[str, Any], cell_index: int | None) -> None:
        """Take what a message logs, wherever its output goes: no cell, or a widget that takes outputs in, too."""
        if sort == "stream" and content.get("name") == "stdout":
            self.session.logbook.take(cell_index, content.get("text") or "")
        elif sort in ("display_data", "execute_result"):
            self.session.logbook.take_display(content.get("data") or {}, content.get("metadata") or {})

    # reports

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Process one iopub message as papermill does, and report it when it changes what the cell shows."""
        content, kind = msg["content"], msg["msg_type"]
        if kind == "clear_output" and not self.output_hook_stack[msg["parent_header"].get("msg_id")]:
            self._tell(cell_index, {"output_type": "clear", "wait": bool(content.get("wait"))})
        elif kind == "update_display_data":
            display = (content.get("transient") or {}).get("display_id")
            update = {"output_type": "update", "display_id": display}
            self._tell(cell_index, {**update, "data": content["data"], "metadata": content["metadata"]})
        return cast("NotebookNode | None", super().process_message(msg, cell, cell_index))

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        """Add an output to the cell, as nbclient does, as far as the notebook keeps it, and report it."""
        try:
            out: NotebookNode = output_from_msg(msg)  # type: ignore[no-untyped-call]
        except ValueError:
            return None
        if self.output_hook_stack[msg["parent_header"].get("msg_id")]:
            if out["output_type"] == "stream":  # what a widget takes in is in the log all the same
                self._tell(cell_index, out)
            return cast("NotebookNode | None", super().output(outs, msg, display_id, cell_index))
        kept = self._kept_of(cell_index, outs)
        if self.clear_before_next_output:
            kept.cleared()
        elif kept.joins(out):
            self._tell(cell_index, out)
            return out
        if self.clear_before_next_output or kept.has_room(out):
            super().output(outs, msg, None, cell_index)
            kept.added(outs[-1])
            if display_id:
                self._displays.shown(display_id, outs[-1], kept)
        if not carries_only_entries(out.get("data", {})):
            transient = {"transient": {"display_id": display_id}} if display_id else {}
            self._tell(cell_index, {**out, **transient})
        return out

    def _kept_of(self, cell_index: int, outs: list[NotebookNode]) -> CellOutputs:
        if cell_index not in self._kept:
            self._kept[cell_index] = CellOutputs(outs, self._room)
        return self._kept[cell_index]

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        """Update the outputs of a display: nbclient calls this for each message that names one."""
        self._displays.updated(display_id, msg["content"])

    def clear_display_id_mapping(self, cell_index: int) -> None:
        """Forget the displays of a cell that was cleared: nbclient calls this."""
        self._displays.cleared(self._kept_of(cell_index, self.nb.cells[cell_index].outputs))

    def handle_comm_msg(self, outs: list[NotebookNode], msg: dict[str, Any], cell_index: int) -> None:
        """Take in what a widget says of itself, as nbclient does, as far as the notebook keeps it."""
        super().handle_comm_msg(outs, msg, cell_index)
        self._widgets.changed(msg["content"]["comm_id"], msg["content"]["data"], msg.get("buffers") or [])

    def clear_output(self, outs: list[NotebookNode], msg: dict[str, Any], cell_index: int) -> None:
        """Clear a cell, as nbclient does."""
        super().clear_output(outs, msg, cell_index)
        if not outs and cell_index in self._kept:
            self._kept[cell_index].cleared()

    def _tell(self, cell_index: int, message: Mapping[str, Any]) -> None:
        self.session.report(Output(self.session.position(cell_index), message))


class DagbookEngine(Engine):  # type: ignore[misc]
    """What `papermill.execute_notebook(engine_name="dagbook", session=...)` finds."""

    @classmethod
    def execute_notebook(
        cls, nb: NotebookNode, kernel_name: str, output_path: str | None = None, **kwargs: Any
    ) -> NotebookNode:
        """Execute `nb` on the kernel of the `session` given to papermill."""
        session: Session = kwargs["session"]
        keeper = session.keeper = RecordKeeper(nb, session.record)
        keeper.notebook_start()
        try:
            session.execute(keeper)
        finally:
            keeper.notebook_complete()
        return cast(NotebookNode, keeper.nb)


class _Manager:
    """The kernel manager that nbclient wants to see; it manages nothing: the kernel is not nbclient's."""

    has_kernel = True


def positions(nb: NotebookNode, cells: int) -> Callable[[int], int]:
    """From a cell's position in the executed notebook to that in the notebook given: papermill may have put in the
    cell of the parameters, which counts as the cell before it."""
    injected = [i for i, cell in enumerate(nb.cells) if "injected-parameters" in cell.metadata.get("tags", [])]
    if len(nb.cells) == cells or not injected:
        return lambda index: index
    return lambda index: index if index < injected[0] else max(index - 1, 0)


def _not_in_a_node(record: logging.LogRecord) -> bool:
    return not threading.current_thread().name.startswith(THREADS)


_quiet = logging.getLogger("dagbook.node")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False
# What these say about a node's notebook ("unknown parameter", "no cell tagged parameters") is no news to users:
# dagbook checks it before anything runs. Others in this process who use papermill keep its messages.
logging.getLogger("papermill").addFilter(_not_in_a_node)
for _package in ("papermill", "nbclient", "nbformat", "jupyter_client", "zmq", "traitlets"):
    warnings.filterwarnings("ignore", module=rf"{_package}(\..*)?")
papermill_engines.register(NAME, DagbookEngine)
