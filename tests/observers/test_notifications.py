"""People are told how a run goes, by real messages to real receivers; whatever becomes of those, the run is as ever."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import dagbook
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.model import Pipeline
from dagbook.runner.formats.magic_lines import read_line
from dagbook.runner.formats.settings import read_settings
from dagbook.runner.observers.channels import Channel, channels_of, without_secrets
from dagbook.runner.observers.chosen import observers_for
from dagbook.runner.records.store import Store
from tests.conftest import DAGBOOK, read_until
from tests.flows.flow import Flow
from tests.observers.receivers import Hook, MailServer

FAILS = '%%pipeline_node train --grid lr=0.1,0.2\nif lr > 0.15:\n    raise ValueError("no convergence")'
ASKS = (
    "%%pipeline_command prepare\necho ready",
    "%%pipeline_command publish --after prepare --approve leah,Yochay\ntrue",
)


@pytest.fixture
def flow(tmp_path: Path) -> Callable[..., Flow]:
    """Makes a pipeline of these cells in the test's folder."""
    return lambda *cells: Flow(tmp_path, *cells)


def kept_bytes(folder: Path) -> bytes:
    """All that is in the files of a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_row_91_a_failure_is_told_with_what_failed_and_the_commands_that_go_on(
    flow: Callable[..., Flow], hook: Hook
) -> None:
    made = flow(FAILS)
    ended = made.run("--notify", hook.url(), code=1)
    told = hook.next()
    assert told["title"] == "flow failed: train [lr=0.2] (ValueError: no convergence)"
    assert told["type"] == "failure"
    for words in (
        f"Run {ended.id} of flow on {os.uname().nodename}.",
        "1 succeeded, 1 failed, in ",
        "train [lr=0.2] (cell 2) failed: ValueError: no convergence",
        "  ValueError: no convergence",
        ended.runs["train#2"]["notebook"],
        f"  dagbook show {ended.id} --store {made.store}",
        f"  dagbook resume {ended.id} --store {made.store}",
    ):
        assert words in told["message"], told["message"]
    assert hook.rest() == []


def test_row_91_a_success_is_told_and_so_is_that_all_was_up_to_date(flow: Callable[..., Flow], hook: Hook) -> None:
    made = flow("%%pipeline_command prepare\necho ready")
    (made.folder / "dagbook.toml").write_text(f'notify = ["{hook.url()}"]\n')
    made.run()
    made.run()
    first, second = hook.next(), hook.next()
    assert (first["title"], first["type"]) == ("flow succeeded", "success")
    assert "1 succeeded, in " in first["message"]
    assert "1 of 1 up to date, in " in second["message"]


def test_row_53_approvers_are_asked_while_the_run_waits_by_commands_that_work_from_anywhere(
    flow: Callable[..., Flow], hook: Hook, mail: MailServer, tmp_path: Path
) -> None:
    """The run is asked for in a message to all, in one to leah at her own URL, and in a mail to Yochay."""
    made = flow(*ASKS)
    people = f'[people]\nLeah = "{hook.url("/leah")}"\nyochay = "yochay@example.org"\n'
    (made.folder / "dagbook.toml").write_text(people)
    urls = f"{hook.url()} {mail.url('team@example.org')}"
    env = {**os.environ, "DAGBOOK_NOTIFY": urls, "DAGBOOK_EXECUTOR": "process"}
    waits = subprocess.Popen([DAGBOOK, "run", made.file], cwd=made.folder, env=env, stdout=subprocess.PIPE, text=True)
    try:
        asked = [hook.next(), hook.next()]
        assert sorted(hook.paths) == ["/hook", "/leah"]
        assert {one["title"] for one in asked} == {"flow: publish waits for leah or Yochay"}
        mails = dict([mail.next(), mail.next()])
        assert mails.keys() == {("team@example.org",), ("yochay@example.org",)}
        assert mails[("yochay@example.org",)]["Subject"] == asked[0]["title"]
        lines = [line.strip() for line in asked[0]["message"].splitlines()]
        decide = next(line for line in lines if line.startswith("dagbook approve"))
        assert any(line.startswith("dagbook reject") for line in lines)
        assert "--by names who decides: put your own name there." in lines
        answered = subprocess.run(
            [DAGBOOK, *shlex.split(decide)[1:]], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert "approved by leah" in answered.stdout
        assert waits.communicate(timeout=120)[0]
        assert waits.returncode == 0
    finally:
        waits.kill()
        waits.wait()
    assert hook.next()["title"] == "flow succeeded"
    assert mail.next()[0] == ("team@example.org",), "the end of the run concerns no approver by himself"


def test_nobody_is_asked_the_same_twice_when_a_waiting_run_is_resumed(flow: Callable[..., Flow], hook: Hook) -> None:
    made = flow(*ASKS)
    env = {"DAGBOOK_NOTIFY": hook.url()}
    made.run("--no-wait", code=3, env=env)
    assert hook.next()["title"].startswith("flow: publish waits")
    made.again("resume", "--no-wait", code=3, env=env)
    assert made.say("reject", "latest", "publish", "--by", "leah").code == 0
    assert hook.rest() == [], "nothing new was asked, and who rejects a run that nobody runs is its only witness"


def test_row_18_a_node_tells_of_its_own_ends_and_more_people_if_wanted(
    flow: Callable[..., Flow], mail: MailServer
) -> None:
    """Its failure is told when it is not tried again. The run's own end is not, as nobody asked for that event."""
    made = flow(
        "%%pipeline_command prepare --notify-on success --email ines@example.org\necho ready",
        "%%pipeline_command train --after prepare --retries 1 --notify-on failure,success --email ines@example.org\n"
        "false",
        "%%pipeline_command other --after prepare\nfalse",
    )
    ended = made.run("--notify", mail.url("team@example.org"), "--notify-on", "cancelled", code=1)
    assert ended.runs["train"]["attempts"] == 2
    mails = [mail.next() for _ in range(4)]
    assert {(to, message["Subject"]) for to, message in mails} == {
        (to, subject)
        for to in (("team@example.org",), ("ines@example.org",))
        for subject in ("flow: prepare succeeded", f"flow: train failed ({ended.runs['train']['reason']})")
    }


def test_a_node_that_wants_to_be_heard_of_and_nothing_says_where_is_a_warning(flow: Callable[..., Flow]) -> None:
    made = flow("%%pipeline_command prepare --notify-on failure\necho ready")
    said = made.run().said
    assert "W-NOTIFY" in said.err
    assert "prepare" in said.err
    assert made.say("show", "--record").json["warnings"][0]["code"] == "W-NOTIFY"


def test_urls_are_kept_nowhere_and_no_node_sees_them(flow: Callable[..., Flow], hook: Hook) -> None:
    """Not in the store, the terminal, the log of a run on its own, or a node's variables."""
    made = flow("%%pipeline_command prepare\nenv > env.txt")
    words = ("--executor", "process", "--detach", "--notify", hook.url())
    said = made.say("run", made.file, *words, env={"DAGBOOK_NOTIFY": "json://leah:pass-word-1@127.0.0.1:9"})
    told = hook.next()
    made.say("logs", "latest", "--follow")
    assert told["title"] == "flow succeeded"
    assert "DAGBOOK_NOTIFY" not in made.show().text("prepare", "env.txt")
    assert b"pass-word-1" not in kept_bytes(made.folder)
    assert "pass-word-1" not in said.out + said.err
    assert made.say("show", "--record").json["observers"]["notify"]["to"] == [hook.shown]


def test_a_receiver_that_refuses_is_told_once_and_the_run_ends_as_it_would(
    flow: Callable[..., Flow], hook: Hook
) -> None:
    """Row F51."""
    hook.status = 500
    made = flow("%%pipeline_command prepare\necho ready")
    said = made.run("--notify", hook.url("/hook/pass-word-1")).said
    assert said.err.count("W-NOTIFY") == 1
    assert f"{hook.shown} did not take a message" in said.err
    assert "500" in said.err
    assert "pass-word-1" not in said.err
    assert len([hook.next(), hook.next()]) == 2, "it is tried once more"
    warnings = made.say("show", "--record").json["warnings"]
    assert [one["code"] for one in warnings] == ["W-NOTIFY"]


def test_a_receiver_that_hangs_keeps_neither_the_run_nor_other_receivers(flow: Callable[..., Flow], hook: Hook) -> None:
    """The run is over before its message is; Ctrl-C then ends the wait and not the run. Row F51."""
    hangs, made = Hook(), flow("%%pipeline_command prepare\necho ready")
    hangs.answers.clear()
    command = [DAGBOOK, "run", str(made.file), "--executor", "process", "--notify", hangs.url(more="?rto=60")]
    run = subprocess.Popen(
        [*command, "--notify", hook.url()], cwd=made.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert hook.next()["title"] == hangs.next()["title"] == "flow succeeded"
        read_until(run, "The run is over; notify is still being told of it")
        run.send_signal(2)
        read_until(run, f"W-NOTIFY: no answer from {hangs.shown}")
        assert run.wait(timeout=60) == 0
    finally:
        run.kill()
        run.wait()
        hangs.close()
    row = Store(made.store, create=False).run("latest")
    assert row.state == "succeeded"


def test_a_run_that_is_cancelled_is_told_where_that_is_asked_for(flow: Callable[..., Flow], hook: Hook) -> None:
    made = flow("%%pipeline_command prepare\necho ready", ASKS[1])
    env = {**os.environ, "DAGBOOK_NOTIFY": hook.url(), "DAGBOOK_NOTIFY_ON": "approval cancelled"}
    command = [DAGBOOK, "run", str(made.file), "--executor", "process"]
    with subprocess.Popen(command, cwd=made.folder, env=env, stdout=subprocess.PIPE, text=True) as run:
        hook.next()
        run.terminate()
        run.communicate(timeout=120)
    assert hook.next()["title"] == "flow cancelled: SIGTERM"


def test_a_batch_that_waits_for_its_run_waits_for_its_messages_too(flow: Callable[..., Flow], hook: Hook) -> None:
    """A container whose papermill has ended is gone, and the run's process with it."""
    next_cell = "import pathlib\npathlib.Path('next_cell').touch()"
    made = flow(
        "%%pipeline_command prepare\necho ready", "%pipeline_run --executor process --notify secret:hook", next_cell
    )
    hook.answers.clear()
    command = ["papermill", made.file.name, "out.ipynb", "-k", "python3", "--no-progress-bar"]
    env = {
        **os.environ,
        "DAGBOOK_SECRET_HOOK": hook.url(more="?rto=60"),
        "PATH": f"{Path(DAGBOOK).parent}:{os.environ['PATH']}",
    }
    batch = subprocess.Popen(command, cwd=made.folder, env=env, stderr=subprocess.PIPE, text=True)
    try:
        assert hook.next()["title"] == "pipeline succeeded"
        with pytest.raises(subprocess.TimeoutExpired):
            batch.wait(3)
        assert not (made.folder / "next_cell").exists(), "the run is over, and its cell is not"
        hook.answers.set()
        assert batch.wait(120) == 0, batch.communicate()
    finally:
        batch.kill()
        batch.communicate()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("slak://a/b/cccc", ("E-NOTIFY", "slak://••••", 'Did you mean "slack"?')),
        ("mailto://", ("E-NOTIFY", "mailto://{host}:{port}/{targets}")),
        ("secret:chat", ("E-SECRET-MISSING", "DAGBOOK_SECRET_CHAT")),
        ("me@example.org", ("E-SETTING", "notify is ••••")),
    ],
)
def test_what_is_no_url_is_told_with_what_was_meant(
    url: str, told: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(PipelineError) as caught:
        observers_for(tmp_path, Pipeline(), {"notify": [url]})
    for words in told:
        assert words in str(caught.value)


def test_what_a_service_says_holds_nothing_of_the_url() -> None:
    url = "json://leah:pass%20word@127.0.0.1:8080/hook/AB12CD34?key=efgh,ijkl"
    said = "Could not POST /hook/AB12CD34 as leah (pass word) to\n127.0.0.1: key ijkl"
    assert without_secrets(url, said) == "Could not POST /••••/•••• as •••• (••••) to 127.0.0.1: key ••••"


def test_a_wrong_url_stops_before_anything_runs(flow: Callable[..., Flow]) -> None:
    assert "E-NOTIFY" in flow("%%pipeline_command prepare\ntrue").refused("--notify", "slak://a/b/cccc")


def test_a_notebook_keeps_no_url() -> None:
    """What is typed in a cell is saved with it: only the name of a secret may stand there."""
    assert read_line("pipeline_run", "--notify secret:chat").values["notify"] == ["secret:chat"]
    with pytest.raises(PipelineError, match="E-NOTIFY"):
        read_line("pipeline_run", "--notify json://leah:pass-word-1@127.0.0.1")


def test_a_pipeline_that_is_built_in_python_tells_too(hook: Hook, tmp_path: Path) -> None:
    """And its program does not end before all is told."""
    flow = dagbook.Pipeline("built", folder=tmp_path)
    flow.command("prepare", "echo ready")
    flow.run(quiet=True, executor="process", notify=hook.url(), notify_on="success")
    assert [one["title"] for one in hook.rest()] == ["built succeeded"]


def test_a_url_may_be_a_secret_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGBOOK_SECRET_TEAM_CHAT", "json://leah:pass-word-1@127.0.0.1:8080/hook")
    (tmp_path / "dagbook.toml").write_text('notify = ["secret:team:chat"]\n[people]\nleah = "secret:team:chat"\n')
    found = channels_of(read_settings(tmp_path), tmp_path)
    (always,), leah = found.always, found.people["leah"]
    assert always.name == "json://127.0.0.1:8080"
    assert isinstance(leah, Channel)
    assert leah.name == always.name
