"""A pipeline of another system in a notebook: taken over, shown on the board, run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .test_board import Shown

if TYPE_CHECKING:
    from .conftest import Lab
    from .servers import Server

pytestmark = pytest.mark.browser

FLOW = """flow: Weekly demand
tasks:
- {title: Prepare the data, type: exec, input: echo prepared, computes: [medium]}
- title: Train
  type: exec
  input: |-
    sh -c 'echo "cnvrg_tag_score: $CNVRG_TAG_DEPTH"' train
  computes: [medium]
  params: [{key: depth, value: [3, 5, 8]}]
- title: Best
  type: exec
  input: echo best
  computes: [medium]
  conditions: [{objective: max, tag_key: score, task: train}]
- title: Serve
  type: deploy
  endpoint_title: demand
  computes: [small]
  file_name: predict.py
  function_name: predict
  min_replica: 1
  max_replica: 1
relations:
- {from: Prepare the data, to: Train}
- {from: Train, to: Best}
- {from: Best, to: Serve}
"""


def test_row_75_a_flow_of_cnvrg_is_taken_over_shown_and_run(
    lab: Lab, server: Server, notebook: Callable[..., str]
) -> None:
    (Path(server.folder) / "demand.yaml").write_text(FLOW)
    lab.page.set_viewport_size({"width": 1600, "height": 1500})
    lab.open(notebook("imported.ipynb", "%load_ext dagbook\n%pipeline_import demand.yaml", "%pipeline_run"))
    lab.run(0)
    lab.wait_for(0, "Weekly demand", "W-CHANGED")
    planned = Shown(lab)
    planned.wait(4)
    lab.picture("imported-plan", 1600, "Light", 1500)
    lab.picture("imported-plan", 1000, "Dark", 1500)
    lab.run(1)
    board = Shown(lab)
    board.wait(4)
    for key in ("best", "serve"):
        board.wait_for_state(key, "succeeded")
    board.click("serve")
    board.inspects("would deploy")
    lab.picture("imported-run", 1600, "Light", 1500)
    assert not lab.complaints
