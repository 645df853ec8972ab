"""What a node may leave in /output that hurts: many files, holes, names that are no text, devices, a daemon."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from dagbook.runner.audit import audit
from dagbook.runner.records.artifacts import remove_tree
from dagbook.runner.records.store import Store
from tests.conftest import Said, run_dagbook, write_notebook

pytestmark = pytest.mark.fault

LONG = bool(os.environ.get("LONG_FAULTS"))
MANY = 200_000 if LONG else 2_000
HOLE = 10 * 2**30 if LONG else 2**30  # bytes, none of them written
FILES = f"""%%pipeline_node leaves
import os, stat
for folder in range({MANY // 1000}):
    os.mkdir(f"many{{folder}}")
    for name in range(1000):
        with open(f"many{{folder}}/{{name}}", "w") as file: file.write(str(name))
with open("hole", "wb") as file: file.truncate({HOLE})
os.mkdir("names")
for name in (b"\\xff\\xfe", b"line\\nend", b"\\x1b]0;title\\x07\\x1b[2J", b"<img src=x onerror=alert(1)>", b"Twin",
             b"twin", b"-rf", "\\u202egpj.exe".encode(), b"n" * 255, b" ", b"..."):
    open(b"names/" + name, "w").close()
os.mkfifo(b"names/\\x1b]0;pipe\\x07\\nsecond line")
open("closed", "w").close(); os.chmod("closed", 0)
os.mkdir("shut"); open("shut/in", "w").close(); os.chmod("shut", 0)
open("own", "w").close(); os.chmod("own", 0o6755)
for kind in (stat.S_IFCHR, stat.S_IFBLK):
    try: os.mknod(f"device{{kind}}", kind | 0o666, os.makedev(1, 5))
    except OSError: open("no_devices", "w").close()
"""
DAEMON = """%%pipeline_node haunted
import subprocess, sys
writer = '''
import os
os.setsid()
for name in iter(lambda: "file", None):
    with open(name, "a") as file: file.write("x" * 1000)
    os.rename(name, "other"); os.rename("other", name)
'''
quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
subprocess.Popen([sys.executable, "-c", writer], **quiet)
import os, time
while not os.path.exists("file"): time.sleep(0.01)
"""
READS = '%%pipeline_node reads --after leaves\nimport os\nprint(len(os.listdir(os.environ["INPUT_LEAVES"])))'


def ran(folder: Path, executor: str, *cells: str) -> Said:
    """Run a notebook of these nodes to its end, and tell those who asked for it how long that took."""
    write_notebook(folder / "flow.ipynb", *cells)
    began = time.monotonic()
    said = run_dagbook(folder, "run", "flow.ipynb", "--executor", executor, "--code", "none", timeout=600)
    if LONG:
        os.write(2, f"{executor}: {time.monotonic() - began:.1f} s\n".encode())
    return said


@pytest.mark.parametrize("executor", ["process", pytest.param("docker", marks=pytest.mark.container)])
def test_F52_F53_T8_many_files_holes_and_names_that_are_no_text_are_collected_shown_and_removed(
    tmp_path: Path, executor: str
) -> None:
    project = tmp_path / "project"
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    said = ran(project, executor, FILES, READS)
    assert said.code == 0, said.out[-2000:] + said.err
    assert "\x1b]" not in said.out
    (leaves,) = [one for one in run_dagbook(project, "show", "--json").json["node_runs"] if one["node"] == "leaves"]
    artifact = Path(leaves["artifact"])
    assert os.stat(artifact / "hole").st_size == HOLE
    assert os.stat(artifact / "hole").st_blocks < 100  # it takes no room
    assert free - os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize < HOLE / 2
    assert not os.stat(artifact / "own").st_mode & 0o6000
    assert not list(artifact.glob("device*"))
    made = not (artifact / "no_devices").exists()
    assert executor == "process" or not made
    assert not made or sum("is a device" in one for one in leaves["warnings"]) == 2
    names = set(os.listdir(os.fsencode(artifact / "names")))
    assert {b"\xff\xfe", b"line\nend", b"Twin", b"twin", b"n" * 255} < names
    assert (artifact / "shut" / "in").exists()
    assert (artifact / "closed").exists()
    listed = run_dagbook(project, "artifact", "latest", "leaves", "names/*")
    assert listed.code == 0, listed.err
    assert "\x1b" not in listed.out
    assert len(listed.out.splitlines()) <= 12  # a name with a line end is one line
    for words in (("show",), ("logs",), ("show", "--html", "page.html"), ("artifact", "latest", "leaves", "--json")):
        looked = run_dagbook(project, *words)
        assert looked.code == 0, looked.err
        assert "\x1b]" not in looked.out
    page = (project / "page.html").read_text()
    assert "<img src=x" not in page
    assert "\x1b" not in page
    copied = run_dagbook(project, "artifact", "latest", "leaves", "names/*", "-o", "copy")
    assert copied.code == 0, copied.err
    assert set(os.listdir(os.fsencode(project / "copy" / "names"))) == names
    assert list(audit(Store(project / ".dagbook", create=False))) == []
    remove_tree(project / ".dagbook")
    assert not (project / ".dagbook").exists()


@pytest.mark.parametrize("executor", ["process", pytest.param("docker", marks=pytest.mark.container)])
def test_F18_F54_a_daemon_that_goes_on_writing_is_ended_before_the_output_is_collected(
    tmp_path: Path, executor: str
) -> None:
    project = tmp_path / "project"
    said = ran(project, executor, DAEMON)
    told = json.dumps(run_dagbook(project, "show", "--json").json)
    assert said.code == 0, said.out + told
    store = Store(project / ".dagbook", create=False)
    assert list(audit(store)) == []
