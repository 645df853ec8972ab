"""F12: JupyterLab is killed while a board shows a run that goes on, and is started again in the same folder.

The run goes on without it, and the board of the reopened notebook picks it up. Nothing is lost, and no process is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from nbformat import read, validate

from dagbook.runner.audit import audit
from dagbook.runner.core.lifecycle import RunState
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store
from tests.faults.box import LONG, Box, left_of

from .conftest import PICTURES, TAKES_PICTURES, running
from .servers import Server
from .test_board import LOAD, PREPARE, RUN, Shown

if TYPE_CHECKING:
    from .conftest import Lab

pytestmark = [pytest.mark.browser, pytest.mark.fault]

ONLY_LONG = pytest.mark.skipif(not LONG, reason="a minute more: LONG_FAULTS=1")
HELD = """%%pipeline_node held --after prepare
import os, pathlib
print("waits", flush=True)
box = os.environ["BOX"]
with open(f"{box}/seen", "w") as seen:
    print("held", file=seen)
with open(f"{box}/gate") as gate:
    gate.readline()
pathlib.Path("one.txt").write_text("1")
print("went on")
"""
LAST = "%%pipeline_node last --after held\nprint(open('/input/held/one.txt').read())"


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    """Holds the run's nodes up."""
    made = Box()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(made.runtime))
    yield made
    made.close()


@pytest.fixture
def server(box: Box, tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own."""
    with running(Server(tmp_path)) as made:
        (made.folder / "dagbook.toml").write_text(f'[env]\nBOX = "{box.path}"\n')
        yield made


SIGN = """() => getComputedStyle([...document.querySelectorAll('.dagbook-board')].at(-1), '::before').content"""


STEERS = "() => getComputedStyle([...document.querySelectorAll('.dagbook-steering')].at(-1)).pointerEvents"


def wait_for_sign(lab: Lab, words: str) -> None:
    """Wait until the board says this of its kernel."""
    lab.page.wait_for_function(f"words => ({SIGN})().includes(words)", arg=words)


@pytest.mark.parametrize("kernels", [False, pytest.param(True, marks=ONLY_LONG)])
def test_F12_a_server_that_is_killed_loses_no_run_and_the_board_of_the_next_one_shows_it(
    lab: Lab, server: Server, box: Box, notebook: Callable[..., str], kernels: bool
) -> None:
    """Its `kernels` are killed with it, or see that it has gone."""
    shown = Shown(lab)
    name = notebook("dies.ipynb", LOAD, PREPARE, HELD, LAST, RUN, "%pipeline_show latest")
    lab.page.set_viewport_size({"width": 1280, "height": 1200})
    lab.open(name)
    lab.run(0, 1, 2, 3, 4)
    shown.wait_for_state("held", "running")
    box.wait_for("held")
    lab.save()
    assert lab.page.evaluate(SIGN) == "none"
    server.kill(kernels)
    wait_for_sign(lab, "The kernel does not answer; a run goes on without it")
    lab.page.get_by_role("dialog").get_by_text("Close").click()  # JupyterLab says it too
    picture(lab, "gone")
    assert lab.page.evaluate(STEERS) == "none"  # a click would go nowhere, without a word
    assert left_of(server.kernels) == []
    server.start()
    wait_for_sign(lab, "The kernel has gone; a run goes on without it")
    picture(lab, "back")
    lab.complaints.clear()  # of a server that was not there

    lab.open(name, kernel=False)
    lab.page.locator(".dagbook-twin").get_by_text("As it was at").wait_for()
    picture(lab, "saved")
    lab.page.goto("about:blank")
    lab.open(name)
    lab.run(0, 5)
    shown.wait_for_state("held", "running")
    assert lab.page.evaluate(STEERS) == "auto"
    picture(lab, "reopened")
    box.open_gate()
    shown.wait_for_state("last", "succeeded")
    lab.wait_for(5, "3 succeeded")
    lab.save()
    validate(read(server.folder / name, as_version=4))  # type: ignore[no-untyped-call]
    store = Store(server.folder / ".dagbook", create=False)
    follower = Follower(store, store.latest()[0].id)
    follower.update()
    assert follower.so_far.state is RunState.SUCCEEDED
    assert box.begun() == {"held": 1}
    assert list(audit(store)) == []
    lab.page.goto("about:blank")  # which asks no server
    server.shut_all_down()
    server.stop()
    assert box.wait_until_empty() == []
    assert left_of(server.processes) == [], server.processes()
    server.start()  # as it was found


def picture(lab: Lab, scene: str) -> None:
    """What the user sees, for people to judge, where they ask for pictures; no other theme, which needs a server."""
    if TAKES_PICTURES:
        PICTURES.mkdir(exist_ok=True)
        lab.page.screenshot(path=PICTURES / f"server-{scene}.png")
