"""Every error that the catalogue has is made by some test, and tells what, where and what to do (row P30)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest

from dagbook.runner.core.catalogue import CATALOGUE
from dagbook.runner.core.errors import IllegalChange, MachineError
from dagbook.runner.core.routes import Choice
from dagbook.runner.core.templates import Reference
from dagbook.runner.core.upstream import NoSuchTag, tag_of
from dagbook.runner.executors.image_contents import look
from dagbook.runner.records.failpoints import VARIABLE
from tests.conftest import run_dagbook
from tests.formats.notebooks import write

from .mistake import Mistake, in_a_cell
from .test_mistakes import answered
from .test_mistakes import folder as folder  # the fixture

HYPER = "%%pipeline_node b --after a --env X='{{ a.x | hyper }}'\n1"
GATHERS = "dagbook: 1\nnodes:\n- {title: a, source: '1'}\n- {title: bb, source: '1'}\n"
GATHERS += "- {title: c, source: '1', after: [bb], gather: b}\n"
TAKEN = """dagbook: 1
nodes:
- {title: a, source: '1'}
- {title: b, source: '1', after: [a], slots: [{name: a}]}
edges:
- {source: a, source_port: output, source_key: '*', target: b, target_port: input, target_key: a}
"""
STEP = "- step: {name: s, image: 'python:3.12', command: run, inputs: [{name: i}]}\n"
STEP += "- pipeline: {name: p, nodes: [{name: a, type: execution, step: s}], edges: []}\n"
KEPT = "".join(f"- step: {{name: {name}, image: 'python:3.12', command: run, icon: x}}\n" for name in "st")
KEPT += "- pipeline: {name: p, nodes: [{name: a, type: execution, step: s}], edges: []}\n"
RAISES = "import dagbook\n\nlimit = 1\nraise ValueError(f'no more than {limit}')\n"


def of(file: str, text: str, name: str, code: str, says: str, fix: str, verb: str = "check", exit: int = 2) -> Mistake:
    """A mistake in a file that is no notebook."""
    typed = f"{verb} {file}" + (" --executor process" if verb == "run" else "")
    return Mistake(name, typed, says, fix, code, exit, files={file: text})


MISTAKES = (
    in_a_cell("hyper in a variable", "E-REF-HYPER", "%%pipeline_node a\n1", HYPER, says="a.x | hyper", fix="--param"),
    in_a_cell(
        "a tag that may be a task's",
        "W-COND-TAG",
        "%%pipeline_node train\nprint('dagbook_tag_x: 1')",
        "%%pipeline_node best --after train --when gt:trian.x:0\n1",
        says='no node right before it is called "trian"',
        fix='Did you mean "train"?',
    ),
    of("f.yaml", GATHERS, "a gathered stranger", "E-GATHER", 'gathers "b"', 'Did you mean "bb"?'),
    of("f.yaml", TAKEN, "a slot where files are", "E-SLOT-TAKEN", "/input/a", "another name"),
    of("valohai.yaml", KEPT, "things that are not kept", "W-IMPORT", "2 things", "dagbook import", exit=0),
    of("p.py", RAISES, "a program that raises", "E-PROGRAM", "p.py raised ValueError: no more than 1", "line 4"),
    of("valohai.yaml", STEP, "a slot without files", "E-SLOT-EMPTY", "has no files", "optional", "run", 1),
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name.replace(" ", "_"))
def test_P30_a_mistake_is_told_with_what_to_do(mistake: Mistake, folder: Path) -> None:
    result = answered(mistake, folder)
    assert result.exit_code == mistake.exit, result.output
    for words in (mistake.code, mistake.says, mistake.fix):
        assert words in " ".join(result.output.split()), result.output


def test_P30_a_state_that_cannot_follow_is_told_as_a_defect_of_ours() -> None:
    told = str(IllegalChange("train#1", "succeeded", "running", ("queued", "succeeded")))
    assert "E-ILLEGAL-CHANGE: train#1 cannot go from succeeded to running" in told
    assert "please report it" in told


def test_P30_a_reference_to_a_node_that_did_not_run_here_says_so() -> None:
    with pytest.raises(NoSuchTag) as caught:
        tag_of({}, Choice({}, {}), Reference("train", "loss"))
    assert 'E-REF-ROUTE: there is no run of "train" on this route' in str(caught.value)


def test_P30_a_disk_that_fails_as_a_run_begins_is_told_as_the_machines(tmp_path: Path) -> None:
    write(tmp_path / "flow.ipynb", "%%pipeline_command a\ntrue")
    said = run_dagbook(tmp_path, "run", "flow.ipynb", "--executor", "process", env={VARIABLE: "run.snapshot:error"})
    assert (said.code, "Traceback" in said.err) == (5, False)
    assert "E-MACHINE: this machine let it down: " in said.err
    assert "Input/output error" in said.err
    assert "dagbook resume latest" in said.err


class Full:
    """An engine without room: whatever it is asked for, it fails."""

    def create_container(self, **_settings: object) -> None:
        """Fails as the engine's client does."""
        from docker.errors import APIError
        from requests import Response

        answer = Response()
        answer.status_code = 500
        raise APIError("500 Server Error", answer, "no space left on device")

    def __getattr__(self, _name: str) -> Any:
        return lambda *_words, **_settings: self.create_container()


def test_P30_an_engine_that_cannot_look_into_an_image_is_the_machines_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(MachineError) as caught:
        look(cast(Any, Full()), "sha256:of-none")
    assert "E-DOCKER-FAILED: the Docker engine could not look into an image: no space left" in str(caught.value)
    assert "dagbook doctor" in str(caught.value)


def test_P30_every_code_is_named_by_a_test() -> None:
    tests = Path(__file__).parents[1]
    named = {code for file in tests.rglob("*.py") for code in re.findall(r"\b[EW]-[A-Z0-9-]+\b", file.read_text())}
    assert sorted(set(CATALOGUE) - named) == []
