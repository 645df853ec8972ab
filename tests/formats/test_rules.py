"""The rules of `dagbook check`: what each says of a notebook, where; and that none speaks where nothing is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.runner.core.check import check
from dagbook.runner.core.edge import Edge, Port
from dagbook.runner.core.edge_globs import covers
from dagbook.runner.core.errors import Place, Problem
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.formats.notebook import read_notebook
from dagbook.runner.formats.plain_secrets import is_secret, secrets_in_code
from dagbook.runner.formats.python_code import read_code
from dagbook.runner.formats.read_findings import Surroundings
from dagbook.runner.formats.reads import reads_in_code
from tests.conftest import MakeNotebook

A, B = "%%pipeline_node a\n1", "%%pipeline_node b --after a\n1"


def told(make: MakeNotebook, *cells: str) -> list[Problem]:
    """All that is said of a notebook, but for its body's own matters."""
    read = read_notebook(make(*cells))
    whole = [] if any(one.is_error for one in read.problems) else check(read.pipeline)
    return [*read.problems, *whole]


# cells; code, cell, line, what the message and the hint say
RULES: list[tuple[tuple[str, ...], str, int | None, int | None, str, str]] = [
    ((A, B, "%%pipeline_node c\n1"), "W-NODE-ALONE", 4, None, '"c" comes after no node', "--after"),
    (("%pipeline_data d --path .", A, B), "W-DATA-UNUSED", 2, None, 'the dataset "d"', "--after"),
    (("# parameters\nepochs = 3\nlr = 0.1", A), "W-PARAM-UNUSED", 2, 2, "epochs", "--param epochs"),
    (("%%pipeline_shared\nx = 1", "%%pipeline_command a\necho"), "W-SHARED-UNUSED", 2, 1, "no node starts",
     "plain cell"),
    ((A, '%%pipeline_node b --input "t=a/x/"\n1'), "E-EDGE-GLOB", 3, None, "it names a folder", "models/**"),
    ((A, '%%pipeline_node b --input "t=a/x[ab.csv"\n1'), "W-EDGE-GLOB", 3, None, "its [ is not closed", ""),
    ((A, '%%pipeline_node b --input t=a/* t=a/x.csv\n1'), "W-EDGE-COVERED", 3, None, "x.csv", "one of them"),
    (("%pipeline_data d --path .", "%%pipeline_node b --after d --map d:/nope*\n1"), "W-MAP-EMPTY", 3, None, "'/nope*'",
     "There is: /flow.ipynb"),
    (("%pipeline_data d --path flow.ipynb", "%%pipeline_node b --after d --map d:/flow.ipnb\n1"), "W-MAP-EMPTY", 3,
     None, "'/flow.ipnb'", 'Did you mean "/flow.ipynb"?'),
    (("%%pipeline_node a --image python\n1",), "W-LATEST", 2, None, "the image python", "Give it a tag"),
    (("%pipeline p --image my/env:latest", A), "W-LATEST", None, None, "my/env:latest", "Give it a tag"),
    (("%%pipeline_node a --requirements foo=1.0\n1",), "E-REQUIREMENT", 2, None, "foo=1.0", "Write foo==1.0"),
    (("%%pipeline_node a --requirements r.txt\n1",), "E-REQUIREMENT", 2, None, "r.txt line 2: scikit learn", "NAME"),
    (("%%pipeline_node a\nlibrary(x)\nif (y) { z }",), "E-SYNTAX", 2, 3, "not Python", "--kernel ir"),
    (("%%pipeline_node a\nx <- mean(y)",), "W-FREE-NAME", 2, 2, "mean", "--kernel ir"),
    (("%%pipeline_node a\n#!/bin/sh\nif [ -e x ]; then y; fi",), "E-SYNTAX", 2, 3, "not Python", "%%pipeline_command"),
    (("%%pipeline_node a\nusing Plots\nplot(1, 2)",), "E-SYNTAX", 2, 2, "not Python", "Julia"),
    (("# parameters\npassword = 'hunter2x'", "%%pipeline_node a --param password\n1"), "W-SECRET-TEXT", 2, 2,
     "password", "--secret"),
    (("x = 1\nconnect(user='me', password='hunter2x')", A), "W-SECRET-TEXT", 2, 2, "password", "--secret"),
    (("%%pipeline_shared\nKEY = 'ghp_abcdefghij1234567890'", A), "W-SECRET-TEXT", 2, 2, "KEY", "--secret"),
    (("%%pipeline_node a --env API_KEY=abcd1234efgh\n1",), "W-SECRET-TEXT", 2, None, "API_KEY", "--secret"),
    (("%%pipeline_node a\nget('postgres://me:s3cretpw@host/db')",), "W-SECRET-TEXT", 2, 2, "services", "--secret"),
    (("%%pipeline_command a\necho\nexport API_TOKEN=abc123def456ghi",), "W-SECRET-TEXT", 2, 3, "API_TOKEN", "--secret"),
    (("%%pipeline_command a\ncurl -H 'Authorization: Bearer abcdefghij12345'",), "W-SECRET-TEXT", 2, 2, "services", ""),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "code", "cell", "line", "says", "hint"), RULES, ids=lambda one: str(one)[:30])
def test_a_rule_tells_what_where_and_what_to_do(
    make_notebook: MakeNotebook,
    cells: tuple[str, ...],
    code: str,
    cell: int | None,
    line: int | None,
    says: str,
    hint: str,
) -> None:
    requirements = make_notebook().with_name("r.txt")
    requirements.write_text("numpy\nscikit learn\n", encoding="utf-8")
    (found,) = [one for one in told(make_notebook, *cells) if one.code == code][:1]
    assert (found.place.cell, found.place.line) == (cell, line)
    assert says in found.message
    assert hint in found.hint
    assert "hunter2x" not in found.describe()
    assert "s3cretpw" not in found.describe()


SILENT = [
    (A, "%%pipeline_node other\n1"),  # nothing is connected here
    (A, B, "%pipeline_data d --path .", "%%pipeline_node c --after d b\n1"),
    ("# parameters\nepochs = 3\nroot = 'x'\npath = f'{root}/y'\nwhere = make(epochs)", "print(path)", A),
    ("# parameters\nepochs = 3", "%%pipeline_node a --param epochs\nepochs"),
    ("%%pipeline_shared\nx = 1", "%%pipeline_command a\necho", B),
    (A, '%%pipeline_node b --input t=a/*.csv t=a/*.json u=a/** "v=a/x[ab].csv"\n1'),
    ("%pipeline_data d --path .", "%%pipeline_node b --after d --map d:/*.ipynb\n1"),
    ("%%pipeline_node a --image python:3.12-slim\n1", "%%pipeline_node b --image x@sha256:" + "0" * 64 + "\n1"),
    ("%%pipeline_node a --requirements 'foo[x]>=1,<2; python_version>\"3\"' git+https://x/y.git ./z x.whl\n1",),
    ("%%pipeline_node a --requirements 'foo @ https://x/y.zip' 'foo==1.* --hash=sha256:00'\n1",),
    ("%%pipeline_node a\neos_token = '</s>'\npad_token = '[PAD]'\nmax_tokens = 5\ntoken_url = 'https://x.y/z'\n"
     "sort_key = 'name'\napi_key = 'OPENAI_API_KEY'\npassword = ''\nsecret = 'your-secret-here'\ntoken = None",),
    ("%%pipeline_node a\nimport os\npassword = os.environ['PASSWORD']\nurl = f'postgres://{password}:{password}@h'\n"
     "example = 'postgres://user:password@host/db'\nheader = f'Bearer {password}'\nname = 'sk-learn-contrib'",),
    ("%%pipeline_command a\nPASSWORD=$OTHER\nexport TOKEN=\"$(cat x)\"\ncurl -H \"X: Bearer $API_TOKEN_XY\"",),
]  # fmt: skip


@pytest.mark.parametrize("cells", SILENT, ids=lambda one: str(one)[:40])
def test_nothing_is_said_where_nothing_is_wrong(make_notebook: MakeNotebook, cells: tuple[str, ...]) -> None:
    assert [one.describe() for one in told(make_notebook, *cells)] == []


def edge(key: str, optional: bool = False) -> Pipeline:
    drawn = Edge(source="a", source_port=Port.OUTPUT, source_key=key, target="b", target_port=Port.INPUT,
                 target_key="t", optional=optional)  # fmt: skip
    return Pipeline(nodes=(Node(title="a", source="1"), Node(title="b", source="1")), edges=(drawn,))


@pytest.mark.parametrize(
    ("key", "optional", "code"),
    [("/x", False, "E-EDGE-GLOB"), ("../x", False, "E-EDGE-GLOB"), ("a/../x", True, "W-EDGE-GLOB"), ("./x", False, "")],
)
def test_a_glob_of_a_file_that_leads_nowhere_is_told(key: str, optional: bool, code: str) -> None:
    assert [one.code for one in check(edge(key, optional))] == [code] * bool(code)


COVERS = [
    ("*", "x.csv", True),
    ("*", "*.csv", True),
    ("**", "a/b/x.csv", True),
    ("*.csv", "x.csv", True),
    ("./x.csv", "x.csv", True),
    ("a/*", "a/x", True),
    ("*", "a/x", False),
    ("*.csv", "*.json", False),
    ("*.csv", "[ab].csv", False),  # it is covered, and not worth finding out
    ("x*", "*.csv", False),
    ("a/**", "a/x", False),
]


@pytest.mark.parametrize(("wide", "narrow", "covered"), COVERS)
def test_a_glob_covers_another_where_that_is_sure(wide: str, narrow: str, covered: bool) -> None:
    assert covers(wide, narrow) is covered


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("password", "hunter2x", True),
        ("db_passwd", "hunter2x", True),
        ("token", "a1b2c3d4e5f6g7h8", True),
        ("anything", "hf_abcdefgh12345678", True),
        ("token", "the", False),
        ("password", 5, False),
        ("password", "{{ vault.password }}", False),
        ("tokens", "a1b2c3d4e5f6g7h8", False),
        ("passwords_file", "hunter2x", False),
        ("secret", "/run/secrets/x", False),
    ],
)
def test_what_counts_as_a_secret(name: str, value: str | int, found: bool) -> None:
    assert is_secret(name, value) is found


def test_a_secret_given_as_a_parameter_is_told_by_name_alone(make_notebook: MakeNotebook) -> None:
    flow = make_notebook("# parameters\ndb_password = None", "%%pipeline_node a --param db_password\n1")
    (found,) = read_notebook(flow, {"db_password": "hunter2x"}).problems
    assert (found.code, found.is_error) == ("W-SECRET-GIVEN", False)
    assert "--secret DB_PASSWORD" in found.hint
    assert "hunter2x" not in found.describe()


@pytest.mark.parametrize("folder", ["core", "executors", "board"])
def test_nothing_is_said_of_code_that_people_have_written(folder: str) -> None:
    """Real modules as bodies of nodes: nothing in them is a secret, or a file of a node that does not come before."""
    around = Surroundings(Pipeline(nodes=(Node(title="a", source="1"),)))
    for file in Path("runner", folder).glob("*.py"):
        code = read_code(file.read_text(encoding="utf-8"))
        reads = around.findings(Node(title="b"), reads_in_code(code), Place())
        assert [one.describe() for one in [*secrets_in_code(code, Place()), *reads]] == [], file


EXAMPLES = [
    file for file in sorted(Path("example_notebooks").glob("*.ipynb")) if "%%pipeline_" in file.read_text("utf-8")
]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_nothing_is_said_of_the_example_notebooks(file: Path) -> None:
    read = read_notebook(file, project=file.parent)
    assert read.pipeline.nodes
    assert [one.describe() for one in [*read.problems, *check(read.pipeline)]] == []
