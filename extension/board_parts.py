"""The parts of a board around its graph: the header with its chips, the inspector, the pages below."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..runner.board.header import Chip
from ..runner.core.lifecycle import State
from .board_subjects import LIST, Listed, Page
from .closing import close_all
from .openers import Openers

OnFilter = Callable[[frozenset[State]], None]
OnPick = Callable[[str], None]


class HeaderBox:
    """The line above the graph. Its chips are buttons: those that are pressed filter the graph and the list."""

    def __init__(self, on_filter: OnFilter) -> None:
        import ipywidgets

        self._on_filter = on_filter
        self._words = ipywidgets.HTML(layout=ipywidgets.Layout(flex="1 1 auto"))
        self._chips: dict[str, tuple[Any, Chip]] = {}
        row = ipywidgets.Layout(flex_flow="row wrap", flex="0 1 auto", overflow="visible")
        self._box = ipywidgets.HBox(layout=row)
        self._box.add_class("dagbook-chips")
        self.widget = ipywidgets.HBox([self._words, self._box], layout=ipywidgets.Layout(flex_flow="row wrap"))
        self.widget.add_class("dagbook-head")

    def show(self, words: str, chips: Sequence[Chip]) -> None:
        """Tell how it stands now."""
        if self._words.value != words:
            self._words.value = words
        for chip in chips:
            self._show_chip(chip)
        left = set(self._chips) - {chip.word for chip in chips}
        for name in left:
            button, chip = self._chips[name]
            button.layout.display, button.value = "none", False
            self._chips[name] = button, Chip(chip.word, chip.states, 0)
        order = [chip.word for chip in chips]
        buttons = tuple(self._chips[name][0] for name in (*order, *sorted(left)))
        if buttons != self._box.children:
            self._box.children = buttons

    def _show_chip(self, chip: Chip) -> None:
        known = self._chips.get(chip.word)
        if known is None:
            self._chips[chip.word] = self._made(chip), chip
        elif known[1] != chip:
            known[0].description, known[0].layout.display = _chip_words(chip), ""
            self._chips[chip.word] = known[0], chip

    def _made(self, chip: Chip) -> Any:
        import ipywidgets

        button = ipywidgets.ToggleButton(description=_chip_words(chip), tooltip=f"Show only what is {chip.word}")
        button.add_class("dagbook-chip")
        button.add_class(f"dagbook-{chip.states[0]}")
        button.observe(lambda _change: self._on_filter(self.states()), "value")
        return button

    def states(self) -> frozenset[State]:
        """The states of the chips that are pressed."""
        return frozenset(state for button, chip in self._chips.values() if button.value for state in chip.states)


def _chip_words(chip: Chip) -> str:
    return f"{chip.glyph} {chip.count} {chip.word}"


class InspectorBox:
    """What is known of one card, with a list of all cards above it for those who use no mouse."""

    def __init__(self, on_pick: OnPick, on_open: Callable[[], None]) -> None:
        import ipywidgets

        self._on_pick = on_pick
        self._settling = False
        self._titles: tuple[tuple[str, str], ...] = ()
        self._list = ipywidgets.Dropdown(options=[("", "")], layout=ipywidgets.Layout(width="auto", flex="1 1 auto"))
        self._list.observe(self._picked, "value")
        self._open = ipywidgets.Button(layout=ipywidgets.Layout(display="none"))
        self._open.add_class("dagbook-small")
        self._open.on_click(lambda _button: on_open())
        self._facts = ipywidgets.VBox()
        self._facts.add_class("dagbook-facts")
        self._buttons = ipywidgets.VBox(layout=ipywidgets.Layout(overflow="visible"))
        choice = ipywidgets.HBox([self._list, self._open])
        choice.add_class("dagbook-choice")
        room = ipywidgets.Layout(flex="1 1 340px", min_width="280px", max_height="620px")
        self.widget = ipywidgets.VBox([choice, self._buttons, self._facts], layout=room)
        self.widget.add_class("dagbook-side")

    def offer(self, titles: Sequence[tuple[str, str]]) -> None:
        """Offer these cards: words and key of each."""
        if tuple(titles) != self._titles:
            self._titles = tuple(titles)
            self._settle(str(self._list.value or ""))

    def pick(self, key: str) -> None:
        """Have the list stand on the card `key`."""
        if self._list.value != key:
            self._settle(key)

    def show(self, facts: Sequence[str], opens: str = "") -> int:
        """Tell these facts, pieces of HTML; `opens` is what the button that opens or closes a group says, or empty.

        A piece that did not change stays as it is: unfolded, scrolled, with what is marked in it. Gives how many
        characters were sent.
        """
        import ipywidgets

        sent = 0
        shown = self._facts.children
        if len(shown) != len(facts):
            shown = (*shown[: len(facts)], *(ipywidgets.HTML() for _ in facts[len(shown) :]))
        for one, fact in zip(shown, facts, strict=True):
            if one.value != fact:
                one.value = fact
                sent += len(fact)
        if (before := self._facts.children) != shown:
            self._facts.children = shown
            for one in before[len(facts) :]:
                close_all(one)
        if self._open.description != opens:
            self._open.description = opens
            self._open.layout.display = "" if opens else "none"
        return sent

    def act_with(self, buttons: Any) -> None:
        """Have these buttons above the facts."""
        if self._buttons.children != (buttons,):
            self._buttons.children = (buttons,)

    def _settle(self, key: str) -> None:
        self._settling = True
        try:
            self._list.options = [("Choose a node …", ""), *self._titles]
            self._list.value = key if key in {key for _words, key in self._titles} else ""
        finally:
            self._settling = False

    def _picked(self, change: Mapping[str, Any]) -> None:
        if not self._settling and change["new"]:
            self._on_pick(str(change["new"]))


ListedIn = Callable[[frozenset[State]], Sequence[Listed]]


class RowButtons:
    """A button at each row of the page `List`, in the place of a link, which could not tell the kernel anything."""

    def __init__(self, listed: ListedIn, on_open: Callable[[Listed], None]) -> None:
        self._listed = listed
        self._on_open = on_open
        self._rows: Sequence[Listed] = ()
        self.openers = Openers(self._open)
        self.openers.widget.add_class("dagbook-row-buttons")

    def show(self, states: frozenset[State]) -> None:
        """Have a button for each row that the list has now."""
        self._rows = self._listed(states)
        self.openers.show([("›", f"Show {row.words}") for row in self._rows])

    def _open(self, at: int) -> None:
        if at < len(self._rows):
            self._on_open(self._rows[at])


class Pages:
    """The tabs below the graph. Only the one that is seen is drawn. `rows` stands beside the page `List`."""

    def __init__(self, pages: Mapping[str, Page], others: Mapping[str, Any], rows: RowButtons) -> None:
        import ipywidgets

        self._pages = dict(pages)
        self._rows = rows
        self._shown = {title: ipywidgets.HTML() for title in pages}
        if LIST in self._shown:
            self._shown[LIST].layout.flex = "1 1 0"
        children = []
        for one in (*self._shown.values(), *others.values()):
            listed = one is self._shown.get(LIST)
            frame = ipywidgets.HBox([rows.openers.widget, one]) if listed else ipywidgets.VBox([one])
            frame.add_class("dagbook-page")
            children.append(frame)
        self.widget = ipywidgets.Tab(children, titles=[*pages, *others], selected_index=0 if children else None)
        self.widget.add_class("dagbook-below")
        self.widget.layout.display = "" if children else "none"

    def on_turn(self, callback: Callable[[], None]) -> None:
        """Have `callback` called when another page is looked at."""
        self.widget.observe(lambda _change: callback(), "selected_index")

    def show(self, states: frozenset[State]) -> None:
        """Draw the page that is seen, of these states only where there are any."""
        titles = list(self._shown)
        at = self.widget.selected_index
        if at is None or at >= len(titles):
            return
        title = titles[at]
        found = self._pages[title](states)
        if title == LIST:
            self._rows.show(states)
        if self._shown[title].value != found:
            self._shown[title].value = found
