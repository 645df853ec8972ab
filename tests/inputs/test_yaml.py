"""Files of pipelines that are no sound YAML, or not what their format asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.runner.formats.recognised import read_pipelines

from .row import Row, call, in_text, try_row

BOMB = "dagbook: 1\na: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
FLOW = "flow: Demo\ntasks:\n"
TASK = "- title: a\n  type: exec\n  input: python a.py\n  computes: [small]\n"
SOUND = FLOW + TASK
TWO = SOUND + TASK.replace("title: a", "title: b")
OWN = "dagbook: 1\nnodes:\n- title: a\n  source: print(1)\n"


def flow(name: str, code: str, text: str, **told: object) -> Row:
    """A row that is a cnvrg flow; relations are there when none are written."""
    whole = text if "relations" in text else text + "relations: []\n"
    return in_text(name, code, whole, file="flow.yaml", **told)  # type: ignore[arg-type]


def cycle(length: int) -> str:
    tasks = "".join(TASK.replace("title: a", f"title: t{n}") for n in range(length))
    arrows = "".join(f"- from: t{n}\n  to: t{(n + 1) % length}\n" for n in range(length))
    return FLOW + tasks + "relations:\n" + arrows


ANY = [
    in_text("Y1-bomb", "E-YAML-ALIASES", BOMB, says="aliases", fix="where they are needed", line=7),
    in_text("Y2-brackets", "E-YAML-DEPTH", "[" * 5000, says="100", fix="right file", line=1, column=101),
    in_text("Y2-mappings", "E-YAML-DEPTH", "dagbook: 1\na: " + "{a: " * 5000, says="100", fix="right", line=2),
    in_text("Y2-dashes", "E-YAML-DEPTH", "- " * 5000, says="100", fix="right file", line=1),
    in_text("Y2-json", "E-YAML-DEPTH", '{"a": ' * 5000, says="100", fix="right file", file="p.json", line=1),
    in_text(
        "Y3-os.system",
        "E-YAML-TAG",
        "dagbook: 1\nname: !!python/object/apply:os.system [id]\n",
        says="python/object/apply:os.system",
        fix="plain value",
        line=2,
        column=7,
    ),
    in_text("Y3-own-tag", "E-YAML-TAG", "dagbook: !x 1\n", says="!x", fix="plain value", line=1, column=10),
    in_text(
        "Y4-duplicate-key",
        "E-YAML-DUPKEY",
        SOUND + "relations: []\ntasks: []\n",
        says="given in line 2",
        fix="Take one",
        line=8,
        column=1,
    ),
    in_text(
        "Y4-in-json",
        "E-YAML-DUPKEY",
        '{"dagbook": 1,\n "name": "a", "name": "b"}',
        says="'name' stands here a second time",
        fix="Take one",
        file="p.json",
        line=2,
        column=15,
    ),
    in_text("Y6-tab", "E-YAML-SYNTAX", "dagbook: 1\nnodes:\n\t- title: a\n", says="", fix="spaces", line=3),
    in_text("Y6-utf16", "E-YAML-SYNTAX", OWN.encode("utf-16"), says="not UTF-8", fix="Save it as UTF-8", line=1),
    in_text(
        "Y6-latin1",
        "E-YAML-SYNTAX",
        "dagbook: 1\nname: caf\xe9\n".encode("latin-1"),
        says="not UTF-8",
        fix="Save it as UTF-8",
        line=2,
    ),
    in_text("Y6-nul", "E-YAML-SYNTAX", "dagbook: 1\nname: a\0b\n", says="", fix="control character", line=2, column=8),
    in_text("Y7-empty", "E-YAML-EMPTY", "", says="nothing", fix="Write a pipeline"),
    in_text("Y7-comment-only", "E-YAML-EMPTY", "# later\n", says="nothing", fix="Write a pipeline"),
    in_text("Y7-list-at-root", "E-YAML-ROOT", "- a\n- b\n", says="list", fix="", line=1),
    in_text("Y7-text-at-root", "E-YAML-ROOT", "hello\n", says="a single value", fix="", line=1),
    in_text("Y7-size", "E-YAML-SIZE", b"#" * 5_000_001, says="5,000,001 bytes", fix="right file"),
    in_text("Y7-json-of-nothing", "E-YAML-EMPTY", "null", says="nothing", fix="Write a pipeline", file="p.json"),
    in_text("Y23-two-objects", "E-YAML-ROOT", "[] {}", says="", fix="", file="p.json"),
    in_text("own-unknown-key", "E-KEY-UNKNOWN", OWN.replace("source", "sorce"), says="'sorce'", fix='"source"', line=4),
    in_text(
        "own-cycle",
        "E-CYCLE",
        OWN + "  after: [b]\n- title: b\n  source: '1'\n  after: [a]\n",
        says="a -> b -> a",
        fix="--after",
    ),
    in_text("own-version", "E-ENUM", OWN.replace("dagbook: 1", "dagbook: 2"), says="2", fix="", line=1),
]

CNVRG = [
    flow("Y5-title-false", "E-TYPE", SOUND.replace("title: a", "title: false"), says="", fix="uote", line=3),
    flow(
        "Y8-unknown-key",
        "W-KEY-UNKNOWN",
        SOUND.replace("computes", "computs"),
        says="'computs'",
        fix='"computes"',
        line=6,
        column=12,
        node="a",
    ),
    flow("Y9-no-flow", "E-KEY-MISSING", "tasks:\n" + TASK, says="'flow'", fix="", line=1),
    flow(
        "Y9-no-title",
        "E-KEY-MISSING",
        FLOW + TASK.replace("title: a\n  ", ""),
        says="task 1 lacks 'title'",
        fix="",
        line=3,
    ),
    flow(
        "Y9-no-type",
        "E-KEY-MISSING",
        SOUND.replace("  type: exec\n", ""),
        says="the task \"a\" lacks 'type'",
        fix="",
        line=3,
        node="a",
    ),
    flow(
        "Y9-no-input",
        "E-KEY-MISSING",
        SOUND.replace("  input: python a.py\n", ""),
        says="'input'",
        fix="",
        line=3,
        node="a",
    ),
    flow(
        "Y9-no-dataset",
        "E-KEY-MISSING",
        FLOW + "- title: a\n  type: data\n",
        says="'dataset'",
        fix="",
        line=3,
        node="a",
    ),
    flow(
        "Y10-train",
        "E-ENUM",
        SOUND.replace("exec", "train"),
        says="none of data, exec or deploy",
        fix="Known",
        line=4,
        node="a",
    ),
    flow("Y10-excec", "E-ENUM", SOUND.replace("exec", "excec"), says="'excec'", fix='"exec"', line=4, node="a"),
    flow(
        "Y11-two-times",
        "E-CONFLICT",
        "schedule: 31.01.2127 16:25\nrecurring: '0 * * * *'\n" + SOUND,
        says="`schedule` and `recurring`",
        fix="Keep one",
        line=2,
    ),
    flow(
        "Y12-two-endpoints",
        "W-CHANGED",
        FLOW + "- title: a\n  type: deploy\n  file_name: p.py\n"
        "  function_name: f\n  min_replica: 1\n  max_replica: 1\n  endpoint_title: e\n  endpoint_id: i\n",
        says="endpoint_id",
        fix="",
        line=9,
        node="a",
    ),
    flow(
        "Y13-commit-and-query",
        "E-CONFLICT",
        FLOW + "- title: a\n  type: data\n  dataset: d\n  data_commit: c\n  data_query: q\n",
        says="data_query",
        fix="",
        line=7,
        node="a",
    ),
    *[
        flow(
            f"Y14-{value[:20]}",
            "E-DATE",
            f"schedule: '{value}'\n" + SOUND,
            says="no date and time",
            fix="16:25",
            line=1,
        )
        for value in ("31.02.2127 16:25", "25:61", "tomorrow", "2027.13.01 4:25PM", "31.01.2027 13:25PM", "x" * 10_000)
    ],
    flow("Y14-past", "W-DATE-PAST", "schedule: 31.01.2007 16:25\n" + SOUND, says="has passed", fix="later", line=1),
    flow("Y15-unknown", "E-REF", TWO + "relations:\n- from: a\n  to: bb\n", says='"bb"', fix='"b"', line=13),
    flow("Y15-self", "E-EDGE-SELF", TWO + "relations:\n- from: a\n  to: a\n", says="itself", fix="", line=12),
    flow(
        "Y15-twice",
        "W-CHANGED",
        TWO + "relations:\n- from: a\n  to: b\n- from: a\n  to: b\n",
        says="as line 12 does",
        fix="Take one of the two",
        line=14,
    ),
    flow("Y16-two", "E-CYCLE", cycle(2), says="t0 -> t1 -> t0", fix="away"),
    flow("Y16-five-hundred", "E-CYCLE", cycle(500), says="t499 -> t0", fix="away"),
    flow(
        "Y18-way-out",
        "E-MOUNT",
        SOUND + "  mount_folders: ['x:/../../']\n",
        says="x:/../../",
        fix="10.0.0.7",
        line=7,
        node="a",
    ),
    flow(
        "Y18-no-colon",
        "E-MOUNT",
        SOUND + "  mount_folders: [folder]\n",
        says="'folder'",
        fix="10.0.0.7",
        line=7,
        node="a",
    ),
    *[
        flow(
            f"Y17-{low}-{high}",
            "E-RANGE",
            FLOW + "- title: a\n  type: deploy\n  file_name: p.py\n  function_name: f\n"
            f"  min_replica: {low}\n  max_replica: {high}\n",
            says="",
            fix="",
            line=line,
            node="a",
        )
        for low, high, line in (("3", "1", 7), ("-1", "1", 7), ("1", "1000000000", 8), ("two", "3", 7))
    ],
]

STEP = "- step:\n    name: prepare\n    image: python:3.12\n    command: python a.py\n"
PIPE = STEP + (
    "- pipeline:\n    name: p\n    nodes:\n    - {name: a, type: execution, step: prepare}\n"
    "    - {name: b, type: execution, step: prepare}\n    edges:\n"
)


def valohai(name: str, code: str, text: str, **told: object) -> Row:
    return in_text(name, code, text, file="valohai.yaml", **told)  # type: ignore[arg-type]


VALOHAI = [
    valohai("Y19-three-ends", "E-EDGE-FORM", PIPE + "    - [a.output.*, b.input.x, c]\n", says="", fix="", line=11),
    valohai(
        "Y19-outputs",
        "W-CHANGED",
        PIPE + "    - [a.outputs.*, b.input.x]\n",
        says="outputs",
        fix="without the s",
        line=11,
    ),
    valohai("Y19-unknown-node", "E-REF", PIPE + "    - [c.output.*, b.input.x]\n", says="'c'", fix='"a"', line=11),
    valohai(
        "Y20-step",
        "W-REF",
        (PIPE + "    - [a.output.*, b.input.x]\n").replace("step: prepare}", "step: prepar}"),
        says="prepar",
        fix='"prepare"',
    ),
    valohai(
        "Y20-deployment",
        "W-REF",
        PIPE.replace(
            "    - {name: b, type: execution, step: prepare}", "    - {name: b, type: deployment, deployment: nowhere}"
        )
        + "    - [a.output.*, b.file.x]\n",
        says="nowhere",
        fix="",
    ),
]

SPEC = '{"pipeline": {"name": "a"}, "transform": {"cmd": ["sh"]}, "input": {"pfs": {"repo": "r", "glob": "/*"}}}'


def pachyderm(name: str, code: str, text: str, **told: object) -> Row:
    return in_text(name, code, text, file="spec.json", **told)  # type: ignore[arg-type]


PACHYDERM = [
    pachyderm("Y21-no-name", "E-KEY-MISSING", SPEC.replace('"name": "a"', ""), says="'name'", fix=""),
    pachyderm(
        "Y21-no-transform",
        "E-KEY-MISSING",
        '{"pipeline": {"name": "a"}, "input": {"pfs": {"repo": "r"}}}',
        says="'transform'",
        fix="image and cmd",
    ),
    pachyderm(
        "Y21-no-input",
        "E-KEY-MISSING",
        '{"pipeline": {"name": "a"}, "transform": {"cmd": ["sh"]}}',
        says="'input'",
        fix="",
    ),
    pachyderm(
        "Y21-cmd-text",
        "E-TYPE",
        SPEC.replace('["sh"]', '"sh -c"'),
        says="transform.cmd",
        fix="a list of texts, such as [",
    ),
    pachyderm("Y21-spout", "W-NOT-HERE", SPEC[: SPEC.index(', "input"')] + ', "spout": {}}', says="spout", fix=""),
    pachyderm(
        "Y21-service",
        "W-NOT-HERE",
        SPEC[:-1] + ', "service": {"internal_port": 80, "external_port": 80}}',
        says="service",
        fix="",
    ),
    pachyderm(
        "Y22-latest", "W-LATEST", SPEC.replace('"cmd"', '"image": "x:latest", "cmd"'), says="x:latest", fix="digest"
    ),
]


@pytest.mark.parametrize("row", [*ANY, *CNVRG, *VALOHAI, *PACHYDERM], ids=str)
def test_a_file_that_is_wrong_is_told_with_its_place(row: Row, folder: Path) -> None:
    try_row(row, folder)


@pytest.mark.parametrize("word", ["no", "yes", "on", "1:30", "012", "1e3", "~x", "0x1", "2027-01-31"])
def test_Y5_Y6_a_word_is_kept_as_it_stands_with_a_byte_order_mark_and_windows_line_ends(
    word: str, folder: Path
) -> None:
    text = FLOW + TASK.replace("python a.py", word) + "relations: []\n"
    written = "\ufeff" + text.replace("Demo", word).replace("\n", "   \r\n")
    (folder / "flow.yaml").write_bytes(written.encode())
    plan = call("export", "flow.yaml", "--to", "native").stdout
    (made,) = read_pipelines(plan, "own.yaml").pipelines
    assert (made.name, made.nodes[0].source) == (word, word)
