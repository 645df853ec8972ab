"""What bodies of nodes take from around them is compared with what is there, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.runner.formats.notebook import read_notebook
from tests.conftest import MakeNotebook

SHARED = (
    "%%pipeline_shared\nimport pandas as pd\nimport dagbook\nfrom pathlib import Path\nINPUT = Path('/input')\n"
    "def load(name):\n    return open(f'/input/{name}/x')"
)
CELLS = (
    "# parameters\nepochs = 3\nlr = 0.1",
    SHARED,
    "%pipeline_data images --path .",
    "%%pipeline_node prepare --param epochs lr\n[epochs, lr]",
    '%%pipeline_node "Train model" --after prepare\n1',
    "%pipeline_edge prepare.output.*.csv node.input.table",
)
LINE = '%%pipeline_node node --after "Train model" images --param depth=2 --grid rate=1,2\n'


def findings(make: MakeNotebook, body: str, line: str = LINE) -> list[tuple[str, int | None, str, str]]:
    """Code, line, message and hint of what is said of the body of a node."""
    read = read_notebook(make(*CELLS, line + body))
    found = [one for one in read.problems if one.place.node == "node" and "-NO-" in one.code]
    return [(one.code, one.place.line, one.message, one.hint) for one in found]


FOUND = [
    # surely come to, and surely failing
    ("open('/input/prepare/x.csv')", "E-NO-INPUT", "/input/prepare", "Its files are at /input/table."),
    ("pd.read_csv('/input/prepar/x.csv')", "E-NO-INPUT", "/input/prepar", 'Known: "table", "train_model".'),
    ("Path('/input/trian_model/x').read_text()", "E-NO-INPUT", "/input/trian_model", 'Did you mean "train_model"?'),
    ("(INPUT / 'trian_model' / 'x').open()", "E-NO-INPUT", "/input/trian_model", "train_model"),
    ("import os\nos.listdir(os.path.join('/input', 'tables'))", "E-NO-INPUT", "/input/tables", 'Did you mean "table"?'),
    ("place = '/input/tabel/x.csv'\npd.read_csv(place)", "E-NO-INPUT", "/input/tabel", "table"),
    ("with open('/input/' + 'tabel' + '/x') as f:\n    pass", "E-NO-INPUT", "/input/tabel", "table"),
    ("import json\njson.load(open(f'/input/tabel/{1}.json'))", "E-NO-INPUT", "/input/tabel", "table"),
    ("for line in open('/input/tabel/x'):\n    pass", "E-NO-INPUT", "/input/tabel", "table"),
    ("dagbook.input('prepare')", "E-NO-INPUT", 'dagbook.input("prepare")', "/input/table"),
    ("from dagbook import input\ninput('nowhere')", "E-NO-INPUT", 'dagbook.input("nowhere")', "Known:"),
    ("import os\nos.environ['INPUT_PREPAER']", "E-NO-INPUT", "INPUT_PREPAER", "Known:"),
    ("dagbook.input('images')", "E-NO-INPUT", "images", "Its files are at /data/images."),
    ("dagbook.data('imges')", "E-NO-DATA", 'dagbook.data("imges")', 'Did you mean "images"?'),
    ("dagbook.param('detph')", "E-NO-PARAM", "'detph'", 'Did you mean "depth"?'),
    ("dagbook.param('epochs')", "E-NO-PARAM", "does not take", "--param epochs"),
    ("import os\nos.environ['DAGBOOK_TAG_EPOCHS']", "E-NO-PARAM", "DAGBOOK_TAG_EPOCHS", "--param epochs"),
    # perhaps
    ("if 1:\n    open('/input/tabel/x')", "W-NO-INPUT", "/input/tabel", "table"),
    ("try: open('/input/tabel/x')\nexcept OSError: pass", "W-NO-INPUT", "/input/tabel", "table"),
    ("def f():\n    return open('/input/tabel/x')", "W-NO-INPUT", "/input/tabel", "table"),
    ("from contextlib import suppress\nwith suppress(OSError):\n    open('/input/tabel/x')", "W-NO-INPUT", "tabel", ""),
    ("import os\nos.path.exists('/input/tabel')", "W-NO-INPUT", "/input/tabel", "table"),
    ("import os\nos.getenv('INPUT_TABEL')", "W-NO-INPUT", "INPUT_TABEL", "table"),
    ("1 and open('/input/tabel/x')", "W-NO-INPUT", "/input/tabel", "table"),
    ("def open(x): pass\nopen('/input/tabel/x')", "W-NO-INPUT", "/input/tabel", "table"),
    ("open('/input/tabel/x', 'w')", "W-NO-INPUT", "/input/tabel", "table"),
    ("!cat /input/tabel/x", "W-NO-INPUT", "/input/tabel", "table"),
    ("open('/data/imges/x')", "W-NO-DATA", "/data/imges", "images"),  # a folder of the image may be called so
    ("import os\nos.getenv('DAGBOOK_TAG_DETPH')", "W-NO-PARAM", "DETPH", "depth"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code", "says", "hint"), FOUND)
def test_what_is_not_there_is_told_at_its_line(
    make_notebook: MakeNotebook, body: str, code: str, says: str, hint: str
) -> None:
    (found,) = findings(make_notebook, body)
    assert found[0] == code
    assert found[1] == max(n for n, text in enumerate((LINE + body).splitlines(), 1) if "pass" not in text)
    assert found[2].startswith('"node" reads ')
    assert says in found[2]
    assert hint in found[3]


THERE = [
    "open('/input/train_model/x'); pd.read_csv(INPUT / 'train_model' / 'x'); open('/input/table/x')",
    "import os\nos.environ['INPUT_TRAIN_MODEL'], os.environ['INPUT_TABLE'], os.environ['DATA_IMAGES']",
    "dagbook.input('Train model'), dagbook.input('train-model'), dagbook.data('images'), open('/data/images/x')",
    "dagbook.param('depth'), dagbook.param('rate'), dagbook.param('other', 1), dagbook.param('other', default=None)",
    "import os\nos.environ['DAGBOOK_TAG_RATE'], os.environ['CNVRG_TAG_DEPTH'], os.environ['DAGBOOK_OUTPUT']",
    "import os\nos.environ['DAGBOOK_TRAIN_MODEL_ACCURACY'], os.getenv('CNVRG_PREPARE_LR'), os.environ['DATA_DIR']",
    "name = 'x'\nopen(f'/input/{name}/y'), Path('/input', name), open('/input'), Path('/input').iterdir()",
    "import glob\nglob.glob('/input/*/x.csv'), glob.glob('/input/tr*/x'), open('/data/of/the/image')",
    '"""Reads /input/nowhere/x."""\nprint("see /input/nowhere/x"), "input/nowhere/x", "http://x/input/nowhere"',
    "def param(name): return name\nparam('x'), load('train_model')",
    "make = lambda: print\nmake()('/input'), (lambda: 1)(), [print][0]('x'), make()()  # /input",
]


@pytest.mark.parametrize("body", THERE)
def test_nothing_is_said_of_what_is_there_or_not_known(make_notebook: MakeNotebook, body: str) -> None:
    assert findings(make_notebook, body) == []


def test_each_thing_is_told_once_and_as_an_error_where_it_is_one(make_notebook: MakeNotebook) -> None:
    body = "def f():\n    open('/input/tabel/a')\nopen('/input/tabel/b')\nopen('/input/tabel/c')"
    assert [found[:2] for found in findings(make_notebook, body)] == [("E-NO-INPUT", 4)]


def test_a_node_in_single_mode_finds_no_files(make_notebook: MakeNotebook) -> None:
    (found,) = findings(make_notebook, "open('/input/train_model/x')", LINE.replace("--param", "--single --param"))
    assert "--single gets no files" in found[2]


SCRIPT = """\
# /input/prepar is only a comment
cat /input/train_model/x "$INPUT_TABLE/x" ${DATA_IMAGES} $DAGBOOK_TAG_DEPTH
cat /input/prepar/x
cp "${INPUT_TABEL}/x" /output
echo $DAGBOOK_TAG_EPOCHS $DAGBOOK_OUTPUT ./input/x http://x/input/y /input/*/z
echo $CNVRG_PREPARE_ACC $CNVRG_TRAIN_MODEL_ACC $CNVRG_OTHER_ACC
"""


def test_scripts_and_other_languages_are_read_by_their_text(make_notebook: MakeNotebook) -> None:
    expected = [("W-NO-INPUT", 4), ("W-NO-INPUT", 5), ("W-NO-PARAM", 6)]
    for magic, more in (("%%pipeline_command", ""), ("%%pipeline_node", " --kernel ir")):
        line = LINE.replace("%%pipeline_node", magic).replace("\n", f"{more}\n")
        assert [found[:2] for found in findings(make_notebook, SCRIPT, line)] == expected


def test_a_tag_of_a_node_that_does_not_come_right_before_is_told(make_notebook: MakeNotebook) -> None:
    read = read_notebook(
        make_notebook("%%pipeline_node a\n1", "%%pipeline_node b --after a\n1", "%%pipeline_node a_b --after b\n1",
                      "%%pipeline_node c --after b\nimport os\nos.getenv('DAGBOOK_A_B_X')\nos.getenv('DAGBOOK_B_X')\n"
                      "os.environ['CNVRG_A_ACC']")
    )  # fmt: skip
    assert [(one.code, one.place.line, one.hint) for one in read.problems] == [
        ("W-NO-TAG", 3, "Name it: --after a_b"),
        ("W-NO-TAG", 5, "Name it: --after a"),
    ]


def test_notebooks_that_are_nodes_are_read_too(make_notebook: MakeNotebook) -> None:
    other = make_notebook("from pathlib import Path\nHERE = Path('/input')", "open(HERE / 'b' / 'x')", name="n.ipynb")
    flow = make_notebook(
        "%%pipeline_node a\n1", "%%pipeline_node b --after a\n1", "%pipeline_notebook c --path n.ipynb --after a"
    )
    (found,) = [one for one in read_notebook(flow).problems if one.is_error]
    assert (found.code, found.place.file, found.place.cell, found.place.line) == ("E-NO-INPUT", str(other), 3, 1)
    assert found.hint == "Name it: --after b"


def test_parameters_that_edges_bring_are_names_that_a_node_has(make_notebook: MakeNotebook) -> None:
    cells = (
        "%%pipeline_node a --param n=1\n1",
        "%%pipeline_node b\nprint(m)",
        "%pipeline_edge a.parameter.n b.parameter.m",
    )
    assert read_notebook(make_notebook(*cells)).problems == ()


def test_reading_finds_nothing_out_by_running(make_notebook: MakeNotebook, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    touch = f"open({str(trace)!r}, 'w').close()"
    flow = make_notebook(touch, f"# parameters\na = {touch}", f"%%pipeline_shared\n{touch}",
                         f"%%pipeline_node a\n{touch}\n!touch {trace}\nopen('/input/x')", "%pipeline_run")  # fmt: skip
    read_notebook(flow)
    assert not trace.exists()
