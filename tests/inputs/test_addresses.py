"""URLs that must not be asked for; told before a name is looked up."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from .row import Row, call, in_cells, lay_out, try_row


def url(name: str, code: str, address: str, *, says: str = "", fix: str = "") -> Row:
    """A row that is a dataset at that address."""
    quoted = f'"{address}"' if "'" in address else f"'{address}'"
    cells = (f"%pipeline_data d --url {quoted}", "%%pipeline_node a --after d\n1")
    return in_cells(name, code, *cells, says=says, fix=fix, cell=1)


ROWS = [
    *[
        url(f"U1-{address[:24]}", "E-URL-SCHEME", address, says="http")
        for address in (
            "file:///etc/passwd",
            "ftp://example.org/x",
            "gopher://example.org/1",
            "data:text/plain,hello",
            "example.org/x",
            "//example.org/x",
            "javascript:alert(1)",
            "htps://example.org/x",
        )
    ],
    *[
        url(f"U1-{address[:40]!a}", "E-URL-FORM", address)
        for address in (
            "http://me:secret@example.org/x",
            "http://example.org@evil.org/",
            "http://example.org\\@evil.org/",
            "http://exa mple.org/",
            "http://",
            "http:///x",
            "http://exa\u200bmple.org/",
            "http://example.org:0/",
            "http://example.org:99999/",
            "http://[::1/x",
            "http://" + "a" * 9000,
            "http://a..b/",
            "http://%31/",
        )
    ],
    *[
        url(f"U2-{host}", "E-URL-PRIVATE", f"http://{host}/x", fix="data_hosts")
        for host in (
            "127.1",
            "0x7f.1",
            "2130706433",
            "0177.0.0.1",
            "127.0.0.1",
            "[::1]",
            "[::ffff:169.254.169.254]",
            "169.254.169.254",
            "10.0.0.1",
            "192.168.1.1",
            "0.0.0.0",
            "[fe80::1]",
            "[64:ff9b::7f00:1]",
            "0",
            "[2002:7f00:1::]",
            "224.0.0.1",
            "100.64.0.1",
            "[::]",
            "①②⑦.0.0.1",
            "127。0。0。1",
        )
    ],
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_an_address_that_must_not_be_asked_is_told_and_not_looked_up(
    row: Row, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_up(*asked: object, **_: object) -> None:
        raise AssertionError(f"{asked} was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    try_row(row, folder)


def test_U1_a_password_in_an_address_is_not_repeated(folder: Path) -> None:
    lay_out(url("", "", "http://me:canary-7f3a@example.org/x"), folder)
    assert "canary" not in call("check", "flow.ipynb").output
