"""Notebooks read without executing them: what they define, and every fault with code, cell, line and hint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.core.errors import PipelineError, Problem
from dagbook.runner.formats.notebook import read_notebook

from .notebooks import PYTHON, code, markdown, write


def findings(path: Path, *cells: Any, **more: Any) -> list[Problem]:
    return list(read_notebook(write(path / "p.ipynb", *cells, **more)).problems)


def test_reads_pipeline_nodes_shared_and_parameters_in_order(tmp_path: Path) -> None:
    path = write(
        tmp_path / "p.ipynb",
        markdown("# A pipeline"),
        "%load_ext dagbook\n%pipeline churn --image python:3.12 \\\n    --retries 2",
        code("epochs: int = 3  # how many\nlr = -0.5\nfolder = make()\nx = y = [1, 2]", "parameters"),
        "%%pipeline_shared\nimport os",
        "\n%%pipeline_node prepare --param epochs\nprint(epochs, os)",
        '%%pipeline_node "Train model" --after prepare\npass',
        "%pipeline_run --wait",
    )
    read = read_notebook(path)
    assert [(one.code, one.place.line) for one in read.problems] == [("W-PARAM-UNUSED", line) for line in (2, 4, 4)]
    assert read.pipeline.name == "churn"
    assert read.pipeline.defaults.retries == 2
    assert read.pipeline.shared == ("import os",)
    assert read.pipeline.parameters == {"epochs": 3, "lr": -0.5, "x": [1, 2], "y": [1, 2]}
    first, second = read.pipeline.nodes
    assert (first.title, first.uses, first.cell, first.cell_id) == ("prepare", ("epochs",), 5, "c5")
    assert (second.after, second.cell, second.source) == (("prepare",), 6, "pass")
    assert (read.parameters["epochs"].help, read.parameters["epochs"].type) == ("how many", "int")
    assert not read.parameters["folder"].plain


@pytest.mark.parametrize(
    ("option", "grids"), [("--param n", ("n=1,2",)), ("--param n", ("a.n=1,2",)), ("--grid n=1,2", ())]
)
def test_a_parameter_with_an_axis_in_its_place_is_taken(option: str, grids: tuple[str, ...], tmp_path: Path) -> None:
    cells = code("n = 3", "parameters"), f"%%pipeline_node a {option}\nprint(n)"
    assert not read_notebook(write(tmp_path / "p.ipynb", *cells), grids=grids).problems


def test_nothing_of_the_notebook_is_executed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    touch = f"open({str(trace)!r}, 'w')"
    read_notebook(write(tmp_path / "p.ipynb", touch, code(f"a = {touch}", "parameters"), f"%%pipeline_shared\n{touch}"))
    assert not trace.exists()


def test_given_parameters_win_over_injected_ones_and_those_over_defaults(tmp_path: Path) -> None:
    cells = [code("a = 1\nb = 2\nc = 3", "parameters"), code("b = 20\nc = float('nan')", "injected-parameters")]
    read = read_notebook(write(tmp_path / "p.ipynb", *cells), {"a": 100})
    assert repr(read.pipeline.parameters) == "{'a': 100, 'b': 20, 'c': nan}"


def test_P_2_unknown_parameter_is_an_error_with_the_closest_name(tmp_path: Path) -> None:
    read = read_notebook(write(tmp_path / "p.ipynb", code("epochs = 1", "parameters")), {"epoch": 2})
    (found,) = read.problems
    assert (found.code, found.hint) == ("E-PARAM-UNKNOWN", 'Did you mean "epochs"?')


PLACES = [
    # cells, code, cell, line, words of message, words of hint
    (["%%pipeline_noed a\npass"], "E-MAGIC-UNKNOWN", 1, 1, "%%pipeline_noed", '"%%pipeline_node"'),
    (["%%pipline_node a\npass"], "E-MAGIC-UNKNOWN", 1, 1, "%%pipline_node", '"%%pipeline_node"'),
    (["x = 1\n%pipeline_rum"], "E-MAGIC-UNKNOWN", 1, 2, "%pipeline_rum", '"%pipeline_run"'),
    (["%pipeline_node a"], "E-MAGIC-UNKNOWN", 1, 1, "%pipeline_node", "Write %%pipeline_node."),
    (["", "x = 1\n%%pipeline_node a\npass"], "E-MAGIC-PLACE", 2, 2, "on line 2", "first line of a cell of its own"),
    (["# note\n%%pipeline_node a"], "E-MAGIC-PLACE", 1, 2, "on line 2", "first line"),
    (["%%pipeline_node a\nx = 1\n%%pipeline_node b\n"], "E-MAGIC-PLACE", 1, 3, "same cell as %%pipeline_node", "own"),
    (["%%pipeline_node a\n%pipeline_run"], "E-MAGIC-PLACE", 1, 2, "%pipeline_run stands in the same cell", "own"),
    (["%%pipeline_node a\n%%bash\nls"], "E-MAGIC-PLACE", 1, 2, "%%bash stands inside", "%%pipeline_command TITLE"),
    (["%%pipeline_node a\n%%time\nf()"], "E-MAGIC-PLACE", 1, 2, "%%time stands inside", "%time"),
    (["%%time\n%%pipeline_node a\npass"], "E-MAGIC-PLACE", 1, 2, "on line 2", "first line"),
    (["if x:\n    %pipeline churn"], "E-MAGIC-PLACE", 1, 2, "indented", "begin its line"),
    (["%pipeline a", "%pipeline b"], "E-MAGIC-PLACE", 2, 1, "in cell 1 already", "Keep one"),
    ([markdown("%%pipeline_node a\npass")], "E-MAGIC-PLACE", 1, 1, "Markdown cell", "code cell"),
    (["%%pipeline_node a --parms x\npass"], "E-MAGIC-ARG", 1, 1, "--parms", '"--param"'),
    (["\n\n%%pipeline_node\npass"], "E-MAGIC-USAGE", 1, 1, "needs a title", "Usage: %%pipeline_node TITLE"),
    (["import os\n%pipeline_notebook n"], "E-MAGIC-USAGE", 1, 2, "--path is missing", "Usage"),
]


@pytest.mark.parametrize(("cells", "found_code", "cell", "line", "message_has", "hint_has"), PLACES)
def test_M1_M2_M3_bad_magics_are_told_with_cell_and_line(
    tmp_path: Path, cells: list[Any], found_code: str, cell: int, line: int, message_has: str, hint_has: str
) -> None:
    (found,) = findings(tmp_path, *cells)
    assert found.code == found_code
    assert (found.place.file, found.place.cell, found.place.line) == (str(tmp_path / "p.ipynb"), cell, line)
    assert message_has in found.message
    assert hint_has in found.hint


HARMLESS = [
    markdown("```\n%%pipeline_node a\n```"),
    markdown("Type this:\n\n    %%pipeline_node a"),
    "%%pipeline_node?",
    'text = """\n%%pipeline_node a\n"""',
    "%%writefile x.md\nfirst\n%%pipeline_node a",
    "%%html\n%%pipeline_node a",
    "%pip install x",
    "%pylab",
    "%%python\n1",
    {"cell_type": "raw", "metadata": {}, "source": "%%pipeline_node a"},
    '%%pipeline_node ok\ntext = """\n%%pipeline_node a\n%%bash\n"""',
]


@pytest.mark.parametrize("cell", HARMLESS, ids=str)
def test_M3_documentation_help_and_other_magics_are_no_errors(tmp_path: Path, cell: Any) -> None:
    assert findings(tmp_path, cell) == []


def test_M4_same_title_in_two_cells_names_both(tmp_path: Path) -> None:
    (found,) = findings(
        tmp_path, "%%pipeline_node a b".replace("a b", "'a b'") + "\n1", "", "%%pipeline_node 'a  b'\n2"
    )
    assert (found.code, found.place.cell) == ("E-NODE-DUP", 3)
    assert "in cell 1" in found.message


def test_N1_two_titles_with_one_folder_name_both_and_the_folder(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, "%%pipeline_node 'Train Model'\n1", "%%pipeline_node train-model\n2")
    assert (found.code, found.place.cell) == ("E-NAME-COLLIDES", 2)
    for words in ('"Train Model"', '"train-model"', "/input/train_model", "in cell 1"):
        assert words in found.message


def test_all_problems_of_a_file_are_told_in_cell_order(tmp_path: Path) -> None:
    found = findings(
        tmp_path, "%%pipeline_node\n1", "%%pipeline_node a\n(", "%%pipeline_x", "%%pipeline_node b\ninput()"
    )
    codes = ["E-MAGIC-USAGE", "E-SYNTAX", "E-MAGIC-UNKNOWN", "E-STDIN"]
    assert [(one.place.cell, one.code) for one in found] == list(enumerate(codes, 1))
    with pytest.raises(PipelineError, match="E-STDIN"):
        read_notebook(tmp_path / "p.ipynb").raise_errors()


GOOD = json.dumps({"cells": [code("1" * 50, id="a")], "metadata": dict(PYTHON), "nbformat": 4, "nbformat_minor": 5})
UNREADABLE = [
    (b"", "E-NB-PARSE", "it is empty (0 bytes)"),
    (b"\0" * 4096, "E-NB-PARSE", "there is nothing in it"),
    (GOOD[:60].encode(), "E-NB-PARSE", "it is cut off"),
    (GOOD[:-1].encode(), "E-NB-PARSE", "it is cut off"),
    (b"hello", "E-NB-PARSE", "it is not JSON"),
    (b"\xff\xfe{\0}\0", "E-NB-PARSE", "not UTF-8"),
    (b"[1]", "E-NB-PARSE", "a JSON list, not an object"),
    (b"{}", "E-NB-PARSE", "no `nbformat`"),
    (b"[" * 100_000, "E-NB-PARSE", "nested too deep"),
    (b'{"nbformat": 4}', "E-NB-PARSE", "no list of `cells`"),
    (b'{"nbformat": 4, "cells": {}}', "E-NB-PARSE", "no list of `cells`"),
    (b'{"nbformat": 4, "cells": [{}]}', "E-NB-PARSE", "cell 1 has the type None"),
    (b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "E-NB-PARSE", "cell 1 has no `source`"),
    (b'{"nbformat": 4, "cells": [3]}', "E-NB-PARSE", "cell 1 is not an object"),
    (b'{"nbformat": 3, "nbformat_minor": 0, "worksheets": []}', "E-NB-VERSION", "format 3.0"),
    (b'{"nbformat": 99, "nbformat_minor": 1, "cells": []}', "E-NB-VERSION", "format 99.1"),
    (b'{"nbformat": "4", "cells": []}', "E-NB-VERSION", "format '4'"),
]


@pytest.mark.parametrize(("data", "found_code", "told"), UNREADABLE, ids=[str(row[2]) for row in UNREADABLE])
def test_B1_unreadable_files_are_told_with_the_file(tmp_path: Path, data: bytes, found_code: str, told: str) -> None:
    path = tmp_path / "bad.ipynb"
    path.write_bytes(data)
    with pytest.raises(PipelineError) as caught:
        read_notebook(path)
    (found,) = caught.value.problems
    assert found.code == found_code
    assert found.place.file == str(path)
    assert "bad.ipynb" in found.message
    assert told in found.message
    assert found.hint


def test_B1_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "p.ipynb").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert read_notebook(tmp_path / "p.ipynb").problems == ()


def test_B1_missing_file_suggests_the_nearest_notebook(tmp_path: Path) -> None:
    write(tmp_path / "churn.ipynb")
    with pytest.raises(PipelineError) as caught:
        read_notebook(tmp_path / "chrun.ipynb")
    (found,) = caught.value.problems
    assert (found.code, found.hint) == ("E-FILE-MISSING", f'Did you mean "{tmp_path / "churn.ipynb"}"?')
    with pytest.raises(PipelineError, match="it is a folder"):
        read_notebook(tmp_path)


def test_B2_python_magics_in_an_R_notebook_are_refused(tmp_path: Path) -> None:
    metadata = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}
    (found,) = findings(tmp_path, "%%pipeline_node a\n1", metadata=metadata)
    assert (found.code, found.place.cell) == ("E-NB-KERNEL", 1)
    assert "--kernel ir" in found.hint
    assert findings(tmp_path, "x <- 1", metadata=metadata) == []


def test_B2_B4_missing_kernelspec_and_ids_are_put_in_and_doubtful_ones_told(tmp_path: Path) -> None:
    same = [code("%%pipeline_node a\n1", id="x"), code("%%pipeline_node b\n1", id="x"), code("1", id=None)]
    read = read_notebook(write(tmp_path / "p.ipynb", *same, metadata={"trusted": True}))
    assert [(found.code, "id" in found.message) for found in read.problems] == [("W-NB-REPAIRED", True)]
    assert len({cell["id"] for cell in read.notebook["cells"]}) == 3
    assert read.notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert "trusted" not in read.notebook["metadata"]


@pytest.mark.parametrize(("language", "codes"), [("python", []), ("R", ["W-NB-REPAIRED"])])
def test_B2_a_missing_kernelspec_is_told_where_the_language_is_not_python(
    language: str, codes: list[str], tmp_path: Path
) -> None:
    found = findings(tmp_path, code("1", id=None), metadata={"language_info": {"name": language}})
    assert [one.code for one in found] == codes


def test_B3_large_notebook_is_read_with_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagbook.runner.formats.notebook_file.LARGE", 1000)
    big = code("1", outputs=[{"output_type": "stream", "name": "stdout", "text": "x" * 2000}])
    (found,) = findings(tmp_path, big)
    assert found.code == "W-NB-LARGE"


def test_B3_fifty_thousand_cells_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "p.ipynb", *["x = 1"] * 50_000, "%%pipeline_node a\n1")
    assert read_notebook(path).pipeline.nodes[0].cell == 50_001


def test_B4_two_parameters_cells_name_both(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, code("a = 1", "parameters"), "", code("b = 1", "parameters"))
    assert found.code == "E-PARAMS-DUP"
    assert "cells 1 and 3" in found.message


def test_P_4_unsupported_values_are_no_plain_parameters(tmp_path: Path) -> None:
    source = (
        "a = b'x'\nb = {1}\nc = (1, 2)\nd = 1j\ne = 1e400\nf = -float('inf')\ng = [[1], None]\nh = "
        + "[" * 80
        + "]" * 80
    )
    read = read_notebook(write(tmp_path / "p.ipynb", code(source, "parameters")))
    assert [name for name, one in read.parameters.items() if one.plain] == ["e", "f", "g"]
    assert read.pipeline.parameters["f"] == float("-inf")


def test_syntax_error_in_the_parameters_cell_has_its_line(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, code("a = 1\nb = = 2", "parameters"))
    assert (found.code, found.place.cell, found.place.line) == ("E-SYNTAX", 1, 2)


def test_notebook_nodes_are_read_and_checked_like_the_file_itself(tmp_path: Path) -> None:
    write(tmp_path / "ok.ipynb", code("a = 1", "parameters"), "x = 1\ninput()")
    (tmp_path / "cut.ipynb").write_text("{")
    found = findings(
        tmp_path,
        "%pipeline_notebook ok --path ok.ipynb --param aa=2",
        "%pipeline_notebook cut --path cut.ipynb",
        "%pipeline_notebook none --path okk.ipynb",
    )
    told = {(one.code, Path(one.place.file or "").name, one.place.cell, one.place.line) for one in found}
    assert told == {
        ("E-STDIN", "ok.ipynb", 2, 2),
        ("E-PARAM-UNKNOWN", "p.ipynb", 1, None),
        ("E-NB-PARSE", "p.ipynb", 2, None),
        ("E-FILE-MISSING", "p.ipynb", 3, None),
    }


def test_named_files_that_are_missing_are_told_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("pandas\n# note\n-r more.txt\n")
    (tmp_path / "more.txt").write_text("numpy>=2\n")
    found = findings(
        tmp_path,
        "%pipeline --requirements requirements.txt",
        "%%pipeline_node a --requirements requirement.txt\n1",
        "%%pipeline_node b --prerun setup.sh\n1",
    )
    assert [(one.code, one.place.cell) for one in found] == [("E-FILE-MISSING", 2), ("E-FILE-MISSING", 3)]
    assert found[0].hint in ('Did you mean "requirements.txt"?',)
