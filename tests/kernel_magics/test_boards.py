"""What a front end is given where a person looks on: a static picture, and a board below it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

WIDGET = "application/vnd.jupyter.widget-view+json"
PREPARE = "%%pipeline_node prepare\nprint('prepared')"
RUN = "%pipeline_run --executor process --wait"
WITHOUT = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "ipycytoscape" else found(name, package)
"""

Asked = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Asked]:
    """Runs cells in a real kernel as a front end does that can ask its user; the last one's messages come back."""
    manager, client = start_new_kernel(cwd=str(tmp_path))

    def run(*cells: str, person: bool = True) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        for number, cell in enumerate(cells):
            messages = []
            client.execute_interactive(
                cell,
                allow_stdin=person,
                stdin_hook=lambda _message: None,
                timeout=60,
                output_hook=lambda message, kept=messages: kept.append(message),
            )
            assert not [one for one in messages if one["msg_type"] == "error"], (number, messages)
        return messages

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def displays(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The bundles that were displayed."""
    return [one["content"]["data"] for one in messages if one["msg_type"] == "display_data"]


def texts(messages: list[dict[str, Any]]) -> str:
    """What displays, and what they became, say where only text is shown."""
    shown = [one["content"]["data"] for one in messages if one["msg_type"] in ("display_data", "update_display_data")]
    return "\n".join(one.get("text/plain", "") for one in shown)


@pytest.mark.parametrize("show", ["%pipeline_show", RUN])
def test_a_person_gets_a_static_picture_and_below_it_the_board(ask: Asked, show: str) -> None:
    messages = ask("%load_ext dagbook", PREPARE, show)
    picture, board = displays(messages)[-2:]
    assert "dagbook-twin" in picture["text/html"]
    assert "prepare" in texts(messages)  # a run has no node runs in its first moments
    assert WIDGET in board
    assert board["text/plain"] == ""


@pytest.mark.parametrize("show", ["%pipeline_show", RUN, "%pipeline_show latest"])
def test_a_batch_runner_gets_no_widget(ask: Asked, show: str) -> None:
    """Papermill, nbclient and nbconvert say that they cannot ask."""
    messages = ask("%load_ext dagbook", PREPARE, RUN, show, person=False)
    assert displays(messages)
    assert WIDGET not in json.dumps(messages, default=str)
    assert "dagbook-twin" not in json.dumps(messages, default=str)


def test_without_the_widget_libraries_there_are_pictures_and_one_line_that_says_how_to_get_the_board(
    ask: Asked,
) -> None:
    hint, picture = displays(ask(WITHOUT, "%load_ext dagbook", PREPARE, "%pipeline_show"))
    assert "pip install 'dagbook[lab]'" in hint["text/plain"]
    assert "mermaid" in picture["text/markdown"]
    (picture,) = displays(ask("%pipeline_show"))
    assert "text/markdown" in picture


def test_loading_the_extension_imports_no_widget_library(ask: Asked) -> None:
    heavy = "{'ipywidgets', 'ipycytoscape', 'plotly', 'sqlalchemy', 'networkx', 'papermill'}"
    (told,) = [
        one
        for one in ask("%load_ext dagbook", f"import sys\nprint(sorted({heavy} & set(sys.modules)))")
        if one["msg_type"] == "stream"
    ]
    assert told["content"]["text"] == "[]\n"


def test_the_static_picture_of_a_run_that_is_over_is_the_whole_one(ask: Asked) -> None:
    messages = ask("%load_ext dagbook", PREPARE, RUN)
    updates = [one["content"] for one in messages if one["msg_type"] == "update_display_data"]
    last = [one["data"] for one in updates if one["transient"]["display_id"].startswith("dagbook-run-")][-1]
    assert "<svg" in last["text/html"]
    assert "1 succeeded" in last["text/plain"]
    assert "<script" not in last["text/html"]
    assert "As it was at" not in last["text/html"]


def test_a_run_that_goes_on_is_picked_up_by_a_bare_show_and_named_by_the_next_run(ask: Asked) -> None:
    """Also by a kernel that knows no node: after a restart."""
    asks = "%%pipeline_node ask --approve somebody\n1"
    ask("%load_ext dagbook", asks, "%pipeline_run --executor process")
    told, picture = displays(ask("%pipeline_show"))[:2]
    run = told["text/plain"].split()[1]
    assert told["text/plain"].startswith(f"Run {run} goes on.")
    assert run in picture["text/plain"]
    assert "As it was at" in picture["text/html"]  # it may be saved, and is not followed then
    (plan,) = [one for one in displays(ask("%pipeline_show --plan")) if "text/html" in one and WIDGET not in one]
    assert run not in plan["text/plain"]
    told = displays(ask("%reset -f", "%reload_ext dagbook", "%pipeline_show"))[0]
    assert run in told["text/plain"]
    again = displays(ask("%load_ext dagbook", asks, "%pipeline_run --executor process"))[0]
    assert again["text/plain"].startswith(f"Run {run} still ")
    ask("%pipeline_stop latest", f"%pipeline_stop {run}")
