"""Secrets, run for real: a node has them, and nothing that dagbook keeps or tells has."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.flows.conftest import MakeFlow
from tests.flows.flow import Flow

CANARY = "CaNaRy-7f3a/9+x&y z"
MULTI = "first-line-of-a-key\nsecond-line-of-a-key\n"
GIVEN = {"DAGBOOK_SECRET_VAULT_TOKEN": CANARY}
BOTH = ("process", pytest.param("docker", marks=pytest.mark.container))
FORMS = (
    CANARY,
    quote(CANARY),
    quote(CANARY, safe=""),
    base64.b64encode(CANARY.encode()).decode(),
    CANARY.replace("&", "&amp;"),
    *(line for line in MULTI.splitlines()),
)

TALKS = """%%pipeline_node talks --secret vault:token
import base64, html, json, os, sys, urllib.parse
from dagbook import log_tag
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
    logs = [made.say("logs", "latest", node) for node in ended.states]
    assert_nowhere(made, ended.said.out, ended.said.err, *(one.out + one.err for one in (*looked, *logs)))
    assert "plain ••••" in logs[0].out
    assert "cut ••••" in logs[0].out
    assert ended.runs["talks"]["tags"]["said"] == "••••"
    assert "no entry for ••••" in ended.runs["raises"]["reason"]
