"""Another user of the machine: sees nothing of a store and of what runs for it, and nobody's containers are touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import DAGBOOK, read_until, write_notebook
from tests.executors.conftest import BASE, engine_answers
from tests.faults.box import PATIENCE
from tests.faults.test_faults import containers

pytestmark = [pytest.mark.container, pytest.mark.fault]

NOBODY, OTHER = 65534, 1234
WAITS = """%%pipeline_node held
import os, time
open("made", "w").write("a canary")
print("there", flush=True)
while not os.path.exists("/tmp/go"): time.sleep(0.01)
"""
# Everything that somebody finds below the folders, whatever modes forbid: names, contents, sockets that take a caller.
LOOKS = """
import os, socket, stat, sys
for top in sys.argv[1:]:
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            try:
                mode = os.lstat(path).st_mode
                if stat.S_ISSOCK(mode):
                    socket.socket(socket.AF_UNIX).connect(path)
                elif stat.S_ISREG(mode):
                    open(path, "rb").close()
                else:
                    os.listdir(path)
                print(path)
            except OSError:
                pass
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that everybody may enter, as homes often are."""
    if os.getuid() != 0 or not shutil.which("setpriv") or not engine_answers():
        pytest.skip("needs root and setpriv, to become somebody else, and an engine")
    folder = Path(tempfile.mkdtemp(prefix="home", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def become(user: int) -> list[str]:
    """What makes a command another user's, who may use the engine."""
    group = os.stat("/var/run/docker.sock").st_gid if user == OTHER else user
    return ["setpriv", f"--reuid={user}", f"--regid={user}", f"--groups={group}", "--no-new-privs"]


def surroundings(home: Path) -> dict[str, str]:
    """Of a user who logged in without a folder for sockets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    return {**kept, "HOME": str(home), "TMPDIR": str(home / "tmp"), "DAGBOOK_IMAGE": BASE}


def begun(home: Path, *prefix: str) -> subprocess.Popen[str]:
    """A run of a node in a container that waits, with a umask that forbids nobody anything."""
    flow = write_notebook(home / "project" / "flow.ipynb", WAITS)
    (home / "tmp").mkdir()
    (home / "tmp").chmod(0o777)
    for path in (home, *home.rglob("*")) if prefix else ():
        os.chown(path, OTHER, OTHER)
    child = subprocess.Popen(
        [*prefix, DAGBOOK, "run", str(flow), "--executor", "docker", "--code", "none"],
        cwd=flow.parent,
        env=surroundings(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        umask=0,
    )
    read_until(child, "held | there")
    return child


def end(child: subprocess.Popen[str]) -> None:
    """At once, where it has not ended."""
    child.kill()
    child.wait()
    if child.stdout:
        child.stdout.close()


def finish(child: subprocess.Popen[str], container: str) -> None:
    """Let the node end, and the run succeed."""
    subprocess.run(["docker", "exec", container, "touch", "/tmp/go"], check=True)
    out, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == 0, out


def test_T19_another_user_reads_nothing_of_a_store_and_of_what_runs_for_it(home: Path) -> None:
    """While it runs and afterwards: database, notebooks, artifacts, sockets, caches; whatever the umask."""
    child = begun(home)
    store = home / "project" / ".dagbook"
    (container,) = containers(store)
    seen = ["/usr/bin/python3", "-c", LOOKS, str(home)]
    try:
        running = subprocess.run([*become(NOBODY), *seen], capture_output=True, text=True, check=True).stdout
        finish(child, container)
        after = subprocess.run([*become(NOBODY), *seen], capture_output=True, text=True, check=True).stdout
    finally:
        end(child)
    assert any(path.read_text() == "a canary" for path in store.rglob("made"))  # there was something to see
    assert str(home / "project" / "flow.ipynb") in running  # nor did the look fail
    public = {str(home / name) for name in ("project", "project/flow.ipynb", "tmp", ".cache")}
    assert set(running.splitlines()) | set(after.splitlines()) <= public


def test_P7_two_users_of_one_engine_do_not_touch_each_others_containers(home: Path) -> None:
    """One runs a pipeline to its end and repairs the own store while the other's node goes on."""
    mine, others = home / "mine", home / "others"
    for one in (mine, others):
        one.mkdir()
    held = begun(mine)
    beside = None
    try:
        (kept,) = containers(mine / "project" / ".dagbook")
        beside = begun(others, *become(OTHER))
        (second,) = containers(others / "project" / ".dagbook")
        end(beside)
        repair = [*become(OTHER), DAGBOOK, "doctor", "--store", "--repair"]
        project = others / "project"
        subprocess.run(repair, cwd=project, env=surroundings(others), check=True, capture_output=True)
        assert containers(project / ".dagbook") == []
        assert second != kept
        assert containers(mine / "project" / ".dagbook") == [kept]
        finish(held, kept)
    finally:
        for child in filter(None, (held, beside)):
            end(child)
