"""The pipeline does what it is to do. Run it with: pytest"""

import json
import subprocess
import sys
from pathlib import Path

PIPELINE = Path(__file__).parents[1] / "pipeline.ipynb"


def dagbook(*words):
    """What dagbook prints, as an object; when it fails, the test shows what it said."""
    command = [sys.executable, "-m", "dagbook", *map(str, words), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr or done.stdout
    return json.loads(done.stdout)


def test_nothing_is_wrong_with_the_pipeline():
    assert dagbook("check", PIPELINE)["errors"] == []


def test_the_report_finds_the_best_window(tmp_path):
    """A short run: nodes are processes of this machine, and no earlier result counts."""
    run = dagbook("run", PIPELINE, "-p", "days", 40, "--executor", "process", "--store", tmp_path)
    tags = {one["node"]: one["tags"] for one in run["node_runs"]}
    assert tags["readings"]["readings"] == 40
    assert tags["report"]["best window"] == 7
