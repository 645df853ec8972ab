"""Datums, run for real: each alone with its files, done ones never again, outputs merged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeNotebook, Said, read_until

Dagbook = Callable[..., Said]
NO_CODE = ("--code", "none")

WORDS = """
dagbook: 1
name: words
nodes:
  - title: texts
    kind: data
    path: ../texts
  - title: count
    kind: command
    dialect: pachyderm
    after: [texts]
    transform:
      argv: [sh]
      stdin:
        - ls /pfs/texts
        - for f in /pfs/texts/*; do wc -w <$f >/pfs/out/$(basename $f); done
    datums: {input: {repo: texts, name: texts, glob: '/*'}, workers: 2, tries: 2}
    publishes: count@master
  - title: total
    kind: command
    dialect: pachyderm
    after: [count]
    transform: {argv: [sh, -c, 'cat /pfs/count/* >/pfs/out/all']}
    datums: {input: {repo: count, name: count, glob: /}}
    publishes: total@master
"""


pytestmark = pytest.mark.usefixtures("executor")


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.txt").write_text("word " * (number + 1))
    return folder


@pytest.fixture
def words(tmp_path: Path, texts: Path) -> Path:
    (tmp_path / "project").mkdir()
    file = tmp_path / "project" / "words.yaml"
    file.write_text(WORDS)
    return file


def ran(dagbook: Dagbook, file: Path, *more: str, code: int = 0) -> dict[str, Any]:
    said = dagbook("run", file, *NO_CODE, "--json", *more)
    assert said.code == code, said.err
    return {node["node"]: node for node in said.json["node_runs"]}


def parts(dagbook: Dagbook, node: str) -> dict[str, dict[str, Any]]:
    (found,) = dagbook("datums", "latest", node, "--json").json.values()
    return {part["part"]: part for part in found}


def content(dagbook: Dagbook, name: str, folder: Path) -> dict[str, str]:
    said = dagbook("data", "get", name, "-o", folder)
    assert said.code == 0, said.err
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_rows_109_110_111_113_each_datum_is_worked_on_alone_and_its_output_goes_to_the_repo(
    dagbook: Dagbook, words: Path, tmp_path: Path
) -> None:
    said = dagbook("run", words, *NO_CODE)
    assert said.code == 0, said.err
    assert said.out.count("count | ") == 3, "one file is listed by each of the three"
    assert {name: text.strip() for name, text in content(dagbook, "count", tmp_path / "got").items()} == {
        "0.txt": "1",
        "1.txt": "2",
        "2.txt": "3",
    }
    assert content(dagbook, "total", tmp_path / "all") == {"all": "1\n2\n3\n"}, "row 122: one repo is the next's input"


def test_row_112_only_what_is_new_or_changed_is_done_and_what_vanished_is_gone(
    dagbook: Dagbook, words: Path, texts: Path, tmp_path: Path
) -> None:
    ran(dagbook, words)
    (texts / "0.txt").unlink()
    (texts / "1.txt").write_text("all new words here")
    (texts / "9.txt").write_text("one")
    ran(dagbook, words)
    states = {part: told["state"] for part, told in parts(dagbook, "count").items()}
    assert states == {"texts:/1.txt": "done", "texts:/2.txt": "skipped", "texts:/9.txt": "done"}
    assert content(dagbook, "total", tmp_path / "all") == {"all": "4\n3\n1\n"}
    log = dagbook("data", "log", "count", "--json").json
    assert len(log["commits"] if isinstance(log, dict) else log) == 2


def test_a_datum_that_fails_is_tried_again_then_fails_the_node_and_the_others_are_kept(
    dagbook: Dagbook, words: Path
) -> None:
    words.write_text(WORDS.replace("- ls /pfs/texts", "- test ! -e /pfs/texts/1.txt || exit 7"))
    node = ran(dagbook, words, code=1)["count"]
    assert node["state"] == "failed"
    assert "1 of 3 failed: texts:/1.txt" in node["reason"]
    found = parts(dagbook, "count")
    assert (found["texts:/1.txt"]["state"], found["texts:/1.txt"]["tries"]) == ("failed", 2)
    ran(dagbook, words, code=1)
    again = parts(dagbook, "count")
    assert [again[f"texts:/{n}.txt"]["state"] for n in (0, 1, 2)] == ["skipped", "failed", "skipped"]


def test_the_rescue_command_recovers_a_datum_which_leaves_nothing_and_is_tried_in_the_next_run(
    dagbook: Dagbook, words: Path, tmp_path: Path
) -> None:
    failing = WORDS.replace("- ls /pfs/texts", "- test ! -e /pfs/texts/1.txt || exit 7")
    words.write_text(
        failing.replace("      argv: [sh]\n", "      argv: [sh]\n      rescue_argv: [test, -e, /pfs/texts]\n")
    )
    assert ran(dagbook, words)["count"]["state"] == "succeeded"
    assert parts(dagbook, "count")["texts:/1.txt"]["state"] == "recovered"
    assert set(content(dagbook, "count", tmp_path / "got")) == {"0.txt", "2.txt"}
    again = dagbook("run", words, *NO_CODE)
    assert again.code == 0
    assert "cached" not in "".join(line for line in again.out.splitlines() if " count " in line)
    assert {part: told["state"] for part, told in parts(dagbook, "count").items()} == {
        "texts:/0.txt": "skipped",
        "texts:/1.txt": "recovered",
        "texts:/2.txt": "skipped",
    }


def test_an_accepted_exit_code_is_no_failure(dagbook: Dagbook, words: Path) -> None:
    words.write_text(
        WORDS.replace("      argv: [sh]\n", "      argv: [sh]\n      accepted: [3]\n").replace(
            "        - ls /pfs/texts\n", "        - ls /pfs/texts >/pfs/out/$(ls /pfs/texts)\n        - exit 3\n"
        )
    )
    assert ran(dagbook, words, "--until", "count")["count"]["state"] == "succeeded"


def test_two_datums_that_write_one_path_fail_and_both_are_named(dagbook: Dagbook, words: Path) -> None:
    words.write_text(WORDS.replace("- ls /pfs/texts", "- echo x >/pfs/out/same"))
    node = ran(dagbook, words, code=1)["count"]
    assert "two datums write one path, same" in node["reason"]
    assert '"texts:/0.txt" and "texts:/1.txt"' in node["reason"]


def test_what_was_done_of_a_run_that_is_cancelled_is_listed_and_not_done_again(
    dagbook: Dagbook, words: Path, started: Callable[..., Any]
) -> None:
    import signal

    slow = WORDS.replace("- ls /pfs/texts", "- test ! -e /pfs/texts/2.txt || { echo asleep; sleep 300; }")
    words.write_text(slow.replace("workers: 2", "workers: 1"))
    child = started("run", words, *NO_CODE)
    read_until(child, "asleep")
    going = parts(dagbook, "count")
    assert set(going) == {"texts:/0.txt", "texts:/1.txt", "texts:/2.txt"}, "also while it runs"
    child.send_signal(signal.SIGINT)
    child.wait()
    states = [parts(dagbook, "count")[f"texts:/{number}.txt"]["state"] for number in range(3)]
    assert states == ["done", "done", "left"]


def test_an_earlier_result_is_committed_again_where_another_one_came_in_between(
    dagbook: Dagbook, words: Path, texts: Path, tmp_path: Path
) -> None:
    ran(dagbook, words)
    (texts / "0.txt").write_text("many more words in it")
    ran(dagbook, words)
    (texts / "0.txt").write_text("word ")
    found = ran(dagbook, words)
    assert found["count"]["state"] == "cached"
    assert content(dagbook, "count", tmp_path / "got")["0.txt"].strip() == "1"


def test_many_matches_in_one_datum_are_a_copy_that_the_node_may_write_to(
    dagbook: Dagbook, words: Path, texts: Path
) -> None:
    for number in range(250):
        (texts / f"g{number}.txt").write_text("x")
    grouped = WORDS.replace(
        "{repo: texts, name: texts, glob: '/*'}",
        "{kind: group, parts: [{repo: texts, name: texts, glob: '/(*)', group_by: '1'}]}",
    )
    words.write_text(grouped.replace("- ls /pfs/texts", "- chmod -R u+w /pfs/texts; echo more >>/pfs/texts/g7.txt"))
    ran(dagbook, words, "--until", "count")
    assert (texts / "g7.txt").read_text() == "x"


def test_a_link_is_another_datum_when_what_it_leads_to_changes(dagbook: Dagbook, words: Path, texts: Path) -> None:
    (texts / "latest.txt").symlink_to("0.txt")
    ran(dagbook, words)
    (texts / "0.txt").write_text("now three words")
    ran(dagbook, words)
    assert parts(dagbook, "count")["texts:/latest.txt"]["state"] == "done"
    assert parts(dagbook, "count")["texts:/1.txt"]["state"] == "skipped"


def test_no_datum_at_all_is_a_success(dagbook: Dagbook, words: Path) -> None:
    words.write_text(WORDS.replace("glob: '/*'", "glob: '/*.csv'"))
    node = ran(dagbook, words, "--until", "count")["count"]
    assert (node["state"], node.get("files")) in (("succeeded", None), ("succeeded", 0))


def test_a_datum_that_takes_too_long_is_ended(dagbook: Dagbook, words: Path) -> None:
    slow = WORDS.replace("- ls /pfs/texts", "- test ! -e /pfs/texts/1.txt || sleep 60")
    words.write_text(slow.replace("tries: 2", "tries: 1, timeout: 0.5"))
    node = ran(dagbook, words, code=1)["count"]
    assert "it took longer than 0.5 s" in node["reason"]


def test_a_broken_glob_is_told_before_anything_runs_there(dagbook: Dagbook, words: Path) -> None:
    words.write_text(WORDS.replace("glob: '/*'", "glob: '/[a'"))
    said = dagbook("run", words, *NO_CODE)
    assert said.code in (1, 2)
    assert "E-GLOB" in said.out + said.err
    assert "Traceback" not in said.err


MAPPED = (
    "%pipeline_data texts --path ../texts",
    "%%pipeline_node split --after texts\nimport shutil, dagbook\n"
    "for one in dagbook.data('texts').iterdir(): shutil.copy(one, one.name)",
    "%%pipeline_node words --after split --map split:/*.txt --workers 2\nimport os, dagbook\n"
    "(one,) = dagbook.input('split').iterdir()\nprint('saw', os.listdir('/input/split'))\n"
    "open(one.name, 'w').write(str(len(one.read_text().split())))",
    "%%pipeline_node total --after words\nimport dagbook\n"
    "print('total', sum(int(one.read_text()) for one in dagbook.input('words').iterdir()))",
)


def test_map_gives_every_notebook_node_one_match_at_a_time(
    dagbook: Dagbook, make_notebook: MakeNotebook, texts: Path
) -> None:
    flow = make_notebook(*MAPPED)
    said = dagbook("run", flow, *NO_CODE)
    assert said.code == 0, said.err
    assert sorted(line for line in said.out.splitlines() if "saw" in line) == [
        f"words | saw ['{number}.txt']" for number in range(3)
    ]
    assert "total | total 6" in said.out
    (texts / "1.txt").write_text("changed")
    again = dagbook("run", flow, *NO_CODE)
    assert "total | total 5" in again.out
    states = {part: told["state"] for part, told in parts(dagbook, "words").items()}
    assert states == {"split:/0.txt": "skipped", "split:/1.txt": "done", "split:/2.txt": "skipped"}


def test_a_node_can_only_map_over_what_comes_before_it(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    flow = make_notebook("%%pipeline_node a\n1", "%%pipeline_node b --after a --map aa:/*\n1")
    said = dagbook("check", flow)
    assert said.code == 2
    assert 'E-MAP: "b" maps over the files of "aa"' in said.out
    assert '"a"' in said.out


def test_the_table_of_datums_tells_states_and_tries(dagbook: Dagbook, words: Path) -> None:
    ran(dagbook, words)
    told = dagbook("datums", "latest", "count").out
    assert told.splitlines()[0] == "count: 3 datums, 3 done"
    assert "texts:/2.txt" in told
    assert json.dumps("none") not in told
    assert dagbook("datums", "texts").out == "texts has no datums.\n", "the latest run is meant"
