"""Many buttons in one widget."""

from __future__ import annotations

from dagbook.extension.openers import Openers

CLICK = {"event": "click"}


def click(openers: Openers, number: int) -> None:
    """What the front end tells of a click: the button that is marked now, then the click."""
    openers.widget.set_state({"index": number})
    openers.widget._handle_custom_msg(CLICK, [])


def test_a_click_calls_with_the_buttons_number_and_another_one_on_the_same_button_calls_again() -> None:
    opened: list[int] = []
    openers = Openers(opened.append)
    openers.show([("✓", "one"), ("✓", "two"), ("✕", "three")])
    assert opened == []
    click(openers, 1)
    click(openers, 1)
    click(openers, 0)
    assert opened == [1, 1, 0]


def test_buttons_that_say_the_same_are_told_apart_and_have_their_own_words() -> None:
    openers = Openers(lambda _number: None)
    openers.show([("✓", f"run {number}") for number in range(40)])
    labels = [label for label, _ in openers.widget.options]
    assert len(set(labels)) == 40
    assert {label.strip("\u200b\u200c") for label in labels} == {"✓"}
    assert openers.widget.tooltips[7] == "run 7"
    assert openers.widget.index is None


def test_what_did_not_change_is_not_sent_so_that_the_keyboard_stays_where_it_is() -> None:
    openers = Openers(lambda _number: None)
    openers.show([("✓", "one")])
    click(openers, 0)
    openers.show([("✓", "one")])
    assert openers.widget.index == 0
    openers.show([("✕", "one")])
    assert openers.widget.index is None
