"""Updates of a board are coalesced: never a flood, and the last state always arrives."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable

from dagbook.extension.flush import Flusher, Pending


class Stub:
    """Stands for the browser: counts messages, and knows the state that each element ended in."""

    def __init__(self) -> None:
        self.state: dict[str, int] = {}
        self.messages: Counter[str] = Counter()

    def sender(self, key: str, state: int) -> Callable[[], None]:
        def send() -> None:
            self.state[key] = state
            self.messages[key] += 1

        return send


def test_only_the_latest_state_of_a_key_is_sent() -> None:
    browser, pending = Stub(), Pending()
    for state in range(50):
        pending.put("a", browser.sender("a", state))
    for send in pending.take():
        send()
    assert browser.state == {"a": 49}
    assert browser.messages == {"a": 1}


def test_a_flush_holds_200_messages_at_most_and_the_rest_goes_with_the_next_ones() -> None:
    browser, pending = Stub(), Pending()
    for number in range(450):
        pending.put(f"n{number}", browser.sender(f"n{number}", 1))
    sizes = []
    while calls := pending.take():
        sizes.append(len(calls))
        for send in calls:
            send()
    assert sizes == [200, 200, 50]
    assert len(browser.state) == 450


def test_a_key_that_changes_all_the_time_starves_nobody_and_waits_for_nobody() -> None:
    pending, browser = Pending(), Stub()
    for number in range(4):
        pending.put(f"n{number}", browser.sender(f"n{number}", 0))
    order = []
    for state in range(1, 5):
        pending.put("n0", browser.sender("n0", state))
        for send in pending.take(1):
            send()
        order.append(dict(browser.messages))
    assert order[-1] == {"n0": 1, "n1": 1, "n2": 1, "n3": 1}
    for send in pending.take():
        send()
    assert browser.state == {"n0": 4, "n1": 0, "n2": 0, "n3": 0}


def test_after_a_storm_every_element_is_in_its_final_state() -> None:
    browser, chance = Stub(), random.Random(7)
    flusher = Flusher(most=200, pause=0.001)
    final = {}
    for state in range(20_000):
        key = f"n{chance.randrange(3000)}"
        final[key] = state
        flusher.put(key, browser.sender(key, state))
    assert flusher.drain()
    assert browser.state == final
    assert sum(browser.messages.values()) < 20_000


def test_what_comes_after_a_pause_is_sent_too() -> None:
    browser, flusher = Stub(), Flusher(pause=0.001)
    for state in range(3):
        flusher.put("a", browser.sender("a", state))
        assert flusher.drain()
        assert browser.state == {"a": state}


def test_a_closed_flusher_sends_nothing() -> None:
    browser, flusher = Stub(), Flusher(pause=0.001)
    flusher.close()
    flusher.put("a", browser.sender("a", 1))
    assert flusher.drain()
    assert browser.state == {}


def test_one_message_that_cannot_be_sent_does_not_keep_the_others_back() -> None:
    browser, flusher = Stub(), Flusher(pause=0.001)

    def broken() -> None:
        raise BrokenPipeError

    flusher.put("a", broken)
    flusher.put("b", browser.sender("b", 1))
    assert flusher.drain()
    assert browser.state == {"b": 1}


def test_no_exception_of_one_message_loses_the_last_state_of_the_others() -> None:
    browser, flusher = Stub(), Flusher(most=200, pause=0.001)

    def broken() -> None:
        flusher.put("b", browser.sender("b", 1))  # waits for its turn when this one fails
        for number in range(300):
            flusher.put(number, browser.sender(f"n{number}", 1))
        raise RuntimeError

    flusher.put("a", broken)
    assert flusher.drain(20)
    assert len(browser.state) == 301


def test_what_waits_is_dropped_on_close_and_nobody_waits_for_it() -> None:
    browser, flusher = Stub(), Flusher(most=1, pause=3600)
    sent = threading.Event()
    flusher.put("a", sent.set)
    assert sent.wait(20)
    flusher.put("b", browser.sender("b", 1))
    flusher.close()
    assert flusher.drain(20)
    assert browser.state == {}


def test_what_is_sent_with_the_close_still_goes_a_few_at_a_time() -> None:
    browser, flusher = Stub(), Flusher(most=10, pause=0.001)
    flusher.close(*(browser.sender(f"n{number}", 1) for number in range(95)))
    assert flusher.drain(20)
    assert len(browser.state) == 95
