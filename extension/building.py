"""Building a pipeline by hand, on its board: forms on one side, the text that says the same on the other.

Nothing is put into anybody's cells. A widget's callback could not even do it well: a kernel can hand a new cell to the
front end only with the reply to a cell that is run, so it would appear later, below a cell that has nothing to do
with it. So the text is shown, to be copied with a click, and the picture shows what would come of it.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ..runner.core.errors import PipelineError, Problem
from ..runner.core.model import Pipeline
from .building_forms import AddForm, ChangeForm, ConnectForm, Form, MoveForm, WhereIs, YamlForm

_INK = "color:var(--jp-ui-font-color1,#222)"
_TEXT = (
    f"{_INK};background:var(--jp-layout-color2,#eee);border:1px solid var(--jp-border-color2,#ccc);border-radius:4px;"
    "margin:4px 0 0;padding:8px 10px;font:12px/1.5 var(--jp-code-font-family,monospace);user-select:all;"
    "white-space:pre-wrap;overflow-wrap:anywhere;max-height:300px;overflow:auto"
)
_BAD = (  # a theme's red is too dark to be read on dark ground, so it is only beside the words
    f"{_INK};border-left:4px solid var(--jp-error-color1,#c62828);padding-left:8px;margin:0 0 6px;font-size:12px;"
    "white-space:pre-wrap;overflow-wrap:anywhere"
)
_SOFT = f"{_INK};font-size:12px"
Show = Callable[[Pipeline], None]


class Building:
    """The panel; `box` is what is shown. `draw_with` connects it to a picture."""

    def __init__(self, pipeline: Pipeline) -> None:
        import ipywidgets

        self._pipeline = self._drawn = pipeline
        self._preview: Show | None = None
        self._where: WhereIs | None = None
        self._lock: Any = threading.RLock()
        self._settling = False
        titles = [node.title for node in pipeline.nodes]
        self.forms: dict[str, Form] = {"Add a node": AddForm(titles)}
        if titles:
            self.forms |= {"Connect": ConnectForm(titles), "Change": ChangeForm(titles)}
            self.forms |= {"Move": MoveForm(titles), "YAML": YamlForm(titles)}
        self.mode: Any = ipywidgets.ToggleButtons(options=list(self.forms), value="Add a node")
        self.mode.style.button_width = "auto"
        self.mode.observe(lambda _: self.show(), "value")
        self.result: Any = ipywidgets.HTML(layout=ipywidgets.Layout(flex="1 1 340px", min_width="280px"))
        self._left = ipywidgets.VBox(layout=ipywidgets.Layout(flex="1 1 340px", min_width="300px", overflow="visible"))
        below = ipywidgets.HBox(
            [self._left, self.result], layout=ipywidgets.Layout(flex_flow="row wrap", grid_gap="16px")
        )
        self.box: Any = ipywidgets.VBox([self.mode, below])
        self.box.add_class("dagbook-building")
        for form in self.forms.values():
            form.on_change(self.show)
        self.select(titles[0] if titles else "")

    def draw_with(self, preview: Show, where: WhereIs, lock: Any) -> None:
        """Have a picture show what would come of it.

        `preview` is given the pipeline as it would be, `where` tells at which pixels, from the left and from the top,
        the card of a title stands; both are called with `lock` held, the picture's own.
        """
        self._preview, self._where, self._lock = preview, where, lock

    def select(self, title: str) -> None:
        """Have the forms be about the node `title`."""
        with self._lock:
            if title in (node.title for node in self._pipeline.nodes):
                self._take(title)
            self._show()

    def show(self) -> None:
        """Tell what the form that is seen amounts to."""
        with self._lock:
            if self._settling:
                return
            form = self.forms[str(self.mode.value)]
            if form.chosen and form.chosen != form.taken:  # another node was chosen in the form itself
                self._take(form.chosen)
            self._show()

    def _take(self, title: str) -> None:
        self._settling = True
        try:
            for form in self.forms.values():
                form.take(self._pipeline, title, self._where)
        finally:
            self._settling = False

    def _show(self) -> None:
        form, drawn = self.forms[str(self.mode.value)], self._pipeline
        self._left.children = tuple(form.fields)
        try:
            edited = form.edited(self._pipeline)
            self.result.value = result_html(edited.text, edited.where, edited.findings)
            if not any(found.is_error for found in edited.findings):
                drawn = edited.pipeline
        except PipelineError as error:
            self.result.value = result_html("", form.hint, error.problems if form.begun else ())
        if self._preview and drawn != self._drawn:
            self._drawn = drawn
            self._preview(drawn)


def result_html(text: str, where: str, findings: Sequence[Problem] = ()) -> str:
    """What to write and where, and what is wrong with it, as HTML; everything escaped."""
    parts = [f'<div style="{_BAD}">{html.escape(_told(found))}</div>' for found in findings]
    parts.append(f'<div style="{_SOFT}">{html.escape(where)}</div>')
    if text:
        parts.append(f'<pre class="dagbook-text" style="{_TEXT}" tabindex="0">{_unbroken(text)}</pre>')
        parts.append(f'<div style="{_SOFT}">A click selects all of it.</div>')
    return "".join(parts)


def _unbroken(text: str) -> str:
    """The text with its first line, a magic's, broken between words only: a browser would break `--param` in two."""
    first, newline, rest = text.partition("\n")
    words = (f'<span style="white-space:nowrap">{html.escape(word)}</span>' for word in first.split(" "))
    return " ".join(words) + newline + html.escape(rest)


def _told(found: Problem) -> str:
    return f"{found.code}: {found.message}\n{found.hint}".strip()
