"""A secret is looked for wherever a run writes and whatever it sends: files, databases, messages, images, crashes."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.flows.conftest import MakeFlow
from tests.flows.flow import BASE, EXECUTORS
from tests.flows.test_secrets import BOTH, CANARY, GIVEN, RAISES, SAYS, TALKS, told_in
from tests.observers.receivers import Hook, MailServer

CRASHES = """%%pipeline_node crashes --secret vault:token --on-error continue
import ctypes, faulthandler, os
faulthandler.enable()
os.write(2, ("begun with " + os.environ["TOKEN"] + "\\n").encode())
exec(compile("ctypes.string_at(0)", "/" + os.environ["TOKEN"] + ".py", "exec"))
"""
LEAVES = """%%pipeline_node leaves --secret vault:token --on-error continue
import os
print("all of", os.environ["TOKEN"], end="", flush=True)
os.write(2, ("fatal: " + os.environ["TOKEN"]).encode())
os._exit(3)
"""
DIES = "%%pipeline_command dies --secret vault:token\nprintf 'half %s' \"$TOKEN\"; kill -SEGV $$"
LOOKS = """runs --json
show
show latest --json
show latest --record
show latest --html page.html
logs latest --all
compare latest --csv --all
compare latest --json
report latest --html r.html --junit r.xml --summary r.md --annotations github -o r.ipynb
artifact latest talks
datums latest talks
mirror latest --mlflow sqlite:///again.db
resume latest
attach latest raises
doctor
doctor flow.ipynb --json
doctor --store --json
graph flow.ipynb
export flow.ipynb --to native
export flow.ipynb --to cnvrg"""


class Machine:
    """Folders of a run's own for all that it may write: home, temporary files, sockets, caches."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("home", "tmp"):
            (folder / name).mkdir(mode=0o700)
        self.run = Path(tempfile.mkdtemp(prefix="run"))  # not below the folder: names of sockets are short
        self.environment = {
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "XDG_RUNTIME_DIR": str(self.run),
        }

    def files(self, without: str = "config") -> Iterator[Path]:
        """Every file, also of databases in use."""
        for parent, folders, names in chain(os.walk(self.folder), os.walk(self.run)):
            folders[:] = [name for name in folders if name != without]
            yield from (path for name in names if stat.S_ISREG((path := Path(parent, name)).lstat().st_mode))

    def holding(self) -> list[Path]:
        """Files with the secret in one of its forms, in their content or their name."""
        return [path for path in self.files() if told_in(path.read_bytes() + os.fsencode(path))]


@pytest.fixture
def receivers() -> Iterator[tuple[Hook, MailServer]]:
    """A web hook and a mail server."""
    made = Hook(), MailServer()
    yield made
    for one in made:
        one.close()


@pytest.mark.parametrize("executor", BOTH)
def test_P25_T18_I10_a_secret_is_in_nothing_that_a_run_writes_or_sends_and_no_command_tells_it(
    flow: MakeFlow, tmp_path: Path, receivers: tuple[Hook, MailServer], executor: str
) -> None:
    """Nodes that print, raise and crash with it; MLflow, mail, a web hook, a CI job's reports; then each look."""
    hook, mail = receivers
    machine, made = Machine(tmp_path), flow(TALKS, RAISES, SAYS, CRASHES, LEAVES, DIES)
    job = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "step.md")}
    env = {**machine.environment, **job, "GITHUB_WORKSPACE": str(made.folder)}
    sent = ("--notify", hook.url(), "--notify", mail.url("leah@example.org"), "--mlflow", "sqlite:///mlflow.db")
    written = ("--junit", "junit.xml", "--summary", "auto", "-o", "ran.ipynb", "--annotations", "github")
    said = [made.say("run", made.file, *EXECUTORS[executor], *sent, *written, env={**env, **GIVEN})]
    assert said[0].code == 1, said[0].err
    assert said[0].out.count("::error") == 5
    told = str(hook.next()), mail.next()[1].as_string()
    assert "5 failed" in told[0]
    said += [made.say(*line.split(), env=env) for line in LOOKS.splitlines()]
    said += [made.say(word, made.file, "--executor", executor, env={**env, **GIVEN}) for word in ("plan", "check")]
    assert all("Traceback (most" not in one.err for one in said)
    assert [one for one in (*(one.out + one.err for one in said), *told) if told_in(one.encode())] == []
    assert machine.holding() == []


DOCKERFILE = "FROM {base}\nCOPY . /app\nRUN env; find /app; cat /app/p.sh\n"
PROXY = f"http://leah:{quote(CANARY, safe='')}@127.0.0.1:9"


@pytest.fixture
def images() -> Iterator[list[str]]:
    """Images that go after the test."""
    made: list[str] = []
    yield made
    subprocess.run(["docker", "rmi", "-f", *dict.fromkeys(made)], capture_output=True, check=False)


@pytest.mark.container
def test_P25_T4_no_image_that_dagbook_makes_and_no_line_of_its_build_holds_a_secret(
    flow: MakeFlow, images: list[str]
) -> None:
    """Neither the project's folder of secrets, nor passwords of a proxy and of a package index: not in layers, history
    or settings, nor in what the build prints of all that it was given."""
    made = flow(
        "%pipeline demo --secret vault:token",
        f"%%pipeline_node a --image {BASE}\nprint(1)",
        f"%%pipeline_node b --image {BASE} --prerun p.sh\nprint(1)",
    )
    (made.folder / "p.sh").write_text(f"env; cat $PIP_CONFIG_FILE /tmp/dagbook/build # {os.getpid()}")
    (made.folder / "dagbook.toml").write_text('secrets = "own"\n')
    (made.folder / "own" / "vault").mkdir(parents=True)
    (made.folder / "own" / "vault" / "token").write_text(CANARY)
    (made.folder / "Dockerfile").write_text(DOCKERFILE.format(base=BASE))
    env = {**GIVEN, "http_proxy": PROXY, "PIP_EXTRA_INDEX_URL": f"{PROXY}/simple"}
    for words in (("--dockerfile", "Dockerfile", "-t", "dagbook-test/places"), ()):
        said = made.say("images", "build", "flow.ipynb", *words, "--json", env=env)
        assert said.code == 0, said.err
        assert "http_proxy=http://" in said.err
        assert told_in((said.out + said.err).encode()) == []
        images += [one["image"] for one in said.json["images"] if one["image"] != BASE]
    assert len(images) == 3
    for image in images:
        for look in (("history", "--no-trunc"), ("inspect",), ("save",)):
            assert told_in(subprocess.run(["docker", *look, image], capture_output=True, check=True).stdout) == [], look
