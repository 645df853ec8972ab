"""Dots in place of secrets: every usual spelling, wherever a text is cut; nothing else changes."""

from __future__ import annotations

import base64
import html
import json
import random
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core.masking import MASK
from dagbook.runner.core.spellings import SHORTEST, forms_of
from dagbook.runner.executors.contract import Failure, Outcome
from dagbook.runner.executors.hiding import HiddenMessages, HiddenStream, Hiding

SECRET = "p&ss wörd/7+'x'\"\\"
KEY = "-----BEGIN KEY-----\nabcdefghij\nklmnopqrst\n-----END KEY-----\n"
PRINTABLE = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["Cc", "Zs"]),
    min_size=SHORTEST,
    max_size=40,
)


def hiding_of(*values: str | bytes) -> Hiding:
    found = (value.encode() if isinstance(value, str) else value for value in values)
    return Hiding({form for value in found for form in forms_of(value) if len(form) >= SHORTEST})


def streamed(hiding: Hiding, pieces: Iterable[str]) -> str:
    stream = HiddenStream(hiding)
    return "".join([*(stream.feed(piece) for piece in pieces), stream.rest()])


@pytest.mark.parametrize(
    "spelled",
    [
        SECRET,
        repr(SECRET),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        html.escape(SECRET),
        html.escape(SECRET, quote=False),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower().replace("%20wo", "%20wO").replace("wO", "wo"),
        quote_plus(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        quote(base64.b64encode(SECRET.encode()).decode(), safe=""),
        SECRET.replace("'", "'\\''"),
    ],
)
def test_row_t18_a_secret_is_dots_in_every_usual_spelling(spelled: str) -> None:
    """What stands before and after it stays."""
    hidden = hiding_of(SECRET).text(f"before {spelled} after")
    assert hidden.startswith("before ")
    assert hidden.endswith(" after")
    assert MASK in hidden
    assert len(hidden) <= len("before '' after") + len(MASK)


@given(PRINTABLE, st.binary(max_size=8), st.binary(max_size=8))
def test_base64_of_a_text_that_holds_a_secret_tells_at_most_its_edges(value: str, before: bytes, after: bytes) -> None:
    """Wherever it begins, as in the header of a basic authentication."""
    raw = value.encode()
    whole = base64.b64encode(before + raw + after).decode()
    hidden = hiding_of(value).text(whole)
    assert MASK in hidden
    inner = raw[1:-1]
    around = -(-8 * len(before) // 6) + -(-8 * len(after) // 6) + 6
    assert len(hidden.replace(MASK, "")) <= around
    assert base64.b64encode(inner).decode().rstrip("=")[:-2] not in hidden


@given(PRINTABLE, st.text(max_size=30), st.text(max_size=30), st.randoms())
def test_row_t18_where_a_text_is_cut_makes_no_difference(
    value: str, before: str, after: str, chance: random.Random
) -> None:
    """What is told in pieces is what would be told of the whole, but that a secret never comes out of two pieces."""
    hiding = hiding_of(value)
    text = f"{before}{value}\n{after}{value}"
    cuts = sorted(chance.randrange(len(text) + 1) for _ in range(6))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert streamed(hiding, pieces) == hiding.text(text)
    assert streamed(hiding, text) == hiding.text(text)


def test_a_text_without_a_secret_is_held_back_only_where_one_may_have_begun() -> None:
    """Output that ends in a line end comes at once."""
    stream = HiddenStream(hiding_of("secretive"))
    assert stream.feed("a line\n") == "a line\n"
    assert stream.feed("is it sec") == "is it "
    assert stream.feed("ond") == "second"
    assert stream.feed("secretiv") == ""
    assert stream.feed("e!") == f"{MASK}!"
    assert stream.feed("secre") == ""
    assert stream.rest() == "secre"
    assert stream.rest() == ""


def test_of_two_secrets_that_begin_alike_the_longer_one_is_found() -> None:
    """The end of the longer one is not left over, in whatever pieces it comes."""
    hiding = hiding_of("abcdef", "abcdefghij")
    assert hiding.text("abcdefghij abcdef") == f"{MASK} {MASK}"
    assert streamed(hiding, ("abcdef", "ghij", " abc", "def")) == f"{MASK} {MASK}"


def test_of_several_lines_each_is_hidden() -> None:
    """A key in a file, printed whole, as Python shows it, or one line of it."""
    hiding = hiding_of(KEY)
    for text in (KEY, repr(KEY), "abcdefghij", base64.encodebytes(KEY.encode() * 1).decode()):
        assert not any(line in hiding.text(text) for line in KEY.splitlines())
    long = "x1y2z3" * 40
    wrapped = base64.encodebytes(long.encode()).decode()
    assert len(hiding_of(long).text(wrapped).replace(MASK, "")) < 10


@pytest.mark.parametrize("value", ["", "abc", " 12345\n", b"\xff\xfe"])
def test_what_is_short_is_not_looked_for(value: str | bytes) -> None:
    """It would hide half of all that is said."""
    assert forms_of(value.encode() if isinstance(value, str) else value) == set()


def test_bytes_that_are_no_text_are_found_in_base64() -> None:
    """A key store, for instance."""
    store = bytes(range(200, 240))
    assert hiding_of(store).text(base64.b64encode(store).decode()) == MASK


def test_all_that_tells_how_an_attempt_ended_is_hidden() -> None:
    """The reason, the exception with its traceback, the warnings."""
    failure = Failure("secretive", "no secretive", ("line secretive", "x"), 2)
    ended = hiding_of("secretive").outcome(Outcome(False, "secretive", failure, warnings=("a secretive",)))
    assert "secretive" not in str(ended)
    assert ended.failure
    assert ended.failure.cell == 2


def message(kind: str, parent: str = "1", **content: object) -> dict[str, object]:
    return {"msg_type": kind, "parent_header": {"msg_id": parent}, "content": content}


def test_a_kernels_messages_are_hidden_and_stay_messages() -> None:
    """Names of the protocol's are no secrets, even if one is called like them."""
    messages = HiddenMessages(hiding_of("secretive", "display_id", "text/plain", "stdout", "starting"))
    shown = messages.shown(message("display_data", data={"text/plain": "secretive"}, transient={"display_id": "a"}))
    assert shown
    assert shown["content"] == {"data": {"text/plain": MASK}, "transient": {"display_id": "a"}}
    status = message("status", execution_state="starting")
    assert messages.shown(status) == status
    assert messages.shown(message("stream", name="stdout", text="a secr")) == message(
        "stream", name="stdout", text="a "
    )
    assert messages.shown(message("stream", name="stderr", text="etive\n")) == message(
        "stream", name="stderr", text="etive\n"
    )
    assert messages.shown(message("stream", name="stdout", text="etive")) == message("stream", name="stdout", text=MASK)


def test_T6_a_secret_in_the_name_of_a_media_type_is_hidden() -> None:
    messages = HiddenMessages(hiding_of("secretive"))
    parts = {"application/x-secretive": "a", "text/plain": "b"}
    shown = messages.shown(message("display_data", data=parts, metadata={"secretive": 1}))
    assert shown is not None
    assert shown["content"] == {"data": {f"application/x-{MASK}": "a", "text/plain": "b"}, "metadata": {MASK: 1}}


def test_what_is_held_back_of_a_request_comes_when_it_is_over() -> None:
    """Not that of others; and what a cell clears is gone."""
    messages = HiddenMessages(hiding_of("secretive"))
    for parent in ("1", "2", "3"):
        assert messages.shown(message("stream", parent, name="stdout", text="secr")) is None
    assert messages.shown(message("clear_output", "3", wait=False))
    assert list(messages.rest({"1"})) == [message("stream", "1", name="stdout", text="secr")]
    assert list(messages.rest({"1", "2", "3"})) == [message("stream", "2", name="stdout", text="secr")]
