"""The buttons of the board that steer a run: shown where they make sense, still while a command is under way.

What ends a run (reject, stop) asks back: the first click only changes the button's words.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import ipywidgets as widgets

from ..runner.core.lifecycle import NodeRun, RunState
from ..runner.kept_runs import stays
from ..runner.records.processes import user_name
from .steering import Report, Steering, buttons_for


@dataclass(frozen=True, slots=True)
class Look:
    """How a button looks: its words, what it does, its icon, its ground; and what it asks back, if it does."""

    words: str
    tooltip: str
    icon: str
    ground: str = ""
    asks: str = ""


# White is read on these grounds with a contrast of 4.5 and more; the others have the theme's colours.
GO, END, SURE = "#00704F", "#A8321F", "#7A1F10"
LOOKS = {
    "approve": Look("Approve", "Let this node run start", "check", GO),
    "reject": Look("Reject", "Do not let it start: the run is aborted", "times", END, "Really reject?"),
    "retry": Look("Retry", "Run again this and all else that did not succeed", "repeat"),
    "force": Look("Run again", "Run this node again, and what follows from it", "repeat"),
    "attach": Look("Attach", "Go into its kernel, which --keep-failed left", "terminal"),
    "open_notebook": Look("Open notebook", "The notebook as it was executed", "book"),
    "stop": Look("Stop run", "End the run; what is done is kept", "stop", "", "Really stop?"),
}
AT_ONCE = Look("End at once", "End the run without waiting for its nodes", "stop", END, "Really, at once?")
_NOBODY = "choose who decides …"
_HINT = "font-size:12px;line-height:1.5;color:var(--jp-ui-font-color1,#222);overflow-wrap:anywhere"
_COPY = (
    "display:block;margin:4px 0 0;padding:4px 8px;font:12px var(--jp-code-font-family,monospace);user-select:all;"
    "white-space:pre-wrap;overflow-wrap:anywhere;color:var(--jp-ui-font-color1,#222);"
    "background:var(--jp-layout-color2,#eee);border-radius:3px"
)
# A theme's red is too dark to be read on dark ground, so it is only beside the words.
_BAD = "border-left:4px solid var(--jp-error-color1,#c62828);padding-left:8px"


class Buttons:
    """The buttons of one board. `box` is what is shown; `show` says for what, and may be called at each change."""

    def __init__(self, steering: Steering) -> None:
        self._steering = steering
        self._lock = threading.RLock()  # clicks, reports and changes come on different threads
        self._run: NodeRun | None = None
        self._asked = ""  # the button that has asked back
        self._busy = ""
        self._shown: tuple[object, ...] = ()
        self._names: dict[str, str] = {}  # of the buttons that are shown, and why one cannot be pressed
        self._of = 1
        self._buttons = {name: self._made(name) for name in LOOKS}
        self._who = widgets.Dropdown(
            description="as", layout=widgets.Layout(width="auto", display="none"), style={"description_width": "20px"}
        )
        self._who.tooltip = "Who decides, of those whom the node asks; names are not verified here"
        self._who.observe(lambda _: self._chosen(), "value")
        self._link = widgets.Output(layout=widgets.Layout(flex="1 1 100%", margin="0", display="none"))
        self._result = widgets.HTML(layout=widgets.Layout(flex="1 1 100%", margin="0 2px", display="none"))
        children = (self._who, *self._buttons.values(), self._link, self._result)
        self.box = widgets.HBox(
            children, layout=widgets.Layout(flex_flow="row wrap", align_items="center", width="100%")
        )
        self.box.add_class("dagbook-steering")
        steering.listen(self._reported)

    def _made(self, name: str) -> widgets.Button:
        longest = max(len(LOOKS[name].words), len(LOOKS[name].asks))
        # as wide as with its question: no button moves away under a second click
        layout = widgets.Layout(width="auto", min_width=f"{longest * 0.85 + 5:.0f}ch", display="none")
        button = widgets.Button(layout=layout)
        button.on_click(lambda _: self._clicked(name))
        return button

    def show(self, run: NodeRun | None, state: RunState, lives: bool = True, of: int = 1) -> None:
        """Show the buttons that make sense for `run` (None: no node run is chosen) of a run in `state`.

        `of` is how many runs its node has, which are forced together.
        """
        with self._lock:
            names = buttons_for(run.state if run else None, state, lives, run is not None and stays(run))
            now = (run.id if run else "", names, of, self._steering.stopping)
            if now == self._shown:
                self._run = run
                return
            if self._shown[:1] != now[:1]:
                self._tell(None)
                self._who.options = ()
            self._run, self._shown, self._asked = run, now, ""
            self._names, self._of = names, of
            self._offer_names(run if "approve" in names else None)
            for name, button in self._buttons.items():
                button.layout.display = "" if name in names else "none"
            self._paint()

    def _offer_names(self, run: NodeRun | None) -> None:
        """Those who are asked, this user first if he is; else nobody stands there before somebody was chosen."""
        self._who.layout.display = "none" if run is None else ""
        if run is None or self._who.options:
            return
        asked, user = [str(name) for name in run.detail.get("approvers") or ()], user_name()
        if asked and user not in asked:
            self._who.options = [(_NOBODY, ""), *((name, name) for name in asked)]
        else:
            self._who.options = [(name, name) for name in dict.fromkeys([user, *asked])]
        self._who.index = 0

    def _chosen(self) -> None:
        """What was told is about another name."""
        with self._lock:
            if not self._busy:
                self._tell(None)
                self._paint()

    def _look(self, name: str) -> Look:
        if name == "stop" and self._steering.stopping:
            return AT_ONCE
        if name == "force" and self._run and self._of > 1:
            return replace(LOOKS[name], words=f"Run all {self._of} of {self._run.node[:40]} again")
        return LOOKS[name]

    def _rests(self, name: str) -> str:
        """Why a button cannot be pressed now; empty where it can."""
        if name in ("approve", "reject") and not self._who.value:
            return "Choose first who decides; names are not verified here"
        return self._names.get(name, "")

    def _paint(self) -> None:
        for name, button in self._buttons.items():
            look, asked = self._look(name), name == self._asked
            ground = (SURE if asked else look.ground) or None
            with button.hold_sync():
                button.description = look.asks if asked else look.words
                button.tooltip = self._rests(name) or look.tooltip
                button.icon = look.icon
                button.disabled = bool(self._busy or self._rests(name))
                button.style.button_color = ground
                button.style.text_color = "#ffffff" if ground else None

    # clicks

    def _clicked(self, name: str) -> None:
        with self._lock:
            if self._busy or self._rests(name):
                return
            if self._look(name).asks and self._asked != name:
                self._asked = name
                self._paint()
                return
            self._asked, self._busy = "", name
            call = self._call(name)
            self._paint()
            self._tell(Report(name, "…", under_way=True))
            call()

    def _call(self, name: str) -> Callable[[], None]:
        steering, run = self._steering, self._run
        if name == "stop" or run is None:
            return steering.stop
        by = str(self._who.value) if self._who.value else None
        calls: dict[str, Callable[[], None]] = {
            "approve": lambda: steering.approve(run.id, by),
            "reject": lambda: steering.reject(run.id, by),
            "retry": lambda: steering.retry(run.id),
            "force": lambda: steering.force(run.node),
            "attach": lambda: steering.attach(run.id),
            "open_notebook": lambda: steering.open_notebook(run.id),
        }
        return calls[name]

    def _reported(self, report: Report) -> None:
        with self._lock:
            if not report.under_way:
                self._busy = ""
            self._paint()
            self._tell(report)

    # the line below

    def _tell(self, report: Report | None) -> None:
        self._result.value = result_html(report) if report else ""
        self._result.layout.display = "" if report else "none"
        link = report.link if report else ""
        self._link.outputs = (_output(link),) if link else ()
        self._link.layout.display = "" if link else "none"


def _output(link: str) -> dict[str, object]:
    """An output with a link: JupyterLab opens links of outputs in itself, as seen from the notebook; in widgets not."""
    anchor = f'<a href="{html.escape(link)}" style="font-size:12px">Open it in JupyterLab</a>'
    return {"output_type": "display_data", "data": {"text/html": anchor, "text/plain": link}, "metadata": {}}


def result_html(report: Report) -> str:
    """What came of a command as HTML, everything escaped; a click selects the whole of a text to copy."""
    failed = not (report.done or report.under_way)
    style, mark = (f"{_HINT};{_BAD}", "✕ ") if failed else (_HINT, "")
    parts = [f'<div role="status" style="{style}">{mark}{html.escape(report.text)}</div>']
    parts += [
        f'<code style="{_COPY}" title="A click selects all of it">{html.escape(text)}</code>' for text in report.copy
    ]
    return "".join(parts)
