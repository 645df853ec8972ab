"""What the benchmark command makes of its samples: ratios, inner figures, tables, the page, the JSON file."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.figures import Bound, bounds, cells, per_node, rows, throughput
from benchmarks.report import BEGIN, END, put, report, table
from benchmarks.samples import Measured, Sample, Spread

ROOT = Path(__file__).parents[1]


def some_measured() -> Measured:
    """Figures that are easy to divide."""
    nodes = [{"id": f"t{i}", "state": "succeeded", "duration_s": 1.1, "overhead_s": 0.05} for i in range(5)]
    details = {"run_s": 6.0, "nodes": nodes}
    single = {"run_s": 1.0, "nodes": [], "cells_s": 0.3}
    samples = [
        Sample("work", "dagbook-docker", 1, 6.5, None, details),
        Sample("work", "dagbook-docker-cold", 1, 7.5, None, details),
        Sample("work", "docker-papermill", 1, 10.0),
        Sample("cells", "dagbook-docker", 1, 2.0, None, single),
        Sample("cells", "raw-kernel", 1, 3.0, None, {"cells_s": 0.25, "total_s": 1.0}),
        Sample("wide", "dagbook-docker", 1, 20.0, None, {"run_s": 16.0, "nodes": []}),
        Sample("again", "dagbook-docker", 1, 0.5, 5.0, {"run_s": 0.1, "nodes": []}),
        *(Sample("chain", tool, n, s) for n in (1, 2, 3) for tool, s in (("dagbook-docker", n), ("elyra", 10.0))),
    ]
    return Measured({"Processor": "2 cores"}, 3, samples)


def test_ratios_are_of_medians() -> None:
    ours, theirs = rows([("ours", [1.0, 2.0, 9.0]), ("theirs", [4.0]), ("nobody", [])], "theirs")
    assert ours.spread == Spread(3, 2.0, 1.0, 9.0)
    assert (ours.ratio, theirs.ratio) == (0.5, 1.0)


def test_a_table_has_a_line_for_each_row() -> None:
    text = table(rows([("ours", [1.0, 2.0, 9.0]), ("theirs", [4.0])], "theirs"), "theirs")
    lines = [[word.strip() for word in line.strip("|").split("|")] for line in text.splitlines()]
    assert lines[0] == ["", "n", "median (s)", "min", "max", "ratio to theirs", "of minima"]
    assert lines[2:] == [
        ["ours", "3", "2.00", "1.00", "9.00", "0.50", "0.25"],
        ["theirs", "1", "4.00", "4.00", "4.00", "1.00", "1.00"],
    ]


def test_inner_figures_are_told_by_node_and_by_second() -> None:
    measured = some_measured()
    by_title = {row.title: row for row in per_node(measured, lambda tool: tool)}
    assert by_title["docker-papermill: whole script, by 5"].spread.median == pytest.approx(1.0)
    assert by_title["dagbook-docker: whole command, by 5"].spread.median == pytest.approx(0.3)
    later = by_title["dagbook-docker: each later node, from ready to recorded"]
    assert later.spread.n == 4
    assert later.ratio == pytest.approx(0.1)
    assert cells(measured, str)[1].ratio == pytest.approx(1.2)
    assert throughput(measured, str)[-1].spread.median == pytest.approx(4.0)


def test_bounds_are_told_with_whether_they_are_kept() -> None:
    found = {one.title: one for one in bounds(some_measured())}
    assert found["chain of 5, to `elyra-pipeline run`"].kept
    assert found["a node that was started ahead, besides its work, to one by hand"].value == pytest.approx(0.1)
    assert found["second run, to the first one"].value == pytest.approx(0.1)
    assert not Bound("", 0.2, 0.1).kept
    assert Bound("", 5, 4, least=True).kept


def test_samples_come_back_from_their_file(tmp_path: Path) -> None:
    measured = some_measured()
    measured.write(tmp_path / "results.json")
    assert Measured.read(tmp_path / "results.json") == measured


def test_the_report_replaces_what_is_between_the_markers_and_keeps_the_prose(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{BEGIN}\nan earlier table\n{END}\nafter\n")
    put(report(some_measured(), {"elyra": "Elyra"}, "elyra"), page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "| Elyra " in text
    assert "an earlier table" not in text


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("prose")
    with pytest.raises(ValueError, match="has no lines"):
        put("table", page)
    assert page.read_text() == "prose"


def test_the_page_has_the_markers() -> None:
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert text.index(BEGIN) < text.index(END)
