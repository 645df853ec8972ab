"""Secrets, run for real: a node has them, and nothing that dagbook keeps or tells has."""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from dagbook.runner.executors.sandbox import bubblewrap
from tests.flows.conftest import MakeFlow
from tests.flows.flow import EXECUTORS, Ended, Flow

CANARY = "CaNaRy-7f3a/9+x&y z"
MULTI = "first-line-of-a-key\nsecond-line-of-a-key\n"
GIVEN = {"DAGBOOK_SECRET_VAULT_TOKEN": CANARY}
BOTH = ("process", pytest.param("docker", marks=pytest.mark.container))
FORMS = (
    CANARY,
    quote(CANARY),
    quote(CANARY, safe=""),
    base64.b64encode(CANARY.encode()).decode(),
    base64.urlsafe_b64encode(CANARY.encode()).decode(),
    *(base64.b64encode(bytes(n) + CANARY.encode())[4:20].decode() for n in range(3)),
    CANARY.replace("&", "&amp;"),
    *(line for line in MULTI.splitlines()),
)

TALKS = """%%pipeline_node talks --secret vault:token
import base64, html, json, os, sys, time, urllib.parse, warnings
from dagbook import log_metric, log_tag
from IPython.display import HTML, display
token = os.environ["TOKEN"]
print("plain", token)
print("cut ", end=""); sys.stdout.flush()
for letter in token:
    print(letter, end=""); sys.stdout.flush()
print()
print(token, file=sys.stderr)
os.system('printf "%s\\n" "$TOKEN"')
print("b64", base64.b64encode(token.encode()).decode())
print("basic", base64.b64encode(b"user:" + token.encode()).decode())
print("within", *(base64.b64encode(b"x" * n + token.encode() + b"yy").decode() for n in range(3)))
print("urlsafe", base64.urlsafe_b64encode(token.encode()).decode())
print("in\\rone\\x1b[31m" + token + "\\x1b[0m")
warnings.warn("of " + token)
log_metric("m " + token, 0.5)
os.write(1, token[:7].encode()); time.sleep(0.3); os.write(1, token[7:].encode() + b"\\n")
os.mkfifo(urllib.parse.quote(token, safe=""))
print("url", urllib.parse.quote(token, safe=""), urllib.parse.quote_plus(token))
print(json.dumps({"token": token}), repr(token))
display(HTML("<b>" + html.escape(token) + "</b>"))
handle = display({"text/plain": token, "text/html": token}, raw=True, display_id="d")
handle.update({"text/plain": "again " + token}, raw=True)
log_tag("said", token)
print("dagbook_tag_printed: " + token)
open("length", "w").write(str(len(token)))
{"token": token}
"""
RAISES = """%%pipeline_node raises --secret vault:token --on-error continue
import os
def fails(token):
    raise ValueError("no entry for " + token)
fails(os.environ["TOKEN"])
"""
SAYS = """%%pipeline_command says --secret vault:token
printf '%s\\n' "$TOKEN"
printf '%s' "$TOKEN" | head -c 9; sleep 0.2; printf '%s\\n' "$TOKEN" | tail -c +10
printf '%s' "$TOKEN" | base64 -w0; echo
printf '%s\\n' "$TOKEN" >&2
echo "dagbook_tag_told: $TOKEN"
printf '%s' "$TOKEN" | wc -c >length
exit 3
"""


def bytes_below(folder: Path, without: tuple[str, ...] = ()) -> Iterator[tuple[Path, bytes]]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in without]
        yield from ((Path(parent, name), Path(parent, name).read_bytes()) for name in names)


def told_in(content: bytes) -> list[str]:
    """The forms of the secret that a content holds."""
    return [form for form in FORMS if form.encode() in content]


def assert_nowhere(flow: Flow, *texts: str) -> None:
    """Nothing in the project's folder, the store in it, or these texts holds the secret in any form."""
    for path, content in bytes_below(flow.folder):
        assert not told_in(content), path
    for text in texts:
        assert not told_in(text.encode()), text


@pytest.mark.parametrize("executor", BOTH)
def test_row_p25_what_a_node_tells_of_a_secret_is_dots_wherever_it_went(flow: MakeFlow, executor: str) -> None:
    """Printed, cut, displayed, raised, encoded, logged: records, journals, database, reports and logs hold dots."""
    made = flow(TALKS, RAISES, SAYS)
    shown = ("--junit", "junit.xml", "--summary", "summary.md", "-o", "ran.ipynb")
    ended = made.run("--code", "none", *shown, code=1, executor=executor, env=GIVEN)
    assert ended.states == {"talks": "succeeded", "raises": "failed", "says": "failed"}
    assert ended.text("talks", "length") == str(len(CANARY))
    looked = [made.say("show", "latest", *words) for words in (("--json",), ("--record",), ("--html", "page.html"))]
    looked += [
        made.say("logs", "latest", "--all"),
        made.say("doctor", "--json"),
        made.say("doctor", "--store", "--json"),
    ]
    looked += [
        made.say("compare", "latest"),
        made.say("report", "--html", "report.html"),
        made.say("artifact", "latest", "talks"),
    ]
    logs = [made.say("logs", "latest", node) for node in ended.states]
    assert_nowhere(made, ended.said.out, ended.said.err, *(one.out + one.err for one in (*looked, *logs)))
    assert "plain ••••" in logs[0].out
    assert "cut ••••" in logs[0].out
    assert ended.runs["talks"]["tags"]["said"] == "••••"
    assert "no entry for ••••" in ended.runs["raises"]["reason"]


CHECKS = """%%pipeline_command checks --secret T=vault:token --secret hub
printf '%s|%s|%s' "$T" "$HUB" "$(env | grep -c '^DAGBOOK_SECRET')" >seen
"""


def give(folder: Path, **files: str) -> dict[str, str]:
    """The environment in which these secrets are in files, by names with two underscores for the slash."""
    for name, value in files.items():
        file = folder / "dagbook" / "secrets" / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value)
        file.chmod(0o600)
    return {"XDG_CONFIG_HOME": str(folder)}


@pytest.mark.parametrize("executor", BOTH)
def test_row_104_a_secret_is_given_for_one_run_or_by_a_file_for_all(
    flow: MakeFlow, tmp_path: Path, executor: str
) -> None:
    """A node sees those that it names, and no variable that holds them for others."""
    made = flow(CHECKS)
    kept = give(tmp_path / "config", vault__token="from-file\n", hub="hub-value")
    ended = made.run("--no-cache", executor=executor, env={**kept, "DAGBOOK_SECRET_OTHER": "x"})
    assert ended.text("checks", "seen") == "from-file|hub-value|0"
    ended = made.run("--no-cache", executor=executor, env={**kept, "DAGBOOK_SECRET_VAULT_TOKEN": "this-once"})
    assert ended.text("checks", "seen") == "this-once|hub-value|0"


def test_the_settings_name_folder_and_command_and_the_project_is_shown_without_the_folder(flow: MakeFlow) -> None:
    """A folder of secrets in the project is no part of its snapshot."""
    made = flow(
        "%pipeline demo --secret vault:token --secret asked",
        '%%pipeline_command sees\nprintf "%s|%s" "$TOKEN" "$ASKED" >seen; ls -R "$PYTHONPATH" /code >files || true',
    )
    give(made.folder / "own")
    place = made.folder / "own" / "vault"
    place.mkdir(parents=True)
    (place / "token").write_text(CANARY)
    (made.folder / "seen.py").write_text("1")
    (made.folder / "dagbook.toml").write_text('secrets = "own"\nsecret_command = "echo {name}-printed"\n')
    ended = made.run(env={"XDG_CONFIG_HOME": "/nowhere"})
    assert ended.text("sees", "seen") == f"{CANARY}|asked-printed"
    assert ended.said.err.count("W-SECRET-MODE") == 1
    found = [path for path, content in bytes_below(made.store, ("artifacts",)) if told_in(content)]
    assert found == []


def test_a_secret_that_is_missing_is_told_before_anything_runs(flow: MakeFlow, tmp_path: Path) -> None:
    """Nothing is stored; a run of the other nodes needs it not, nor one that takes its result from before."""
    made = flow("%%pipeline_command first\ntrue", "%%pipeline_command last --after first --secret vault:token\ntrue")
    told = made.refused(*("--code", "none"))
    assert 'node "last"' in told
    assert "E-SECRET-MISSING" in told
    assert "vault:token" in told
    assert "DAGBOOK_SECRET_VAULT_TOKEN" in told
    assert made.say("plan", made.file, "--executor", "process").code == 2
    made.run("--until", "first")
    made.run(env=GIVEN)
    made.rewrite("%%pipeline_command first --secret vault:token\ntrue", "%%pipeline_command last --after first\ntrue")
    assert made.run("--node", "last").states == {"first": "cached", "last": "succeeded"}


def test_a_changed_value_runs_nothing_again_and_another_name_does(flow: MakeFlow) -> None:
    """A result follows from the secret's name."""
    made = flow("%%pipeline_command fits --secret T=one\ntrue")
    given = {"DAGBOOK_SECRET_ONE": "value-1", "DAGBOOK_SECRET_TWO": "value-1"}
    assert made.run(env=given).states == {"fits": "succeeded"}
    assert made.run(env={**given, "DAGBOOK_SECRET_ONE": "value-2"}).states == {"fits": "cached"}
    made.rewrite("%%pipeline_command fits --secret T=two\ntrue")
    assert made.run(env=given).states == {"fits": "succeeded"}


def test_retries_and_a_resumed_run_have_the_secret_and_a_resumed_run_looks_anew(flow: MakeFlow) -> None:
    """It was kept nowhere meanwhile."""
    script = 'echo "try $TOKEN"; echo "$TOKEN" >was; grep -q new was'
    made = flow(f"%%pipeline_command tries --secret vault:token --retries 1\n{script}")
    ended = made.run(code=1, env={"DAGBOOK_SECRET_VAULT_TOKEN": "old-value"})
    assert len(list(made.store.glob("runs/*/tries/*/output/was"))) == 2, list(made.store.rglob("was"))
    assert "try ••••" in made.say("logs", "latest").out
    assert made.say("resume", "latest").code == 2
    ended = made.again("resume", env={"DAGBOOK_SECRET_VAULT_TOKEN": "new-value"})
    assert ended.text("tries", "was") == "new-value"
    found = [path for path, content in bytes_below(made.store, ("artifacts",)) if b"new-value" in content]
    assert all("output" in path.parts for path in found)


FILES = """
dagbook: 1
nodes:
  - title: reads
    kind: command
    source: |
      cp -r "$DAGBOOK_MOUNT_CERTS"/. . ; ls -ld "$DAGBOOK_MOUNT_CERTS" >mode
      cat "$DAGBOOK_MOUNT_CERTS"/ca.pem; (echo x >"$DAGBOOK_MOUNT_CERTS"/ca.pem) 2>/dev/null && echo written
      test -e /certs/ca.pem && echo there >>mode
      exit 0
    secrets: [{name: certs, path: /certs}]
"""


@pytest.mark.parametrize("executor", BOTH)
def test_row_123_a_secret_may_be_files_which_are_gone_afterwards(flow: MakeFlow, tmp_path: Path, executor: str) -> None:
    """In a folder that only the node has; in what it prints of them dots stand."""
    made = flow("1")
    file = made.folder / "files.yaml"
    file.write_text(FILES)
    runtime = Path(tempfile.mkdtemp(prefix="t", dir="/tmp"))
    given = {**give(tmp_path / "config", **{"certs__ca.pem": MULTI}), "XDG_RUNTIME_DIR": str(runtime)}
    said = made.say("run", file, *EXECUTORS[executor], "--json", env=given)
    assert said.code == 0, said.err
    ended = Ended(said)
    assert ended.text("reads", "ca.pem") == MULTI.rstrip()
    assert made.say("logs", "latest", "reads").out.count("••••") == 2
    assert "written" not in made.say("logs", "latest", "reads").out
    if executor == "docker" or bubblewrap():
        assert ended.lines("reads", "mode")[-1] == "there"
    assert list(runtime.iterdir()) == []
    runtime.rmdir()
    assert not [path for path, content in bytes_below(made.store, ("artifacts",)) if told_in(content)]


SPEC = """
pipeline: {name: deploy}
input: {pfs: {repo: model, glob: /*}}
transform:
  image: python:3.12
  cmd: [sh]
  stdin: ['echo "at $DET_MASTER"; printf "%s" "$DET_MASTER" >/pfs/out/$(basename $(ls /pfs/model))']
  secrets: [{name: pipeline-secret, key: det_master, env_var: DET_MASTER}]
"""


def test_row_123_a_secret_of_an_imported_spec_reaches_its_variable(flow: MakeFlow, tmp_path: Path) -> None:
    """For each datum; row 127: parameters are one thing, secrets another."""
    made = flow("1")
    for name in ("a", "b"):
        (made.folder / "model").mkdir(exist_ok=True)
        (made.folder / "model" / name).write_text(name)
    assert made.say("data", "create", "model").code == 0
    assert made.say("data", "put", "model", made.folder / "model").code == 0
    file = made.folder / "deploy.yaml"
    file.write_text(SPEC)
    given = give(tmp_path / "config", **{"pipeline-secret__det_master": "http://master:8080"})
    said = made.say("run", file, *EXECUTORS["process"], "--code", "none", "--json", env=given)
    assert said.code == 0, said.err
    artifact = Path(next(run["artifact"] for run in said.json["node_runs"] if run["node"] == "deploy"))
    assert {path.name: path.read_text() for path in artifact.iterdir()} == dict.fromkeys("ab", "http://master:8080")
    assert "at ••••" in made.say("logs", "latest").out
    assert not [path for path, content in bytes_below(made.store, ("artifacts",)) if b"master:8080" in content]
