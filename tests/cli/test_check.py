"""`dagbook check`, run for real: what it prints, in which order, how it ends; and that it runs and fetches nothing."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.conftest import DAGBOOK, MakeNotebook, Said

Dagbook = Callable[..., Said]

WRONG = (
    "# parameters\nepochs = 3",
    "%%pipeline_node prepare\nprint(frame)",
    "%%pipeline_node train --after prepare\nx = 1\nopen('/input/prepair/x')",
    "%%pipeline_node other --after prepare\nif (1",
)
WARNED = ("# parameters\nepochs = 3", "%%pipeline_node a\nprint(1)")
SOUND = ("%%pipeline_node a\nprint(1)", "%%pipeline_node b --after a\nprint(2)")


def test_findings_stand_in_the_order_of_the_cells_and_are_counted(
    dagbook: Dagbook, make_notebook: MakeNotebook
) -> None:
    said = dagbook("check", make_notebook(*WRONG))
    assert said.code == 2
    codes = [line.split(":")[0].strip() for line in said.out.splitlines() if line.startswith(("  E-", "  W-"))]
    assert codes == ["W-PARAM-UNUSED", "W-FREE-NAME", "E-NO-INPUT", "E-SYNTAX"]
    assert said.out.splitlines()[-1].endswith("flow.ipynb: 3 nodes, 2 errors, 2 warnings.")
    assert "\x1b" not in said.out
    assert said.err == ""


def test_json_is_one_object_of_errors_and_warnings_with_their_places(
    dagbook: Dagbook, make_notebook: MakeNotebook
) -> None:
    file = make_notebook(*WRONG)
    said = dagbook("check", file, "--json")
    assert said.code == 2
    assert said.err == ""
    assert {kind: [one["code"] for one in found] for kind, found in said.json.items()} == {
        "errors": ["E-NO-INPUT", "E-SYNTAX"],
        "warnings": ["W-PARAM-UNUSED", "W-FREE-NAME"],
    }
    first = said.json["errors"][0]
    assert (first["file"], first["cell"], first["line"], first["node"]) == (str(file), 4, 3, "train")
    assert first["message"] == "\"train\" reads /input/prepair, but there is no node or slot 'prepair'"
    assert first["hint"] == 'Did you mean "prepare"?'


def test_several_files_are_told_of_together(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    files = make_notebook(*SOUND), make_notebook(*WARNED, name="warned.ipynb"), Path("nowhere.ipynb")
    said = dagbook("check", *files)
    assert said.code == 2
    lines = [line.rpartition("/")[2] for line in said.out.splitlines()[-3:]]
    assert lines == [
        "flow.ipynb: 2 nodes, nothing wrong.",
        "warned.ipynb: 1 node, 1 warning.",
        "nowhere.ipynb: 1 error.",
    ]
    told = dagbook("check", *files, "--json").json
    assert [Path(one["file"]).name for one in [*told["errors"], *told["warnings"]]] == ["nowhere.ipynb", "warned.ipynb"]


def test_warnings_end_with_2_when_they_are_to_count(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    assert dagbook("check", make_notebook(*WARNED)).code == 0
    assert dagbook("check", make_notebook(*WARNED), "--strict").code == 2
    assert dagbook("check", make_notebook(*SOUND), "--strict").code == 0


def on_a_terminal(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> str:
    """What the command line prints where somebody looks on."""
    ours, theirs = pty.openpty()
    try:
        child = subprocess.Popen(
            [DAGBOOK, *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
            env={**os.environ, "TERM": "xterm", **(env or {})},
        )  # fmt: skip
        os.close(theirs)
        found = b""
        try:
            while data := os.read(ours, 65536):
                found += data
        except OSError:  # the other end is closed
            pass
        child.wait()
        return found.decode()
    finally:
        os.close(ours)


def test_colours_are_for_terminals_whose_user_wants_them(make_notebook: MakeNotebook) -> None:
    folder = make_notebook(*WARNED).parent
    assert "\x1b[33m\x1b[1mW-PARAM-UNUSED:" in on_a_terminal(folder, "check", "flow.ipynb", env={"NO_COLOR": ""})
    assert "\x1b" not in on_a_terminal(folder, "check", "flow.ipynb", env={"NO_COLOR": "1"})


def test_nothing_of_a_notebook_is_run_and_nothing_is_written(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    """Cells without magics, the parameters cell, shared cells, bodies, scripts, requirements, prerun, secrets."""
    make_notebook()
    trace = Path("/tmp") / f"dagbook-trace-{os.getpid()}"
    touch = f"open({str(trace)!r}, 'w').close()"
    flow = make_notebook(
        touch,
        f"!touch {trace}",
        f"# parameters\na = {touch}",
        f"%%pipeline_shared\n{touch}",
        f"%%pipeline_node n --requirements r.txt --prerun p.sh --secret S\n{touch}\n!touch {trace}",
        f"%%pipeline_command c --after n\ntouch {trace}",
        f"%%bash\ntouch {trace}",
        "%pipeline_run",
    )
    for name, text in {
        "r.txt": "numpy",
        "p.sh": f"touch {trace}",
        "dagbook.toml": f'secret_command = "touch {trace}"',
    }.items():
        flow.with_name(name).write_text(text, encoding="utf-8")
    before = sorted(path.name for path in flow.parent.iterdir())
    said = dagbook("check", flow)
    assert said.code == 0, said.out
    assert not trace.exists()
    assert sorted(path.name for path in flow.parent.iterdir()) == before


def codes(said: Said) -> list[str]:
    told = json.loads(said.out)
    return [one["code"] for one in [*told["errors"], *told["warnings"]]]


def test_what_the_settings_make_wrong_is_found(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    flow = make_notebook("%%pipeline_node a --compute tiny\n1")
    flow.with_name("dagbook.toml").write_text("[compute.small]\ncpus = 1\n", encoding="utf-8")
    said = dagbook("check", flow, "--json")
    assert codes(said) == ["E-COMPUTE"]
    assert said.json["errors"][0]["hint"] == 'Known: "small".'
    assert said.json["errors"][0]["file"] == str(flow)
    many = make_notebook("%%pipeline_node a --grid " + "x=" + ",".join(map(str, range(200))) + " y=" +
                         ",".join(map(str, range(100))) + "\n[x, y]")  # fmt: skip
    flow.with_name("dagbook.toml").unlink()
    assert codes(dagbook("check", many, "--json")) == ["E-GRID-SIZE"]


def test_what_processes_cannot_do_is_found_where_nodes_are_to_be_processes(
    dagbook: Dagbook, make_notebook: MakeNotebook
) -> None:
    flow = make_notebook("%%pipeline_node a --kernel ir\nx <- 1", "%%pipeline_node b --after a --memory 1g\n1")
    assert codes(dagbook("check", flow, "--executor", "process", "--json")) == ["E-EXECUTOR", "W-EXECUTOR"]


def test_a_secret_without_a_value_here_is_a_warning(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    flow = make_notebook("%%pipeline_node a --secret VAULT:TOKEN\n1")
    said = dagbook("check", flow, "--json")
    assert codes(said) == ["W-SECRET-MISSING"]
    assert "VAULT:TOKEN" in said.json["warnings"][0]["message"]
    assert codes(dagbook("check", flow, "--json", env={"DAGBOOK_SECRET_VAULT_TOKEN": "x"})) == []


@pytest.mark.container
def test_an_image_that_would_be_pulled_and_a_kernel_that_an_image_lacks_are_told(
    dagbook: Dagbook, make_notebook: MakeNotebook
) -> None:
    base = os.environ.get("DAGBOOK_IMAGE", "dagbook/base:bookworm")
    seen = make_notebook("%%pipeline_node a\n1")
    assert dagbook("run", seen, "--executor", "docker", "-q").code == 0  # now it is known what is in the image
    flow = make_notebook(
        "%%pipeline_node a --image dagbook/nowhere:1\n1", f"%%pipeline_node b --after a --image {base} --kernel nope\n1"
    )
    told = dagbook("check", flow, "--json").json
    assert [one["code"] for one in told["errors"]] == ["E-IMAGE-KERNEL"]
    assert [one["code"] for one in told["warnings"]] == ["W-IMAGE-PULL"]
    assert told["warnings"][0]["node"] == "a"


def test_run_and_plan_tell_a_warning_once(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    flow = make_notebook(
        "%pipeline_data d --path flow.ipynb",
        "%%pipeline_command a\ntrue",
        "%%pipeline_command b --after a\ntrue",
        "%%pipeline_command c\ntrue",
    )
    for verb in ("run", "plan"):
        said = dagbook(verb, flow, "--executor", "process")
        assert said.code == 0
        assert (said.err.count("W-DATA-UNUSED"), said.err.count("W-NODE-ALONE")) == (1, 1)
