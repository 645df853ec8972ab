"""%pipeline_runs where nobody looks on: a static grid, and text."""

from __future__ import annotations

from pathlib import Path

from dagbook.runner.core.errors import PipelineError
from tests.board.searches import record_search
from tests.kernel_magics.conftest import Run


def test_runs_are_a_static_grid_and_text_beside_it(run: Run, tmp_path: Path) -> None:
    store = tmp_path / ".dagbook"
    runs = [record_search(store, seed=seed, depths=(3,)).run for seed in range(2)]
    made = run(f"%pipeline_runs --store {store}")
    assert made.error is None, made.text
    (shown,) = made.shown
    assert set(shown.data) == {"text/html", "text/plain"}
    assert all(id in made.text for id in runs)
    assert 'class="dagbook-runs"' in shown.data["text/html"]
    assert "dagbook-twin" not in shown.data["text/html"]


def test_a_folder_without_a_store_says_what_to_do(run: Run, tmp_path: Path) -> None:
    error = run(f"%pipeline_runs --store {tmp_path / 'nothing'}").error
    assert isinstance(error, PipelineError)
    assert "dagbook run FILE" in str(error)
