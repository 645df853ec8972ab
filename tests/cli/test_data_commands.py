"""`dagbook data`, run for real: what it prints, writes and returns."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import DAGBOOK, Said

Dagbook = Callable[..., Said]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder to put, beside which dagbook is called; a pipe is in it."""
    folder = tmp_path / "project" / "photos"
    (folder / "train").mkdir(parents=True)
    (folder / "a.png").write_bytes(b"a" * 1500)
    (folder / "train" / "b.png").write_bytes(b"bb")
    (folder / "latest").symlink_to("a.png")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture
def images(dagbook: Dagbook, photos: Path) -> str:
    """A dataset with two commits, the id of the first."""
    assert dagbook("data", "create", "images", "--description", "what was seen").code == 0
    said = dagbook("data", "put", "images", "photos", "-m", "the first ones", "--json")
    assert said.code == 0, said.err
    assert dagbook("data", "put", "images", "photos/train", "--to", "more", "--delete", "train").code == 0
    return str(said.json["commit"])


def test_row_87_files_go_into_a_dataset_and_come_back(dagbook: Dagbook, photos: Path) -> None:
    said = dagbook("data", "create", "images")
    assert (said.code, said.out) == (0, f"Made images in {photos.parent / '.dagbook'}.\n")
    said = dagbook("data", "put", "images", "photos")
    assert said.code == 0
    assert said.out.endswith(": 3 added; now 2 files, 1.5 KiB\n")
    assert said.err.startswith("W-DATA-LEFT: photos/pipe is a pipe, which a dataset cannot hold; it was left out\n")
    assert "nothing changed" in dagbook("data", "put", "images", "photos").out
    said = dagbook("data", "get", "images")
    assert said.out.startswith("3 files of images@")
    assert (photos.parent / "images" / "train" / "b.png").read_bytes() == b"bb"
    assert os.readlink(photos.parent / "images" / "latest") == "a.png"


def test_the_datasets_and_their_files_are_listed(dagbook: Dagbook, images: str) -> None:
    lines = dagbook("data", "list").out.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("images  ")
    assert lines[0].endswith("2 files, 1.5 KiB  what was seen")
    assert dagbook("data", "list", "images").out.splitlines() == [
        "   1.5 KiB  a.png",
        "            latest -> a.png",
        "       2 B  more/b.png",
    ]
    assert dagbook("data", "list", f"images@{images[:8]}", "**/*.png").out.splitlines() == [
        "   1.5 KiB  a.png",
        "       2 B  train/b.png",
    ]
    said = dagbook("data", "list", "images", "*.jpg")
    assert (said.code, said.out) == (0, "")
    assert said.err.startswith("No file of images@")


def test_commits_are_logged_newest_first_with_their_branches(dagbook: Dagbook, images: str) -> None:
    assert dagbook("data", "create", "images@v1", "--from", images[:8]).code == 0
    newest, first = dagbook("data", "log", "images").out.splitlines()
    assert newest.split()[-1] == "(master)"
    assert first.startswith(images[:12])
    assert first.endswith("(v1)  the first ones")
    assert dagbook("data", "log", "images", "-n", "1").out.splitlines() == [newest]
    assert dagbook("data", "log", "images@v1").out.splitlines() == [first]
    assert [line.split()[0] for line in dagbook("data", "list").out.splitlines()] == ["images", "images@v1"]


def test_differences_are_those_of_a_commit_or_between_two(dagbook: Dagbook, images: str) -> None:
    assert dagbook("data", "diff", "images").out.splitlines() == ["+ more/b.png", "- train/b.png"]
    assert dagbook("data", "diff", "images", "images^").out.splitlines() == ["- more/b.png", "+ train/b.png"]
    assert dagbook("data", "diff", "images", "images").out == "Nothing differs.\n"
    assert len(dagbook("data", "diff", f"images@{images}").out.splitlines()) == 3


def test_row_5_queries_are_saved_listed_and_asked(dagbook: Dagbook, images: str) -> None:
    assert "no saved query" in dagbook("data", "query", "images").out
    assert dagbook("data", "query", "images", "pictures", "**/*.png").out == "Saved pictures of images: **/*.png\n"
    assert dagbook("data", "query", "images").out == "pictures  **/*.png\n"
    assert [line.split()[-1] for line in dagbook("data", "query", "images^", "pictures").out.splitlines()] == [
        "a.png",
        "train/b.png",
    ]
    said = dagbook("data", "query", "images", "picturse")
    assert said.code == 2
    assert 'Did you mean "pictures"?' in said.err


def test_standard_input_becomes_a_file(dagbook: Dagbook, images: str, photos: Path) -> None:
    command = [DAGBOOK, "data", "put", "images", "-", "--to", "raw/today.csv"]
    subprocess.run(command, cwd=photos.parent, input=b"1,2\n", check=True, capture_output=True)
    assert dagbook("data", "get", "images", "raw/today.csv", "-o", "out").code == 0
    assert (photos.parent / "out" / "raw" / "today.csv").read_text() == "1,2\n"
    for words in (["-"], ["-", "photos", "--to", "x"]):
        said = dagbook("data", "put", "images", *words)
        assert (said.code, "E-USAGE" in said.err) == (2, True)


def test_the_json_of_each_command_is_one_value(dagbook: Dagbook, images: str, photos: Path) -> None:
    (listed,) = dagbook("data", "list", "--json").json
    assert (listed["dataset"], listed["description"]) == ("images", "what was seen")
    head = listed["branches"]["master"]
    assert (head["parent"], head["files"], head["bytes"], head["message"]) == (images, 2, 1502, "")
    assert sorted(os.listdir(head["artifact"])) == ["a.png", "latest", "more"]
    files = dagbook("data", "list", "images", "--json").json["list"]
    assert [one["path"] for one in files] == ["a.png", "latest", "more/b.png"]
    assert files[1] == {"path": "latest", "kind": "link", "target": "a.png"}
    assert (files[2]["size"], files[2]["executable"], len(files[2]["hash"])) == (2, False, 64)
    assert [one["commit"] for one in dagbook("data", "log", "images", "--json").json] == [head["commit"], images]
    assert dagbook("data", "diff", "images", "--json").json == {
        "from": images,
        "to": head["commit"],
        "added": ["more/b.png"],
        "removed": ["train/b.png"],
        "changed": [],
    }
    put = dagbook("data", "put", "images", "photos", "--json").json
    assert (put["new"], put["added"], [one["code"] for one in put["warnings"]]) == (
        True,
        ["train/b.png"],
        ["W-DATA-LEFT"],
    )
    assert dagbook("data", "put", "images", "photos", "--json").json["new"] is False
    got = dagbook("data", "get", "images", "*.png", "-o", "out", "--json").json
    assert (got["folder"], [one["path"] for one in got["list"]]) == ("out", ["a.png"])
    assert dagbook("data", "query", "images", "q", "*", "--json").json == {"q": "*"}
    assert dagbook("data", "create", "more", "--json").json["dataset"] == "more"


def test_names_that_are_no_text_are_printed_so_that_they_harm_nothing(dagbook: Dagbook, photos: Path) -> None:
    (photos / os.fsdecode(b"\xff.png")).touch()
    (photos / "\x1b[31mred\n").touch()
    dagbook("data", "create", "images")
    assert dagbook("data", "put", "images", "photos").code == 0
    out = dagbook("data", "list", "images").out
    assert "�.png" in out
    assert "\\x1b[31mred\\n" in out
    assert "�.png" in [one["path"] for one in dagbook("data", "list", "images", "--json").json["list"]]
    assert dagbook("data", "get", "images", "--json").code == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["put", "imagse", "photos"], "E-REPO-UNKNOWN", 'Did you mean "images"?'),
        (["put", "images", "photo"], "E-FILE-MISSING", 'Did you mean "photos"?'),
        (["put", "images@v2", "photos"], "E-COMMIT-UNKNOWN", "dagbook data create images@v2"),
        (["put", "images"], "E-USAGE", "dagbook data put images FILE"),
        (["put", "images", "."], "E-DATA-STORE", ".dagbook"),
        (["get", "images", "a.pgn"], "E-REPO-PATH", 'Did you mean "a.png"?'),
        (["get", "images@0000000"], "E-COMMIT-UNKNOWN", "master"),
        (["get", "images", "-o", "photos"], "E-FILE-THERE", "--force"),
        (["list", "images", "trian"], "E-REPO-PATH", "Known"),
        (["list", "images", "["], "E-GLOB", "backslash"),
        (["create", "images"], "E-REPO-EXISTS", "dagbook data put images"),
        (["create", "a b"], "E-REPO-NAME", "letters"),
        (["create", "more", "--from", "images"], "E-USAGE", "more@BRANCH"),
        (["log", "images@mastre"], "E-COMMIT-UNKNOWN", 'Did you mean "master"?'),
    ],
)
def test_a_wrong_call_ends_with_2_and_says_what_to_do(
    dagbook: Dagbook, images: str, photos: Path, words: list[str], code: str, says: str
) -> None:
    (photos / "a.png").write_bytes(b"changed")
    said = dagbook("data", *words, "--json")
    assert said.code == 2
    (error,) = said.json["errors"]
    assert error["code"] == code
    assert says in f"{error['message']} {error['hint']}"


def test_without_a_store_only_create_makes_one(dagbook: Dagbook, photos: Path) -> None:
    for words in (["list"], ["put", "images", "photos"], ["create", "images@v1"]):
        said = dagbook("data", *words, "--store", "elsewhere")
        assert (said.code, "E-STORE" in said.err, "dagbook data create" in said.err) == (2, True, True)
    assert not (photos.parent / "elsewhere").exists()
    assert dagbook("data", "create", "images", "--store", "elsewhere").code == 0
    assert dagbook("data", "list", "--store", "elsewhere").out.startswith("images  nothing was put there yet")
    assert dagbook("data", "log", "images", "--store", "elsewhere").out == "Nothing was put there yet.\n"


def test_a_damaged_version_ends_with_5(dagbook: Dagbook, images: str) -> None:
    place = Path(dagbook("data", "list", "images", "--json").json["artifact"])
    (place / "a.png").chmod(0o644)
    (place / "a.png").write_bytes(b"damage")
    said = dagbook("data", "get", "images", "--json")
    assert (said.code, said.json["errors"][0]["code"]) == (5, "E-STORE")
    assert "a.png differs" in said.err


def test_ctrl_c_ends_with_130_and_changes_nothing(dagbook: Dagbook, images: str, photos: Path) -> None:
    before = dagbook("data", "log", "images").out
    command = [DAGBOOK, "data", "put", "images", "-", "--to", "endless"]
    child = subprocess.Popen(command, cwd=photos.parent, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdin is not None
    drafts = photos.parent / ".dagbook" / "drafts"
    while not list(drafts.glob("*/new/1")):
        child.stdin.write("x" * 65536)
        child.stdin.flush()
    while child.poll() is None:  # again: one that comes right before a read is noticed only after it
        child.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(10)
    assert child.returncode == 130
    child.communicate()
    assert list(drafts.iterdir()) == []
    assert dagbook("data", "log", "images").out == before


def test_long_work_tells_a_terminal_how_far_it_is(images: str, photos: Path) -> None:
    ours, its = pty.openpty()
    command = [DAGBOOK, "data", "put", "images", "-", "--to", "slow"]
    child = subprocess.Popen(command, cwd=photos.parent, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=its)
    os.close(its)
    assert child.stdin is not None
    os.set_blocking(ours, False)
    told = b""
    while b"reading slow: " not in told:
        assert child.poll() is None
        child.stdin.write(b"x" * 1024)
        child.stdin.flush()
        try:
            told += os.read(ours, 4096)
        except BlockingIOError:
            continue
    child.stdin.close()
    assert child.wait(60) == 0
    os.close(ours)


def test_the_help_of_each_command_has_examples(dagbook: Dagbook) -> None:
    for name in ("create", "put", "get", "list", "log", "diff", "query"):
        assert f"dagbook data {name} images" in dagbook("data", name, "--help").out
