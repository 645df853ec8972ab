"""Datasets on real runs: shown at /data, looked at again, fetched once; what cannot be had (rows 5, 6)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flows.conftest import MakeFlow
from tests.flows.flow import Flow
from tests.records.file_server import FileServer

IMAGES = "%pipeline_data images --path images"
TRAIN = (
    "%%pipeline_command train --after images\n"
    "(cd /data/images && find . -type f | sort) > seen.txt\necho $DATA_IMAGES >> seen.txt\n"
    "if [ -e /input ]; then ls /input >> seen.txt; fi\n"
    "(echo x > /data/images/new) 2> refused.txt || echo refused >> seen.txt"
)


@pytest.fixture
def images(flow: MakeFlow) -> Flow:
    made = flow(IMAGES, TRAIN)
    (made.folder / "images" / "cats").mkdir(parents=True)
    (made.folder / "images" / "cats" / "1.png").write_text("cat")
    (made.folder / "images" / "readme").write_text("read")
    return made


@pytest.mark.parametrize("executor", ["process", pytest.param("docker", marks=pytest.mark.container)])
def test_rows_5_6_a_dataset_is_at_data_in_the_nodes_connected_to_it(images: Flow, executor: str) -> None:
    """Read-only, and no input folder."""
    ended = images.run(executor=executor, env={"DAGBOOK_CODE": "none"})
    assert ended.lines("train", "seen.txt") == ["./cats/1.png", "./readme", "/data/images", "refused"]


def test_row_5_a_dataset_is_looked_at_again_and_counts_by_what_it_holds(images: Flow) -> None:
    """Unchanged it is up to date, whatever its times say; a changed file runs what comes after it."""
    code = ("--code", "none")
    first = images.run(*code)
    file = images.folder / "images" / "cats" / "1.png"
    file.touch()
    assert images.run(*code).states == {"images": "cached", "train": "cached"}
    file.write_text("dog")
    ended = images.run(*code)
    assert ended.states["train"] == "succeeded"
    assert "input /data/images changed" in ended.runs["train"]["why"]
    assert first.runs["train"]["state"] == "succeeded"


def test_a_single_file_is_a_dataset(flow: MakeFlow) -> None:
    made = flow(
        "%pipeline_data table --path table.csv", "%%pipeline_command use --after table\ncp /data/table/table.csv ."
    )
    (made.folder / "table.csv").write_text("1,2")
    assert made.run().text("use", "table.csv") == "1,2"


def test_a_dataset_that_is_not_the_pinned_version_fails_its_node(images: Flow) -> None:
    """Both versions are told; what comes after does not run."""
    images.rewrite(f"{IMAGES} --pin {'0' * 64}", TRAIN)
    ended = images.run(code=1)
    assert ended.states == {"images": "failed", "train": "upstream_failed"}
    assert "E-DATA-PIN" in ended.runs["images"]["reason"]
    assert "0" * 64 in ended.runs["images"]["reason"]


def test_a_dataset_that_is_not_there_is_refused(flow: MakeFlow) -> None:
    made = flow("%pipeline_data images --path imagse", "%%pipeline_command train --after images\n:")
    (made.folder / "images").mkdir()
    said = made.refused()
    assert "E-FILE-MISSING" in said
    assert "imagse" in said


@pytest.fixture
def server() -> Iterator[FileServer]:
    made = FileServer()
    yield made
    made.stop()


def fetched(flow: MakeFlow, url: str) -> Flow:
    return flow(
        f"%pipeline_data words --url {url}", "%%pipeline_command use --after words\ncat /data/words/* > all.txt"
    )


def test_a_url_is_fetched_once(flow: MakeFlow, server: FileServer) -> None:
    """A second run asks nobody; --force asks again."""
    server.give("/words.txt", b"one two")
    made = fetched(flow, server.url("/words.txt"))
    allowed = {"DAGBOOK_DATA_HOSTS": server.host}
    assert made.run(env=allowed).text("use", "all.txt") == "one two"
    assert made.run(env=allowed).states == {"words": "cached", "use": "cached"}
    assert server.asked == ["/words.txt"]
    server.give("/words.txt", b"three")
    assert made.run("--force", "words", env=allowed).text("use", "all.txt") == "three"


def test_U1_a_url_of_this_machine_is_refused_unless_it_is_allowed(flow: MakeFlow, server: FileServer) -> None:
    server.give("/words.txt", b"one two")
    made = fetched(flow, server.url("/words.txt"))
    said = made.say("run", made.file, "--executor", "process")
    assert said.code == 2
    assert "E-URL-PRIVATE" in said.err
    assert 'node "words"' in said.err
    assert server.connections == 0
    assert not made.store.exists()


URLS = [
    ("file:///etc/passwd", "E-URL-SCHEME"),
    ("ftp://example.org/x", "E-URL-SCHEME"),
    ("gopher://example.org/x", "E-URL-SCHEME"),
    ("data:text/plain,x", "E-URL-SCHEME"),
    ("example.org/x", "E-URL-SCHEME"),
    ("http://me:secret@example.org/x", "E-URL-FORM"),
    ("'http://exa mple.org/x'", "E-URL-FORM"),
    ("http://", "E-URL-FORM"),
]


@pytest.mark.parametrize(("url", "code"), URLS)
def test_U1_a_url_that_cannot_be_used_stops_its_node(flow: MakeFlow, url: str, code: str) -> None:
    """Code, node and URL are told, a password is not; nothing is left in the folder of datasets."""
    made = fetched(flow, url)
    said = made.say("run", made.file, "--executor", "process")
    told = said.out + said.err
    assert said.code in (1, 2)
    assert code in told
    assert "words" in told
    assert "secret" not in told
    assert not list(made.store.glob("datasets/*/*"))


@pytest.mark.parametrize(
    ("body", "status", "length", "code"),
    [
        (b"", 404, None, "E-FETCH-STATUS"),
        (b"", 200, None, "E-FETCH-EMPTY"),
        (b"half", 200, 100, "E-FETCH-LENGTH"),
    ],
    ids=["U3: 404", "U3: 0 bytes", "U3: cut off"],
)
def test_U3_what_does_not_come_whole_fails_its_node_and_is_not_kept(
    flow: MakeFlow, server: FileServer, body: bytes, status: int, length: int | None, code: str
) -> None:
    server.give("/words.txt", body, status, length)
    made = fetched(flow, server.url("/words.txt"))
    ended = made.run(code=1, env={"DAGBOOK_DATA_HOSTS": server.host})
    assert ended.states == {"words": "failed", "use": "upstream_failed"}
    assert code in ended.runs["words"]["reason"]
    assert not [path for path in made.store.rglob("words*") if path.is_file()]
