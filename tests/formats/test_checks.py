"""The code of a node: what is wrong with it is found when it is defined, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.runner.core.errors import Place, Problem
from dagbook.runner.core.model import Defaults
from dagbook.runner.formats.cells import parse_node
from dagbook.runner.formats.checks import check_node, check_shared, shared_names


def findings(body: str, line: str = "a", shared: tuple[str, ...] = (), **more: object) -> list[Problem]:
    node = parse_node("pipeline_node", line, body, 7, "id")
    return check_node(node, shared_names(shared), **more)  # type: ignore[arg-type]


FREE = [
    ("print(df)", "df", 2),
    ("x = 1\n\nprint(x, df, model)", "df, model", 4),
    ("def f():\n    return df", "df", 3),
    ("g = lambda k: k + df", "df", 2),
    ("class A:\n    b = 1\n    def m(self):\n        return b", "b", 5),
    ("[row for row in df]", "df", 2),
    ("for i in range(3):\n    total += i\nelse:\n    print(other)", "other", 5),
    ("@decorated\ndef f(): pass", "decorated", 2),
    ("def f(a: Unknown): pass", "Unknown", 2),
    ("async def f():\n    async with opened() as x: return x", "opened", 3),
    ("!ls\nprint(df)", "df", 3),
    ("x?\nprint(df)", "df", 3),
    ("import os as system\nos.getcwd()", "os", 3),
]


@pytest.mark.parametrize(("body", "names", "line"), FREE)
def test_M7_names_of_the_live_notebook_are_warned_about(body: str, names: str, line: int) -> None:
    (found,) = findings(body)
    assert found.code == "W-FREE-NAME"
    assert found.message.startswith(f"{names} ")
    assert (found.place.cell, found.place.line, found.place.node) == (7, line, "a")
    assert "%%pipeline_shared" in found.hint


KNOWN = [
    "print(len([1]), __name__, get_ipython(), display(1))",
    "import os.path\nos.getcwd()",
    "try:\n    import ujson as json\nexcept ImportError as error:\n    print(error)\n    json = None\nprint(json)",
    "from math import *\nprint(sqrt(2))",
    "def f():\n    global counter\n    counter = 1\nf()\nprint(counter)",
    "x = 1\ndel x\nprint(x)",
    "print([(a, b) for a in 'x' for b in a if (c := b)], c)",
    "with open('x') as f, open('y') as (g, h):\n    print(f, g, h)",
    "match [1]:\n    case [first, *rest]:\n        print(rest)\n    case {'k': v, **others}:\n        print(v, others)",
    "def f(a, *args, b=1, **kw):\n    def g():\n        nonlocal a\n        a = b\n    return a, args, kw, g",
    "class A:\n    x = 1\n    y = x\n    def m(self):\n        return __class__, super().m()",
    "async def f(): return 1\nawait f()\n[x async for x in f()]\nasync with f() as y:\n    print(y)",
    "files = !ls\nprint(files)",
    "%time x = 5\nprint(x)",
    "%run setup.py\nprint(anything)",
    "exec('z = 1')\nprint(z)",
    "%matplotlib inline\nlen?\n?len\n!!ls",
    "print(_, __, _1, _i2, In, Out)",
    "x: int\nx = 1\nprint(x)\ny: list[int] = []\nprint(y)",
    "while (n := 1):\n    break\nprint(n)",
    "for i in []: pass\nprint(i)",
    "def later():\n    return defined_below()\ndef defined_below(): return 1",
]


@pytest.mark.parametrize("body", KNOWN)
def test_M7_no_warning_for_names_that_are_there(body: str) -> None:
    assert findings(body) == []


def test_M7_shared_cells_parameters_and_grids_define_names() -> None:
    line = "a --param epochs --param p=1 --grid lr=1,2"
    assert findings("print(epochs, p, lr, helper(), os)", line, ("import os\ndef helper(): pass",)) == []
    assert findings("print(anything)", shared=("from numpy import *",)) == []


def test_M7_a_parameter_that_is_not_taken_is_offered() -> None:
    (found,) = findings("print(epochs)", parameters={"epochs": 3})
    assert found.hint == "Take the pipeline's parameter: --param epochs"


SYNTAX = [
    ("x = (1,\ny = 2", 2, "'(' was never closed", "x = (1,", "^"),
    ("ok = 1\nif ok\n    pass", 3, "expected ':'", "if ok", "^"),
    ("!ls\nx = = 3", 3, "invalid syntax", "x = = 3", "^"),
    ("return 5", 2, "'return' outside function", "return 5", "^^^^^^^^"),
    ("x = 'abc", 2, "unterminated string", "x = 'abc", "^"),
    ("    a = 1\n  b = 2", 2, "indent", "a = 1", "^"),
]


@pytest.mark.parametrize(("body", "line", "message_has", "shown", "mark"), SYNTAX)
def test_M7_syntax_errors_have_the_cells_line_and_a_mark(
    body: str, line: int, message_has: str, shown: str, mark: str
) -> None:
    (found,) = findings(body)
    assert (found.code, found.place.line) == ("E-SYNTAX", line)
    assert message_has in found.message
    assert f"    {shown}\n" in found.hint
    assert found.hint.splitlines()[-1].strip() == mark


def test_M7_a_NUL_in_the_body_is_a_syntax_error() -> None:
    assert [found.code for found in findings("x = 1\0")] == ["E-SYNTAX"]


def test_M7_only_python_bodies_are_read_as_python() -> None:
    assert findings("x <- c(1, 2", "a --kernel ir") == []
    assert findings("x <- c(1, 2", defaults=Defaults(kernel="ir")) == []
    command = parse_node("pipeline_command", "a", "if [ x ]; then echo '(' ; fi")
    assert check_node(command) == []


@pytest.mark.parametrize("body", ["", "\n \n", "# only a comment"])
def test_M7_empty_bodies_are_warned_about(body: str) -> None:
    assert [found.code for found in findings(body)] == ["W-EMPTY-BODY"]


ASKING = [
    ("x = 1\nname = input('who?')", "input()", 3),
    ("def f():\n    return int(input())", "input()", 3),
    ("import getpass\ngetpass.getpass()", "getpass.getpass()", 3),
    ("from getpass import getpass as ask\nask()", "getpass()", 3),
]


@pytest.mark.parametrize(("body", "call", "line"), ASKING)
def test_B5_questions_are_an_error_when_the_node_is_defined(body: str, call: str, line: int) -> None:
    (found,) = findings(body)
    assert (found.code, found.place.line) == ("E-STDIN", line)
    assert found.message.startswith(call)
    assert "--param" in found.hint


def test_B5_dagbooks_own_input_and_a_users_are_no_questions() -> None:
    assert findings("import dagbook\ndagbook.input('prepare')") == []
    assert findings("from dagbook import input\ninput('prepare')") == []
    assert findings("input('x')", shared=("def input(name): return name",)) == []


def test_B5_shared_code_may_hold_questions_that_nobody_asks_yet() -> None:
    assert check_shared("def ask():\n    return input()", Place(cell=1, line=1)) == []
    (found,) = check_shared("x = [input()]", Place(cell=1, line=1))
    assert (found.code, found.place.line) == ("E-STDIN", 2)


def test_files_of_the_project_are_hinted_at(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("data/x.csv", "out.csv", "model.pkl"):
        (tmp_path / name).write_text("")
    body = (
        "import pandas as pd\npd.read_csv('data/x.csv')\npd.read_csv('./data/x.csv')\npd.read_csv('nope.csv')\n"
        "open('model.pkl', 'wb')\nopen('out.csv', mode='w')\npd.DataFrame().to_csv('out.csv')\n'data'\n"
        "pd.read_csv('/code/data/x.csv')\n"
    )
    found = findings(body, project=tmp_path)
    assert [(one.code, one.place.line, one.hint) for one in found] == [
        ("W-CODE-PATH", 3, "Write '/code/data/x.csv'."),
        ("W-CODE-PATH", 4, "Write '/code/data/x.csv'."),
    ]
    assert findings(body) == []


@pytest.mark.parametrize(
    "body",
    [
        "(folder / 'model.txt').read_text()",
        "open(os.path.join(folder, 'model.txt'))",
        "open(folder.joinpath('model.txt'))",
        "Path(folder, 'model.txt')",
        "open(folder + 'model.txt')",
    ],
)
def test_a_file_of_another_folder_is_none_of_the_project(body: str, tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("")
    body = f"import os\nfrom pathlib import Path\nfolder = Path(os.environ['X'])\n{body}"
    assert findings(body, project=tmp_path) == []
