"""Routes of a run, or runs, side by side on a board: a picture, a table that sorts, the difference of two rows."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..runner.board.compared_columns import Kind, columns, labels_of, sorted_by
from ..runner.board.comparison_table import Head, table_html, table_of
from ..runner.board.lettering import escaped
from ..runner.board.pair import pair_of
from ..runner.board.pair_html import pair_html
from ..runner.board.parallel_axes import parallel
from ..runner.board.parallel_coordinates import parallel_svg
from ..runner.compared import Compared
from ..runner.comparison import By, Comparison, Row, Told
from ..runner.comparison_html import bundle, differences_html, heading_html
from ..runner.comparison_sheet import one_line
from ..runner.core.names import slug_of
from ..runner.differences import differences
from ..runner.records.store import Store
from .board_style import board_style, twin
from .closing import close_all
from .compare_figure import can_plot, compare_figure
from .theme import theme_of

MOST_CHOICES = 500  # rows that can be chosen from a list
_HINT = '<span class="dagbook-hint">Choose two rows, A and B, to see what differs between them.</span>'
_Identity = tuple[str, str | None]  # a row's run and node run

_STYLE = """<style>
.dagbook-compare{padding:8px 12px}
.dagbook-compare .dagbook-heads{overflow:visible;border-bottom:1px solid var(--jp-border-color2,#d7dde3)}
.dagbook-compare .dagbook-heads .jupyter-button{width:auto;height:26px;line-height:24px;margin:0;padding:0 8px;
font-size:12px;font-weight:600;text-align:left;background:transparent;box-shadow:none;overflow:hidden}
.dagbook-compare .dagbook-heads .jupyter-button.dagbook-right{text-align:right}
.dagbook-compare .dagbook-heads .jupyter-button:focus-visible{outline:2px solid currentColor;outline-offset:-2px}
.dagbook-compare .dagbook-scroll{overflow-x:auto;overflow-y:hidden}
.dagbook-compare .dagbook-scroll>*{flex:0 0 auto}
.dagbook-compare .jp-OutputArea-output{background:transparent}
[data-jp-theme-light="false"] .dagbook-light .js-plotly-plot,
[data-jp-theme-light="true"] .dagbook-dark .js-plotly-plot{filter:invert(.91) hue-rotate(180deg)}
</style>"""  # a figure is drawn in one theme; when the page shows the other one, it is turned over, and keeps its hues


def static_comparison(compared: Compared, everything: bool = False, beside_board: bool = False) -> dict[str, str]:
    """A mime bundle that stays in the notebook; hidden where `beside_board` a living board stands after it."""
    made = bundle(compared, everything)
    return made | {"text/html": twin(made["text/html"])} if beside_board else made


class CompareBoard:
    """A comparison on an ipywidgets board. Clicks come on any thread; each of them is answered under one lock."""

    def __init__(self, store: Store, compared: Compared, theme: str = "auto") -> None:
        import ipywidgets

        self.lock = threading.RLock()
        self._store = store
        self._comparison: Comparison = compared.comparison
        self._order: tuple[Kind, str, bool] | None = None  # kind and name of a column, whether descending
        self._chosen: list[_Identity | None] = [None, None]
        self._settling = False
        drawn_in = theme_of(theme)
        self._theme = drawn_in
        self._picture = _picture_widget()
        self._body = ipywidgets.HTML()
        self._heads = ipywidgets.GridBox()
        self._heads.add_class("dagbook-heads")
        self._head_buttons: dict[tuple[Kind, str], tuple[Any, Head]] = {}
        scroll = ipywidgets.VBox([self._heads, self._body])
        scroll.add_class("dagbook-scroll")
        self._difference = ipywidgets.HTML()
        self._objective, self._lowest = self._objective_choice()
        self._lists = [self._row_choice(number) for number in range(2)]
        wraps = ipywidgets.Layout(flex_flow="row wrap", overflow="visible")
        tools = ipywidgets.HBox([self._objective, self._lowest], layout=wraps)
        choices = ipywidgets.HBox(self._lists, layout=wraps)
        parts = [ipywidgets.HTML(heading_html(compared)), tools, self._picture, scroll, choices, self._difference]
        if compared.differs is not None and len(compared.differs.runs) > 2:
            parts.append(ipywidgets.HTML(_all_runs(compared)))
        style = ipywidgets.HTML(board_style() + _STYLE, layout=ipywidgets.Layout(display="none"))
        inner = ipywidgets.VBox(parts, layout=ipywidgets.Layout(overflow="hidden"))
        inner.add_class("dagbook-compare")
        self.widget: Any = ipywidgets.VBox([style, inner])
        self.widget.add_class("dagbook-board")
        self.widget.add_class(f"dagbook-{drawn_in}")
        if len(self._comparison.rows) == 2:
            self.choose(0, 1)
        else:
            self.paint()

    # what a user does

    def sort(self, kind: Kind, name: str) -> None:
        """Sort by a column: the lowest first; where it is sorted by already, the other way round."""
        with self.lock:
            descending = self._order == (kind, name, False)
            self._order = (kind, name, descending)
            self._comparison = sorted_by(self._comparison, kind, name, descending)
            self.paint(picture=False)

    def colour_by(self, name: str, lowest: bool = False) -> None:
        """Have the lines take their colour from a column, the highest being the best, or the lowest."""
        with self.lock:
            column = next(column for column in columns(self._comparison) if column.name == name)
            made = replace(self._comparison, by=By(name, lowest))
            self._order = (column.kind, name, not lowest)
            self._comparison = sorted_by(made, *self._order)
            self.paint()

    def choose(self, one: int, other: int) -> None:
        """Hold two rows to each other, told by their numbers in the order that is shown."""
        with self.lock:
            self._chosen = [_identity(self._comparison.rows[number]) for number in (one, other)]
            self.paint()

    def close(self) -> None:
        """Take the board out of the page; it cannot be shown again."""
        with self.lock:
            close_all(self.widget)

    # what is shown

    def paint(self, picture: bool = True) -> None:
        """Show all as it is now."""
        with self.lock:
            marked = self._marked()
            if picture:
                self._show_picture(marked)
            table = table_of(self._comparison)
            self._show_heads(table.heads, table.widths)
            self._body.value = table_html(table, marked)
            self._offer()
            self._difference.value = self._differing(marked)

    def _show_picture(self, marked: Mapping[int, str]) -> None:
        if not hasattr(self._picture, "outputs"):
            self._picture.value = parallel_svg(self._comparison, marked)
            return
        found = compare_figure(self._comparison, self._theme)
        self._picture.outputs = ({"output_type": "display_data", "data": found, "metadata": {}},) if found else ()

    def _show_heads(self, heads: tuple[Head, ...], widths: tuple[int, ...]) -> None:
        import ipywidgets

        for head in heads:
            key = head.kind, head.name
            if key not in self._head_buttons:
                button = ipywidgets.Button(tooltip=f"Sort by {one_line(head.name)}")
                button.on_click(lambda _button, key=key: self.sort(*key))
                if head.right:
                    button.add_class("dagbook-right")
                self._head_buttons[key] = button, head
            self._head_buttons[key][0].description = head.words + self._arrow(key)
        buttons = tuple(self._head_buttons[head.kind, head.name][0] for head in heads)
        corner = self._heads.children[0] if self._heads.children else ipywidgets.HTML()
        if self._heads.children[1:] != buttons:
            self._heads.children = (corner, *buttons)
        self._heads.layout.grid_template_columns = " ".join(f"{width}px" for width in widths)
        self._heads.layout.width = self._body.layout.width = f"{sum(widths)}px"

    def _arrow(self, key: tuple[Kind, str]) -> str:
        if self._order is None:
            by = self._comparison.by
            descending = bool(by and not by.lowest)
            return "" if by is None or key[1] != by.name or key[0] is Kind.KEY else " ▼" if descending else " ▲"
        return "" if self._order[:2] != key else " ▼" if self._order[2] else " ▲"

    def _marked(self) -> dict[int, str]:
        """The letters of the chosen rows by their numbers."""
        numbers = {_identity(row): number for number, row in enumerate(self._comparison.rows)}
        return {numbers[chosen]: letter for chosen, letter in zip(self._chosen, "AB", strict=True) if chosen in numbers}

    def _differing(self, marked: Mapping[int, str]) -> str:
        if len(marked) < 2:
            return _HINT
        one, other = sorted(marked, key=lambda number: marked[number])
        rows = [self._comparison.rows[number] for number in (one, other)]
        told = {row.run: Told(self._store.run(row.run), self._store.state_of(row.run)) for row in rows}
        found = pair_html(pair_of(self._comparison, one, other, told))
        if len(told) == 2:
            found += _of_two_runs(self._store, rows, [told[row.run] for row in rows])
        return found

    # the lists

    def _objective_choice(self) -> tuple[Any, Any]:
        import ipywidgets

        names = list(dict.fromkeys(column.name for column in columns(self._comparison) if column.numbers))
        by = self._comparison.by
        drawn = parallel(self._comparison).objective
        value = by.name if by else drawn.name if drawn else None
        options = [(_in_list(one_line(name)), name) for name in names]
        wide = ipywidgets.Layout(width="260px")
        choice = ipywidgets.Dropdown(
            options=options, value=value if value in names else None, description="Colour by", layout=wide
        )
        lowest = ipywidgets.Checkbox(
            value=bool(by and by.lowest), description="the lowest is the best", indent=False, layout={"width": "auto"}
        )

        def changed(_change: Any) -> None:
            if choice.value:
                self.colour_by(choice.value, lowest.value)

        choice.observe(changed, "value")
        lowest.observe(changed, "value")
        return choice, lowest

    def _row_choice(self, number: int) -> Any:
        import ipywidgets

        layout = ipywidgets.Layout(width="380px")
        style = {"description_width": "20px"}
        options = self._row_options()
        choice = ipywidgets.Dropdown(options=options, description="AB"[number], layout=layout, style=style)

        def changed(change: Mapping[str, Any]) -> None:
            with self.lock:
                if not self._settling:
                    self._chosen[number] = change["new"]
                    self.paint()

        choice.observe(changed, "value")
        return choice

    def _row_options(self) -> list[tuple[str, _Identity | None]]:
        labels = labels_of(self._comparison)
        offered = list(zip(labels, self._comparison.rows, strict=True))[:MOST_CHOICES]
        return [("choose a row …", None), *((_in_list(label), _identity(row)) for label, row in offered)]

    def _offer(self) -> None:
        """Offer the rows in their order."""
        options = self._row_options()
        known = {value for _words, value in options}
        self._settling = True
        try:
            for choice, chosen in zip(self._lists, self._chosen, strict=True):
                if choice.options != tuple(options):
                    choice.options = options
                choice.value = chosen if chosen in known else None
        finally:
            self._settling = False


def _picture_widget() -> Any:
    """What holds the picture: an output, which draws plotly's figures too, or plain HTML."""
    import ipywidgets

    return ipywidgets.Output() if can_plot() else ipywidgets.HTML()


def _identity(row: Row) -> _Identity:
    return row.run, row.id


def _of_two_runs(store: Store, rows: Sequence[Row], told: Sequence[Told]) -> str:
    """What else differs between two rows of two runs: code, images, files; artifacts where the rows are one route."""
    nodes = frozenset(slug_of(row.node) for row in rows if row.node)
    differs = differences(store, told, nodes)
    if nodes:
        ids = tuple(row.id for row in rows)
        differs = replace(differs, artifacts=tuple(one for one in differs.artifacts if one.ids == ids))
    return differences_html(differs) if differs else '<div class="dagbook-hint">Nothing else differs.</div>'


def _in_list(words: str) -> str:
    return words if len(words) <= 80 else words[:79] + "…"


def _all_runs(compared: Compared) -> str:
    assert compared.differs is not None
    title = f"What differs between all {len(compared.differs.runs)} runs"
    return f"<details><summary>{escaped(title)}</summary>{differences_html(compared.differs)}</details>"
