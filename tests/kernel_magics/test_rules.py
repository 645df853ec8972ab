"""What `dagbook check` tells of a file, magics tell in a live notebook: of a cell when it runs, of the whole later."""

from __future__ import annotations

from dagbook.runner.core.errors import PipelineError
from tests.kernel_magics.conftest import Run


def test_what_is_wrong_with_a_cell_alone_is_told_below_it(run: Run) -> None:
    made = run("%%pipeline_node a\npassword = 'hunter2x'\nx = open('/input/b/y')", "c1")
    assert made.error is None
    assert "W-SECRET-TEXT: password stands here written out" in made.text
    assert "hunter2x" not in made.text
    assert "-NO-INPUT" not in made.text  # nobody knows yet what comes before it
    wrong = run("%%pipeline_node c --requirements foo=1.0\n1", "c2")
    assert isinstance(wrong.error, PipelineError)
    assert "E-REQUIREMENT" in str(wrong.error)


def test_what_is_wrong_with_the_whole_is_told_when_it_is_planned_and_keeps_it_from_running(run: Run) -> None:
    run("%%pipeline_node prepare\n1", "c1")
    run("%%pipeline_node train\nopen('/input/prepare/x')", "c2")
    run("%pipeline_data d --path .", "c3")
    for magic in ("%pipeline_plan", "%pipeline_run", "%pipeline_show --plan"):
        said = run(magic)
        assert isinstance(said.error, PipelineError), magic
        assert "E-NO-INPUT" in str(said.error)
        assert "Name it: --after prepare" in str(said.error)
    run("%%pipeline_node train --after prepare\nopen('/input/prepare/x')", "c2")
    said = run("%pipeline_plan")
    assert said.error is None
    assert said.text.count("W-DATA-UNUSED") == 1
