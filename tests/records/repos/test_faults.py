"""Processes that put are killed at any moment, and put at the same time as others: no dataset is changed by half."""

from __future__ import annotations

import subprocess
import sys
from itertools import chain, pairwise
from pathlib import Path

import pytest

from dagbook.runner.records import repos
from dagbook.runner.records.store import Store
from dagbook.runner.records.verify import verify
from tests.records.repos.asked import paths, place, put

pytestmark = pytest.mark.fault

# Puts the folder, and is killed when the system is asked for the nth change of a file or folder from then on.
KILLED_AT_CHANGE = """
import os, signal, sys
from pathlib import Path
from dagbook.runner.records import repos
from dagbook.runner.records.store import Store

store, left = Store(Path(sys.argv[1])), int(sys.argv[3])
CHANGES = {"os.link", "os.rename", "os.mkdir", "os.symlink", "os.chmod", "os.remove", "os.rmdir", "os.utime"}

def killed(event, given):
    global left
    if event in CHANGES or (event == "open" and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR)):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(killed)
repos.put(store, "images", "master", [Path(sys.argv[2])], "/new")
"""

# The same, killed while the new commit is in the database and its transaction is not over.
KILLED_IN_TRANSACTION = """
import os, signal, sys
from pathlib import Path
from dagbook.runner.records import repos
from dagbook.runner.records.repos import commits
from dagbook.runner.records.store import Store

insert = commits.insert
def killed(rows, commit):
    insert(rows, commit)
    os.kill(os.getpid(), signal.SIGKILL)

commits.insert = killed
repos.put(Store(Path(sys.argv[1])), "images", "master", [Path(sys.argv[2])], "/new")
"""

PUT_ONE_BY_ONE = """
import sys
from pathlib import Path
from dagbook.runner.records import repos
from dagbook.runner.records.store import Store

store = Store(Path(sys.argv[1]))
sys.stdin.readline()  # all begin at once
for source in sys.argv[2:]:
    repos.put(store, "images", "master", [Path(source)])
"""


def ended(code: str, *words: object) -> int:
    return subprocess.run([sys.executable, "-c", code, *map(str, words)], check=False, timeout=60).returncode


def test_P2_a_put_that_is_killed_at_any_moment_leaves_the_old_head(store: Store, photos: Path, tmp_path: Path) -> None:
    """Nothing of it is seen, what was there is sound, and the next put is as if there had been none."""
    (photos / "latest").symlink_to("a.png")
    before = put(store, photos)
    kills = 0
    for moment in range(1, 200, 3):
        (photos / "a.png").write_text(f"as it is at moment {moment}")  # or an artifact would be there already
        code = ended(KILLED_AT_CHANGE, store.folder, photos, moment)
        assert verify(place(store, before)) == ""
        if code == 0 or repos.resolve(store, "images") != before:
            break
        assert code == -9
        assert repos.log(store, "images") == [before]
        kills += 1
    assert kills > 10
    after = repos.resolve(store, "images")
    assert after.parent == before.id
    assert paths(store, after) == sorted([*paths(store, before), *(f"new/{path}" for path in paths(store, before))])
    assert verify(place(store, after)) == ""
    put(store, photos, to="once more")
    assert list((store.folder / "drafts").iterdir()) == []


def test_P2_a_put_that_is_killed_within_its_transaction_leaves_the_old_head(store: Store, photos: Path) -> None:
    before = put(store, photos)
    assert ended(KILLED_IN_TRANSACTION, store.folder, photos) == -9
    assert repos.log(store, "images") == [before]
    after = put(store, photos, to="new")
    assert (after.parent, after.files) == (before.id, 6)


def test_four_processes_that_put_at_once_lose_nothing(store: Store, tmp_path: Path) -> None:
    """Twenty puts into one branch make twenty commits in a line, each with all files of those before it."""
    sources = [[tmp_path / f"{process}-{number}.txt" for number in range(5)] for process in range(4)]
    for source in chain(*sources):
        source.write_text(source.name)
    children = [
        subprocess.Popen(
            [sys.executable, "-c", PUT_ONE_BY_ONE, str(store.folder), *map(str, mine)], stdin=subprocess.PIPE, text=True
        )
        for mine in sources
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.close()
    assert [child.wait(60) for child in children] == [0, 0, 0, 0]
    line = repos.log(store, "images")
    assert [commit.files for commit in line] == list(range(20, 0, -1))
    assert paths(store, line[0]) == sorted(source.name for source in chain(*sources))
    assert all(verify(place(store, commit)) == "" for commit in line)
    for newer, older in pairwise(line):
        assert set(paths(store, older)) < set(paths(store, newer))
