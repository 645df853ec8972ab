"""Datasets of a URL, from real servers on loopback: fetched once, whole or not at all, only from where it may be."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.core.errors import DagbookError, MachineError, PipelineError, Problem
from dagbook.runner.records.datasets import HASHES, Dataset, dataset_of_path, dataset_of_url
from dagbook.runner.records.fetching import Limits
from dagbook.runner.records.long_work import Cancel, Cancelled

from .file_server import FileServer

BODY = b"1,2\n3,4\n"
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[FileServer]:
    found = FileServer()
    yield found
    found.stop()


@pytest.fixture
def other() -> Iterator[FileServer]:
    found = FileServer()
    yield found
    found.stop()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "datasets"


def get(server: FileServer, home: Path, path: str = "/a.csv", pin: str | None = None, **more: Any) -> Dataset:
    more.setdefault("progress", lambda _: None)
    return dataset_of_url(server.url(path), pin, home, allowed=(server.host,), **more)


def fault(server: FileServer, home: Path, path: str = "/a.csv", **more: Any) -> Problem:
    """The one problem, after which nothing of a file is left."""
    with pytest.raises(DagbookError) as caught:
        get(server, home, path, **more)
    (found,) = caught.value.problems
    assert kept(home) == []
    return found


def kept(home: Path) -> list[str]:
    """The files and parts of files in the folder, as paths; not what is written about them."""
    about = {HASHES, "urls"}
    return sorted(str(p.relative_to(home)) for p in home.rglob("*") if p.is_file() and not about & {*p.parts})


def test_a_url_is_fetched_into_a_folder_of_its_sha256_and_is_read_only(server: FileServer, home: Path) -> None:
    server.give("/a.csv?token=canary", BODY, ETag='"v1"')
    lines: list[str] = []
    found = get(server, home, "/a.csv?token=canary#part", progress=lines.append)
    assert found.path == home / SHA / "a.csv"
    assert (found.path.read_bytes(), found.content, found.files, found.bytes) == (BODY, SHA, 1, len(BODY))
    assert found.path.stat().st_mode & 0o777 == 0o444
    assert found.digest == dataset_of_path(found.path, home / "elsewhere").digest
    assert lines == [f"fetching {server.url('/a.csv')}?…"]
    (record,) = (json.loads(path.read_text()) for path in (home / "urls").glob("*.json"))
    assert record.pop("time")
    assert record == {"url": f"{server.url('/a.csv')}?…", "sha256": SHA, "bytes": len(BODY), "etag": '"v1"'}


def test_the_second_time_nobody_is_asked(server: FileServer, home: Path) -> None:
    server.give("/a.csv", BODY)
    first = get(server, home)
    server.stop()
    assert get(server, home) == first
    with pytest.raises(MachineError) as caught:
        get(server, home, again=True)
    assert caught.value.problems[0].code == "E-FETCH-FAILED"
    assert get(server, home) == first  # what was kept stays


def test_again_asks_and_takes_the_new_version(server: FileServer, home: Path) -> None:
    server.give("/a.csv", BODY)
    get(server, home)
    server.give("/a.csv", b"new")
    assert get(server, home).content == SHA
    assert get(server, home, again=True).path.read_bytes() == b"new"
    assert get(server, home).path.read_bytes() == b"new"


@pytest.mark.parametrize("damage", ["bytes", "cut", "gone"])
def test_a_damaged_copy_is_fetched_again(server: FileServer, home: Path, damage: str) -> None:
    server.give("/a.csv", BODY)
    file = get(server, home).path
    file.chmod(0o644)
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(b"9" * len(BODY) if damage == "bytes" else BODY[:3])
    assert get(server, home).path.read_bytes() == BODY
    assert len(server.asked) == 2


def test_a_damaged_record_is_as_none(server: FileServer, home: Path) -> None:
    server.give("/a.csv", BODY)
    get(server, home)
    (record,) = (home / "urls").glob("*.json")
    for text in ("", "[]", '{"sha256": "../../x"}'):
        record.write_text(text)
        assert get(server, home).content == SHA
    assert len(server.asked) == 4


def test_a_pin_is_the_sha256_of_the_file_or_of_the_dataset(server: FileServer, home: Path) -> None:
    server.give("/a.csv", BODY)
    digest = get(server, home, pin=f"sha256:{SHA.upper()}").digest
    assert get(server, home, pin=digest).content == SHA
    server.give("/b/a.csv", BODY)
    assert get(server, home, "/b/a.csv", pin=SHA).content == SHA  # another URL, the same content: not asked
    assert server.asked == ["/a.csv"]


def test_U3_another_content_than_the_pin_is_refused_and_not_kept(server: FileServer, home: Path) -> None:
    server.give("/a.csv", BODY)
    found = fault(server, home, pin="0" * 64)
    assert found.code == "E-FETCH-CHECKSUM"
    assert "0" * 64 in found.message
    assert SHA in found.message
    assert get(server, home).digest in found.message


def test_U3_a_pin_that_the_kept_version_lacks_asks_and_keeps_the_old_one(server: FileServer, home: Path) -> None:
    server.give("/a.csv", BODY)
    get(server, home)
    with pytest.raises(PipelineError) as caught:
        get(server, home, pin="0" * 64)
    assert caught.value.problems[0].code == "E-FETCH-CHECKSUM"
    assert kept(home) == [f"{SHA}/a.csv"]
    assert get(server, home).content == SHA


@pytest.mark.parametrize(
    ("status", "hint_has"), [(404, "spelling"), (403, "login"), (500, "later"), (204, "browser"), (206, "browser")]
)
def test_U3_another_status_than_200_is_told_with_what_to_do(
    server: FileServer, home: Path, status: int, hint_has: str
) -> None:
    server.give("/a.csv", b"" if status == 204 else BODY, status=status)
    found = fault(server, home)
    assert found.code == "E-FETCH-STATUS"
    assert f"answers {status} " in found.message
    assert hint_has in found.hint


def test_U3_an_endless_body_is_cut_at_the_limit(server: FileServer, home: Path) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not server.released.is_set():
            handler.wfile.write(b"x" * 10_000)

    server.answers["/a.csv"] = endless
    found = fault(server, home, limits=Limits(bytes=200_000))
    assert found.code == "E-FETCH-SIZE"
    assert "goes on after 200,000 bytes" in found.message


def test_U3_an_announced_length_above_the_limit_is_refused_before_the_body(server: FileServer, home: Path) -> None:
    server.give("/a.csv", b"", length=10**12)
    found = fault(server, home)
    assert (found.code, "1,000,000,000,000" in found.message) == ("E-FETCH-SIZE", True)


def test_U3_a_body_that_is_cut_off_is_refused(server: FileServer, home: Path) -> None:
    server.give("/a.csv", BODY, length=len(BODY) + 1)
    found = fault(server, home)
    assert found.code == "E-FETCH-LENGTH"
    assert "8 bytes came, of 9 bytes" in found.message


def test_U3_a_body_in_chunks_without_its_end_is_refused(server: FileServer, home: Path) -> None:
    def chunks(handler: BaseHTTPRequestHandler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"8\r\n" + BODY + b"\r\n")
        handler.close_connection = True

    server.answers["/a.csv"] = chunks
    assert fault(server, home).code == "E-FETCH-LENGTH"


def test_U3_an_empty_body_is_refused(server: FileServer, home: Path) -> None:
    server.give("/a.csv", b"")
    assert fault(server, home).code == "E-FETCH-EMPTY"


def test_U3_a_web_page_instead_of_a_file_is_refused_unless_it_is_pinned_or_meant(
    server: FileServer, home: Path
) -> None:
    for path in ("/a.csv", "/a.html", "/"):
        server.give(path, BODY, Content_Type="text/html; charset=utf-8")
    assert "a login page?" in fault(server, home).message
    assert fault(server, home, "/").code == "E-FETCH-HTML"
    assert fault(server, home, pin="0" * 64).code == "E-FETCH-HTML"
    assert get(server, home, pin=SHA).content == SHA
    assert get(server, home, "/a.html").content == SHA


def test_a_body_that_is_packed_against_the_request_is_unpacked(server: FileServer, home: Path) -> None:
    server.give("/a.csv", gzip.compress(BODY) + gzip.compress(BODY), Content_Encoding="gzip")
    assert get(server, home).path.read_bytes() == BODY * 2
    assert server.headers[0]["accept-encoding"] == "identity"


def test_a_packed_file_stays_packed(server: FileServer, home: Path) -> None:
    packed = gzip.compress(BODY)
    server.give("/a.csv.gz", packed, Content_Encoding="gzip")
    assert get(server, home, "/a.csv.gz").path.read_bytes() == packed


@pytest.mark.parametrize(
    ("body", "encoding", "code"),
    [
        (gzip.compress(BODY)[:-6], "gzip", "E-FETCH-LENGTH"),
        (BODY, "gzip", "E-FETCH-FAILED"),
        (gzip.compress(b"\0" * 10**7), "gzip", "E-FETCH-SIZE"),
        (BODY, "br", "E-FETCH-FAILED"),
    ],
    ids=["cut off", "not packed", "a bomb", "another packing"],
)
def test_U3_a_body_that_cannot_be_unpacked_is_refused(
    server: FileServer, home: Path, body: bytes, encoding: str, code: str
) -> None:
    server.give("/a.csv", body, Content_Encoding=encoding)
    assert fault(server, home, limits=Limits(bytes=100_000)).code == code


def test_silence_ends_a_fetch(server: FileServer, home: Path) -> None:
    def silent(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(BODY)
        server.hold(handler)

    server.answers["/a.csv"] = silent
    found = fault(server, home, limits=Limits(silence=0.2))
    assert (found.code, "nothing came for 0.2 seconds" in found.message) == ("E-FETCH-FAILED", True)
    server.answers["/a.csv"] = server.hold
    assert "nothing came for 0.2 seconds" in fault(server, home, limits=Limits(silence=0.2)).message


def test_a_server_that_is_not_there_or_not_known_is_told(server: FileServer, home: Path) -> None:
    server.stop()
    found = fault(server, home)
    assert (found.code, "Connection refused" in found.message) == ("E-FETCH-FAILED", True)
    with pytest.raises(MachineError) as caught:
        dataset_of_url("http://nowhere.invalid/x", None, home, print)
    assert "nowhere.invalid is not known" in str(caught.value)


def test_what_speaks_no_http_is_told(server: FileServer, home: Path) -> None:

    def another(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"SSH-2.0-x\r\n\r\n")

    server.answers["/a.csv"] = another
    assert fault(server, home).code == "E-FETCH-FAILED"
    with pytest.raises(MachineError) as caught:
        dataset_of_url(server.url("/a.csv").replace("http:", "https:"), None, home, print, allowed=(server.host,))
    assert caught.value.problems[0].code == "E-FETCH-FAILED"


def test_a_redirect_is_followed_and_the_file_keeps_its_first_name(
    server: FileServer, other: FileServer, home: Path
) -> None:
    server.give("/a.csv", b"", status=302, Location=other.url("/ä b.csv".replace(" ", "%20")).replace("ä", "%C3%A4"))
    other.give("/%C3%A4%20b.csv", BODY)
    found = dataset_of_url(server.url("/a.csv"), None, home, print, allowed=(server.host, other.host))
    assert (found.path.name, found.content) == ("a.csv", SHA)


def test_U2_a_redirect_to_a_private_address_is_refused_before_it_is_connected_to(
    server: FileServer, other: FileServer, home: Path
) -> None:
    other.give("/x", BODY)
    for target in (other.url("/x"), other.url("/x").replace("127.0.0.1", "2130706433"), "//[::1]/x"):
        server.give("/a.csv", b"", status=301, Location=target)
        found = fault(server, home)
        assert found.code == "E-URL-PRIVATE"
        assert found.message.startswith(f"{server.url('/a.csv')} redirects, and ")
    assert other.connections == 0


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("file:///etc/passwd", "E-URL-SCHEME"),
        ("http://a:b@example.org/", "E-URL-FORM"),
        ("http://[x", "E-FETCH-REDIRECT"),
    ],
)
def test_U1_each_hop_is_judged_as_if_it_had_been_typed(
    server: FileServer, home: Path, location: str, code: str
) -> None:
    server.give("/a.csv", b"", status=302, Location=location)
    assert fault(server, home).code == code


def test_a_circle_of_redirects_ends_after_five(server: FileServer, home: Path) -> None:
    server.give("/a.csv", b"", status=302, Location="/a.csv")
    found = fault(server, home)
    assert (found.code, len(server.asked)) == ("E-FETCH-REDIRECT", 6)


def test_the_body_of_a_redirect_is_not_read(server: FileServer, home: Path) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/b.csv")
        handler.end_headers()
        while not server.released.is_set():
            handler.wfile.write(b"x" * 10_000)

    server.answers["/a.csv"] = endless
    server.give("/b.csv", BODY)
    assert get(server, home).content == SHA


def test_U2_a_name_that_leads_to_a_private_address_is_refused_before_it_is_connected_to(
    server: FileServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers_with(monkeypatch, "127.0.0.1", "10.0.0.1")
    with pytest.raises(PipelineError) as caught:
        dataset_of_url(f"http://rebind.example:{server.host.partition(':')[2]}/a.csv", None, home, print)
    assert caught.value.problems[0].code == "E-URL-PRIVATE"
    assert server.connections == 0


def test_U2_rebinding_gains_nothing_as_the_address_that_was_judged_is_connected_to(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name server says a public address and a private one, which is passed over; a second look-up fails."""
    asked = answers_with(monkeypatch, "93.184.215.14", "127.0.0.1", times=1)
    tried: list[Any] = []

    def refuse(_: socket.socket, address: Any) -> None:
        tried.append(address)
        raise ConnectionRefusedError("by the test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(MachineError):
        dataset_of_url("https://rebind.example/a.csv", None, home, print)
    assert tried == [("93.184.215.14", 443)]
    assert asked == ["rebind.example"]


def answers_with(monkeypatch: pytest.MonkeyPatch, *addresses: str, times: int = 99) -> list[str]:
    """A name server that knows every name; the names that it was asked for."""
    asked: list[str] = []

    def look_up(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        assert len(asked) <= times
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_U2_behind_a_proxy_the_name_is_judged_and_listed_hosts_go_direct(
    server: FileServer, other: FileServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{other.host}")
    other.give("http://nowhere.invalid/a.csv", BODY)  # this machine does not know the name, the proxy does
    assert dataset_of_url("http://nowhere.invalid/a.csv", None, home, print).content == SHA
    server.give("/a.csv", b"direct")
    assert get(server, home).path.read_bytes() == b"direct"
    answers_with(monkeypatch, "192.168.1.1")
    with pytest.raises(PipelineError) as caught:
        dataset_of_url("http://intern.example/a.csv", None, home, print)
    assert caught.value.problems[0].code == "E-URL-PRIVATE"
    assert other.asked == ["http://nowhere.invalid/a.csv"]


def test_two_fetches_of_one_url_at_once_ask_once(server: FileServer, home: Path) -> None:
    waiting = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        waiting.wait(60)  # until the second fetch has found the lock
        handler.wfile.write(BODY)

    server.answers["/a.csv"] = slow
    lines: list[str] = []
    found: list[Dataset] = []

    def progress(line: str) -> None:
        lines.append(line)
        if line.startswith("waiting"):
            waiting.set()

    threads = [threading.Thread(target=lambda: found.append(get(server, home, progress=progress))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [one.content for one in found] == [SHA, SHA]
    assert server.asked == ["/a.csv"]
    assert sorted(line.partition(" ")[0] for line in lines) == ["fetching", "waiting"]


def stalled(server: FileServer) -> threading.Event:
    """Make the server send the half of a file and then nothing; the event tells that it has."""
    sent = threading.Event()

    def half(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(BODY)
        handler.wfile.flush()
        sent.set()
        server.hold(handler)

    server.answers["/a.csv"] = half
    return sent


def test_cancelling_ends_a_fetch_that_waits_for_bytes_and_leaves_nothing(server: FileServer, home: Path) -> None:
    """A body without a length that is shut down looks whole; it is not taken."""
    sent, cancel = stalled(server), Cancel()
    ended: list[type[BaseException]] = []

    def work() -> None:
        try:
            get(server, home, cancel=cancel)
        except BaseException as error:
            ended.append(type(error))

    thread = threading.Thread(target=work)
    thread.start()
    assert sent.wait(60)
    cancel.cancel()
    thread.join(30)
    assert ended == [Cancelled]
    assert kept(home) == []


def test_cancelling_ends_the_wait_for_another_fetch(server: FileServer, home: Path) -> None:
    sent, first, second = stalled(server), Cancel(), Cancel()

    def work() -> None:
        with contextlib.suppress(Cancelled):
            get(server, home, cancel=first)

    thread = threading.Thread(target=work)
    thread.start()
    assert sent.wait(60)
    with pytest.raises(Cancelled):
        get(server, home, cancel=second, progress=lambda line: second.cancel() if "waiting" in line else None)
    assert server.asked == ["/a.csv"]
    first.cancel()
    thread.join(30)
    assert not thread.is_alive()


@pytest.mark.fault
def test_a_fetch_whose_process_is_killed_leaves_no_lock_and_its_part_is_swept(server: FileServer, home: Path) -> None:
    sent = stalled(server)
    code = (
        "import sys; from pathlib import Path; from dagbook.runner.records.datasets import dataset_of_url\n"
        "dataset_of_url(sys.argv[1], None, Path(sys.argv[2]), print, allowed=(sys.argv[3],))"
    )
    child = subprocess.Popen([sys.executable, "-c", code, server.url("/a.csv"), str(home), server.host])
    assert sent.wait(60)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert [name for name in kept(home) if name.startswith(".new-")]
    server.give("/other.csv", b"other")
    get(server, home, "/other.csv")  # sweeps what others have left
    assert [name for name in kept(home) if name.startswith(".new-")] == []
    server.give("/a.csv", BODY)
    assert get(server, home).content == SHA


def test_a_part_that_was_left_of_this_url_is_in_nobodys_way(server: FileServer, home: Path) -> None:
    server.give("/a.csv", BODY)
    get(server, home)
    (record,) = (home / "urls").glob("*.json")
    (home / f".new-{record.stem}").write_text("left")
    assert get(server, home, again=True).content == SHA
    assert kept(home) == [f"{SHA}/a.csv"]


def test_a_folder_that_takes_nothing_is_the_machines_fault(server: FileServer, home: Path) -> None:
    server.give("/a.csv", BODY)
    home.write_text("a file")
    with pytest.raises(MachineError) as caught:
        get(server, home)
    assert caught.value.problems[0].code == "E-STORE"
    assert str(home) in caught.value.problems[0].message
