"""Colours of the board: readable in both themes, and never the only thing that tells states apart."""

from __future__ import annotations

import itertools
import re

import pytest

from dagbook.runner.board.glyphs_svg import state_sign
from dagbook.runner.board.palette import Palette, contrast, palette, theme_style
from dagbook.runner.core.lifecycle import State
from dagbook.runner.view import COLOURS, WORD_SHARE, word_colour

THEMES = ("light", "dark")
JUPYTER = {"light": ("#ffffff",), "dark": ("#111111", "#212121")}  # its grounds, which `auto` stands on


def grounds(theme: str) -> tuple[str, ...]:
    """All that text of a theme may stand on."""
    colours = palette(theme)
    return (colours.paper, colours.card, colours.group, *JUPYTER[theme])


def mixed(colour: str, ground: str, share: float) -> str:
    """What a colour looks like that lets the ground through."""
    parts = [(int(colour[at : at + 2], 16), int(ground[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(top * share + below * (1 - share)):02x}" for top, below in parts)


def test_contrast_is_that_of_the_definition() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#ffffff", "#ffffff") == 1
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_a_state_has_one_colour_on_board_page_cell_and_terminal() -> None:
    assert {state: palette("light").mark(state).colour for state in State} == COLOURS
    assert all(COLOURS[state] in palette("auto").mark(state).colour for state in State)


@pytest.mark.parametrize(("ink", "ground"), [("#212121", "#ffffff"), ("#ffffff", "#111111"), ("#e0e0e0", "#212121")])
def test_the_words_of_a_cells_status_line_can_be_read_on_a_light_page_and_on_a_dark_one(ink: str, ground: str) -> None:
    for state in State:
        declared = word_colour(state)
        assert f"{COLOURS[state]} {WORD_SHARE}%,var(--jp-ui-font-color1" in declared
        assert contrast(mixed(COLOURS[state], ink, WORD_SHARE / 100), ground) >= 4.5, state


@pytest.mark.parametrize("theme", THEMES)
def test_all_text_can_be_read_on_all_grounds(theme: str) -> None:
    colours = palette(theme)
    texts = {"ink": colours.ink, "mute": colours.mute, "none": colours.none.text}
    texts |= {str(state): mark.text for state, mark in colours.marks.items()}
    worst = {(name, ground): contrast(text, ground) for name, text in texts.items() for ground in grounds(theme)}
    assert {where: found for where, found in worst.items() if found < 4.5} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_a_value_can_be_read_in_its_pill(theme: str) -> None:
    colours = palette(theme)
    for mark in colours.marks.values():
        for ground in (colours.card, *JUPYTER[theme]):
            assert contrast(colours.ink, mixed(mark.colour, ground, 0.13)) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_borders_and_signs_stand_out_from_what_they_are_on(theme: str) -> None:
    colours = palette(theme)
    for state, mark in colours.marks.items():
        for ground in grounds(theme):
            assert contrast(mark.colour, ground) >= 3, (state, ground)
        assert contrast(mark.on, mark.colour) >= 3, state


def test_each_state_has_a_sign_of_its_own() -> None:
    signs = {state: re.findall(' d="([^"]*)"', state_sign(state, 0, 0, "#000")) for state in State}
    assert all(signs.values())
    for one, other in itertools.combinations(State, 2):
        assert signs[one] != signs[other], (one, other)


def test_states_that_are_easily_mixed_up_differ_in_their_border_too() -> None:
    marks = palette("light").marks
    borders = {state: (marks[state].dash, marks[state].thick) for state in State}
    for one, other in [
        (State.WAITING, State.QUEUED),
        (State.QUEUED, State.STARTING),
        (State.STARTING, State.RUNNING),
        (State.RUNNING, State.SUCCEEDED),
        (State.SUCCEEDED, State.FAILED),
        (State.FAILED, State.TIMED_OUT),
        (State.FAILED, State.LOST),
        (State.PENDING_APPROVAL, State.REJECTED),
        (State.SKIPPED, State.UPSTREAM_FAILED),
        (State.RUNNING, State.CACHED),
    ]:
        assert borders[one] != borders[other], (one, other)


def colours_of(colours: Palette) -> list[str]:
    """Every colour of a palette."""
    marks = [*colours.marks.values(), colours.none]
    ground = [colours.paper, colours.card, colours.ink, colours.mute, colours.line, colours.edge, colours.group]
    return [*ground, colours.accent, *(colour for mark in marks for colour in (mark.colour, mark.text, mark.on))]


def test_what_follows_the_page_falls_back_on_light_and_is_dark_in_a_dark_jupyter() -> None:
    light, auto = colours_of(palette("light")), colours_of(palette("auto"))
    dark = dict(re.findall(r"(--dagbook-[a-z-]+):(#[0-9a-f]{6})", theme_style().lower()))
    for plain, following, of_dark in zip(light, auto, colours_of(palette("dark")), strict=True):
        found = re.fullmatch(r"var\((--[a-z0-9-]+),(#[0-9a-fA-F]{6})\)", following)
        assert found, following
        assert found[2] == plain
        if found[1].startswith("--dagbook-"):
            assert dark[found[1]] == of_dark.lower()


def test_an_unknown_theme_is_refused() -> None:
    with pytest.raises(ValueError, match="blue"):
        palette("blue")
