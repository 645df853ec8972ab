"""Faults of pipeline specs are told with their place, all at once, and never as a traceback."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from dagbook.runner.core.catalogue import CATALOGUE
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.formats.documents import documents_of
from dagbook.runner.formats.imported import Ledger
from dagbook.runner.formats.pachyderm import is_pachyderm, read_pachyderm, write_pachyderm

from .specs import VALID, codes, pfs, read, spec, text, transform


@pytest.mark.parametrize(
    ("more", "code", "path"),
    [
        ({"pipeline": None}, "E-KEY-MISSING", "pipeline"),
        ({"pipeline": {}}, "E-KEY-MISSING", "pipeline.name"),
        ({"transform": None}, "E-KEY-MISSING", "transform"),
        ({"input": None}, "E-KEY-MISSING", "input"),
        ({"input": {}}, "E-KEY-MISSING", "input.pfs"),
        ({"input": {"cross": []}}, "E-KEY-MISSING", "input.pfs"),
        ({"input": {"pfs": {"repo": "r"}}}, "E-KEY-MISSING", "input.pfs.glob"),
        ({"input": {"pfs": {"glob": "/"}}}, "E-KEY-MISSING", "input.pfs.repo"),
        ({"input": {"cron": {"spec": "@daily"}}}, "E-KEY-MISSING", "input.cron.name"),
        (
            {"transform": transform(secrets=[{"name": "s", "env_var": "S"}])},
            "E-KEY-MISSING",
            "transform.secrets[0].key",
        ),
        ({"transform": transform(cmd="python3 x.py")}, "E-TYPE", "transform.cmd"),
        ({"transform": transform(cmd=[True])}, "E-TYPE", "transform.cmd"),
        ({"transform": transform(stdin="ls")}, "E-TYPE", "transform.stdin"),
        ({"transform": transform(env=["A=1"])}, "E-TYPE", "transform.env"),
        ({"transform": "ls"}, "E-TYPE", "transform"),
        ({"pipeline": "count"}, "E-TYPE", "pipeline"),
        ({"datum_timeout": "soon"}, "E-TYPE", "datum_timeout"),
        ({"datum_timeout": 30}, "E-TYPE", "datum_timeout"),
        ({"job_timeout": "-5m"}, "E-TYPE", "job_timeout"),
        ({"job_timeout": "999999999999h"}, "E-TYPE", "job_timeout"),
        ({"resource_limits": {"memory": "lots"}}, "E-TYPE", "resource_limits.memory"),
        ({"resource_limits": {"cpu": "two"}}, "E-TYPE", "resource_limits.cpu"),
        ({"resource_limits": {"cpu": 5000}}, "E-RANGE", "resource_limits.cpu"),
        ({"datum_tries": -1}, "E-RANGE", "datum_tries"),
        ({"parallelism_spec": {"constant": True}}, "E-TYPE", "parallelism_spec.constant"),
        ({"reprocess_spec": "always"}, "E-ENUM", "reprocess_spec"),
        ({"datum_trys": 2}, "E-KEY-UNKNOWN", "datum_trys"),
        ({"input": pfs("r", join_onn="$1")}, "E-KEY-UNKNOWN", "input.pfs.join_onn"),
        ({"input": pfs("r", "/[x")}, "E-GLOB", "input.pfs.glob"),
        ({"input": pfs("r", commit="abc")}, "E-UNSUPPORTED", "input.pfs.commit"),
        ({"input": {"git": {"URL": "https://x"}}}, "E-UNSUPPORTED", "input.git"),
        ({"tf_job": {"tf_job": "{}"}}, "E-UNSUPPORTED", "tf_job"),
        ({"inputs": [{"repo": {"name": "r"}}], "input": None}, "E-UNSUPPORTED", "inputs"),
        ({"input": {**pfs("r"), "cron": {"name": "t", "spec": "@daily"}}}, "E-CONFLICT", "input"),
        ({"input": pfs("r", name="out")}, "E-CONFLICT", "input.pfs"),
        ({"input": pfs("out")}, "E-CONFLICT", "input.pfs"),
        ({"input": pfs("r", name=".env")}, "E-CONFLICT", "input.pfs"),
        ({"input": pfs("r", name="../up")}, "E-RANGE", "input.pfs"),
        ({"input": pfs("r/s", name="x")}, "E-NAME-CHARS", "input.pfs.repo"),
        ({"input": {"cross": [pfs("r"), pfs("r", "/")]}}, "E-CONFLICT", "input.cross[1].pfs"),
        ({"spout": {}}, "E-CONFLICT", "spout"),
        ({"pipeline": {"name": "my.pipeline"}}, "E-RANGE", "pipeline.name"),
        ({"pipeline": {"name": "-x"}}, "E-RANGE", "pipeline.name"),
        ({"pipeline": {"name": "x" * 64}}, "E-RANGE", "pipeline.name"),
        ({"input": {"cron": {"name": "t", "spec": "61 * * * *"}}}, "E-RANGE", "input.cron.spec"),
        ({"input": {"cron": {"name": "t", "spec": "* * *"}}}, "E-RANGE", "input.cron.spec"),
        ({"input": {"cron": {"name": "t", "spec": "@often"}}}, "E-RANGE", "input.cron.spec"),
        ({"input": {"cron": {"name": "t", "spec": "0 0 * * */0"}}}, "E-RANGE", "input.cron.spec"),
        ({"transform": transform(image="Not An Image")}, "E-IMAGE-REF", "transform.image"),
    ],
)
def test_row_y21_a_fault_is_told_with_its_path(more: dict[str, Any], code: str, path: str) -> None:
    """Nothing comes of a file with a fault."""
    base = {**spec(), **more}
    found, records = read(text({key: value for key, value in base.items() if value is not None}))
    errors = [record for record in records if record.problem.is_error]
    assert [(record.problem.code, record.path) for record in errors] == [(code, path)]
    assert errors[0].problem.place.line
    assert found == []


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"service": {}, "s3_out": True}, "E-CONFLICT"),
        ({"service": {}, "parallelism_spec": {"constant": 2}}, "E-RANGE"),
        ({"input": pfs("r", "/*", s3=True)}, "E-CONFLICT"),
        ({"input": pfs("r", "/", s3=True, lazy=True)}, "E-CONFLICT"),
        ({"input": {"join": [pfs("r", "/", s3=True), pfs("t")]}}, "E-CONFLICT"),
        ({"input": {"cross": [{"union": [pfs("r", "/", s3=True)]}]}}, "E-CONFLICT"),
    ],
)
def test_what_does_not_go_together_is_an_error_besides_what_cannot_run(more: dict[str, Any], code: str) -> None:
    """Both are told."""
    assert [one for one in codes(spec(**more)) if one.startswith("E-")] == [code]


def test_inputs_of_a_union_may_share_a_name_and_others_not() -> None:
    """Nor may an input beside the union have it."""
    union = {"union": [pfs("a", name="x"), pfs("b", name="x")]}
    assert codes(spec(input=union)) == []
    assert codes(spec(input={"cross": [union, pfs("c", name="x")]})) == ["E-CONFLICT"]
    assert codes(spec(input={"cross": [pfs("c", name="x"), union]})) == ["E-CONFLICT", "E-CONFLICT"]
    assert codes(spec(input={"join": [pfs("a"), pfs("a", name="y")]})) == []


def test_s3_may_stand_in_a_cross() -> None:
    """There it is only what cannot run here."""
    assert codes(spec(input={"cross": [pfs("r", "/", s3=True), pfs("t")]})) == ["W-NOT-HERE"]


def test_all_faults_are_told_at_once() -> None:
    """Of one spec and of those after it, with their lines."""
    _, records = read(text({"pipeline": {}, "inputt": {}}, spec("b", transform=None), spec("c", datum_tries="x")))
    assert {(record.problem.code, record.path) for record in records} == {
        ("E-KEY-MISSING", "[0].transform"),
        ("E-KEY-MISSING", "[0].input"),
        ("E-KEY-MISSING", "[0].pipeline.name"),
        ("E-KEY-MISSING", "[1].transform"),
        ("E-TYPE", "[2].datum_tries"),
    }
    lines = [record.problem.place.line or 0 for record in records]
    assert lines == sorted(lines)


def test_row_y8_a_key_that_is_not_known_is_an_error_with_the_nearest() -> None:
    """Pachyderm refuses it too."""
    _, [record] = read(text(spec(paralelism_spec={"constant": 2})))
    assert record.problem.code == "E-KEY-UNKNOWN"
    assert "parallelism_spec" in record.problem.hint


def test_two_pipelines_of_one_name_are_an_error() -> None:
    """The message has the line of the first one."""
    _, [record] = read(text(spec("a"), spec("a")))
    assert record.problem.code == "E-NODE-DUP"
    assert "line 3" in record.problem.message


@pytest.mark.parametrize("length", [1, 2, 5])
def test_pipelines_that_wait_for_each_other_are_an_error(length: int) -> None:
    """The message has the way around."""
    specs = [spec(f"p{number}", input=pfs(f"p{(number + 1) % length}")) for number in range(length)]
    found, records = read(text(*specs))
    assert [record.problem.code for record in records] == ["E-CYCLE"]
    assert found == []


def test_a_glob_that_blows_up_is_no_danger() -> None:
    """It is only compiled when it is read."""
    assert codes(spec(input=pfs("r", "/" + "*(a|" * 20 + "b" + ")" * 20))) == []


REPLACEMENTS: list[Any] = [
    None,
    True,
    0,
    -1,
    3.5,
    10**40,
    "",
    "x",
    "\x00",
    "a/b",
    "../..",
    [],
    {},
    [None],
    [[1]],
    {"a": 1},
]


def changed(value: Any, fate: random.Random) -> Any:
    """The document with one value taken out, replaced, or put somewhere else."""
    made = copy.deepcopy(value)
    holder, places = made, []
    while isinstance(holder, dict | list) and holder:
        key = fate.choice(list(holder)) if isinstance(holder, dict) else fate.randrange(len(holder))
        places.append((holder, key))
        holder = holder[key]
    holder, key = fate.choice(places)
    action = fate.randrange(3)
    if action == 0:
        del holder[key]
    elif action == 1:
        holder[key] = fate.choice(REPLACEMENTS)
    else:
        holder[key] = [holder[key]] if fate.random() < 0.5 else {"x": holder[key]}
    return made


@pytest.mark.parametrize("name", VALID)
def test_whatever_is_changed_in_a_spec_is_read_or_told(name: str) -> None:
    """Eighty random changes of each: no other exception, and what can be read can be written and read again."""
    fate = random.Random(name)
    for _ in range(80):
        document = changed(VALID[name], fate)
        if fate.random() < 0.3 and document:
            document = changed(document, fate)
        ledger = Ledger("f.json")
        try:
            documents = documents_of(json.dumps(document), "f.json")
            is_pachyderm(documents)
            found = read_pachyderm(documents, ledger, "f")
        except PipelineError:
            continue
        assert ledger.failed or found or not document
        assert all(record.problem.code in CATALOGUE for record in ledger.records)
        for pipeline, counts in found if not ledger.failed else ():
            again = Ledger("f.json")
            written = write_pachyderm([pipeline], again)
            assert read_pachyderm(documents_of(written, "f.json"), Ledger("f.json"), "f") == [(pipeline, counts)]
