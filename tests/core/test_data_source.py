"""URLs and pins of datasets: what is refused before anything is asked for, and that no secret is printed."""

from __future__ import annotations

import pytest

from dagbook.runner.core.data_source import check_pin, check_url, is_allowed, is_host, is_public
from dagbook.runner.core.errors import PipelineError, Problem


def fault(url: str, *allowed: str) -> Problem:
    with pytest.raises(PipelineError) as caught:
        check_url(url, allowed)
    (found,) = caught.value.problems
    return found


SCHEMES = [
    ("file:///etc/passwd", "file:", "--path"),
    ("C:/data", "C:", "--path"),
    ("ftp://example.org/x", "ftp:", '"http"'),
    ("gopher://example.org:70/1", "gopher:", '"http"'),
    ("data:text/csv;base64,MSwy", "data:", "Known"),
    ("htps://example.org/x", "htps:", 'Did you mean "https"?'),
    ("s3://bucket/key", "s3:", '"https"'),
    ("example.org/x", "'example.org/x'", "https://"),
    ("//example.org/x", "'//example.org/x'", "https://"),
    ("", "''", "https://"),
]


@pytest.mark.parametrize(("url", "message_has", "hint_has"), SCHEMES)
def test_U1_only_http_and_https_are_fetched(url: str, message_has: str, hint_has: str) -> None:
    found = fault(url)
    assert found.code == "E-URL-SCHEME"
    assert message_has in found.message
    assert hint_has in found.hint


FORMS = [
    ("https://example.org/a b", "white space"),
    (" https://example.org/a", "white space"),
    ("https://example.org/a\n", "white space"),
    ("https://example.org/a\tb", "white space"),
    ("https://example.org/a\x00", "control"),
    ("https://example.org/a\u202eb", "invisible"),
    ("https://example.org\\@evil.example/x", "backslash"),
    ("https://", "no host"),
    ("https:///x", "no host"),
    ("https:example.org/x", "no host"),
    ("https://:80/x", "no host"),
    ("https://example.org:99999/x", "port"),
    ("https://example.org:abc/x", "port"),
    ("https://example.org:0/x", "port 0"),
    ("https://exa%6dple.org/x", "host's name"),
    ("https://-example.org/x", "host's name"),
    ("https://a..org/x", "host's name"),
    ("https://" + "a" * 64 + ".org/x", "host's name"),
    ("https://[::1/x", "host or port"),
    ("https://[fe80::1%25eth0]/x", "IPv6"),
    ("https://[zz]/x", "IPv6"),
    ("https://1.2.3.4.5/x", "IPv4"),
    ("https://256.1.1.1/x", "IPv4"),
    ("https://example.org/" + "x" * 9000, "8,192"),
]


@pytest.mark.parametrize(("url", "message_has"), FORMS)
def test_U1_a_url_of_another_form_is_refused(url: str, message_has: str) -> None:
    found = fault(url)
    assert found.code == "E-URL-FORM"
    assert message_has in found.message


@pytest.mark.parametrize(
    "url",
    [
        "https://lea:canary@example.org/x?token=canary",
        "https://canary@example.org/x",
        "https://lea:can/ary@example.org/x?canary#canary",
        "https://lea:canary?canary@example.org/x",
        "https://lea:canary#canary@example.org:99999/",
        "https://lea:canary canary@example.org/",
        "https://lea:canary\\@example.org/",
        "ftp://lea:canary@example.org/",
        "lea:canary@example.org",
        "//lea:canary@example.org",
        "https://example.org/a b?signature=canary",
        "https://lea:canary@[::1/x",
    ],
)
def test_U1_passwords_and_queries_of_refused_urls_are_not_printed(url: str) -> None:
    with pytest.raises(PipelineError) as caught:
        check_url(url)
    assert "ary" not in str(caught.value)  # nor a part of one


def test_U1_a_password_in_a_url_is_refused_with_a_way_out() -> None:
    found = fault("https://lea:secret@example.org/x")
    assert found.code == "E-URL-FORM"
    assert "password" in found.message
    assert "environment" in found.hint


GOOD = [
    ("https://example.org", "https://example.org/", "data"),
    ("HTTP://Example.ORG.:80/A.csv", "http://example.org/A.csv", "A.csv"),
    ("https://example.org:8443/a.csv#@evil.example/", "https://example.org:8443/a.csv", "a.csv"),
    ("https://example.org?@evil.example/", "https://example.org/?@evil.example/", "data"),
    ("https://bücher.example/ä.csv", "https://xn--bcher-kva.example/%C3%A4.csv", "ä.csv"),
    ("https://faß.example/x", "https://xn--fa-hia.example/x", "x"),
    ("https://8.8.8.8/x", "https://8.8.8.8/x", "x"),
    ("https://0x8080808/x", "https://8.8.8.8/x", "x"),
    ("https://[2606:4700:0::1111]/x", "https://[2606:4700::1111]/x", "x"),
    ("https://example.org/a/..%2f..%2fetc", "https://example.org/a/..%2f..%2fetc", ".._.._etc"),
    ("https://example.org/a/..", "https://example.org/a/..", "data"),
    ("https://example.org/a/%2e", "https://example.org/a/%2e", "data"),
    ("https://example.org/a%00b%0a.csv", "https://example.org/a%00b%0a.csv", "a_b_.csv"),
    ("https://example.org/" + "n" * 300 + ".csv", "https://example.org/" + "n" * 300 + ".csv", "n" * 196 + ".csv"),
]


@pytest.mark.parametrize(("url", "text", "file_name"), GOOD)
def test_U1_a_good_url_has_one_form_and_a_safe_file_name(url: str, text: str, file_name: str) -> None:
    found = check_url(url)
    assert (found.text, found.file_name) == (text, file_name)


def test_U1_a_query_is_asked_for_and_not_shown() -> None:
    found = check_url("https://example.org/a.csv?sig=canary&x=1#part")
    assert found.text == "https://example.org/a.csv?sig=canary&x=1"
    assert found.shown == "https://example.org/a.csv?…"


PRIVATE = [
    ("http://127.0.0.1/x", "127.0.0.1"),
    ("http://127.1/x", "127.0.0.1"),
    ("http://0x7f.1/x", "127.0.0.1"),
    ("http://2130706433/x", "127.0.0.1"),
    ("http://017700000001/x", "127.0.0.1"),
    ("http://0177.0.0.1/x", "127.0.0.1"),
    ("http://127.0.0.1./x", "127.0.0.1"),
    ("http://１２７.０.０.１/x", "127.0.0.1"),
    ("http://127。0。0。1/x", "127.0.0.1"),
    ("http://localhost/x", "127.0.0.1"),
    ("http://a.LOCALHOST/x", "127.0.0.1"),
    ("http://0/x", "0.0.0.0"),
    ("http://10.1.2.3/x", "10.1.2.3"),
    ("http://172.16.0.1/x", "172.16.0.1"),
    ("http://192.168.0.1/x", "192.168.0.1"),
    ("http://100.64.0.1/x", "100.64.0.1"),
    ("http://169.254.169.254/latest/meta-data", "169.254.169.254"),
    ("http://224.0.0.1/x", "224.0.0.1"),
    ("http://255.255.255.255/x", "255.255.255.255"),
    ("http://[::1]/x", "::1"),
    ("http://[::]/x", "::"),
    ("http://[fe80::1]/x", "fe80::1"),
    ("http://[fd00::1]/x", "fd00::1"),
    ("http://[ff02::1]/x", "ff02::1"),
    ("http://[fec0::1]/x", "fec0::1"),
    ("http://[::ffff:169.254.169.254]/x", "::ffff"),
    ("http://[::127.0.0.1]/x", "::"),
    ("http://[2002:7f00:1::]/x", "2002:7f00:1::"),
    ("http://[64:ff9b::10.0.0.1]/x", "64:ff9b::"),
]


@pytest.mark.parametrize(("url", "address"), PRIVATE)
def test_U2_private_addresses_are_refused_in_every_spelling(url: str, address: str) -> None:
    found = fault(url)
    assert found.code == "E-URL-PRIVATE"
    assert address in found.message
    assert "data_hosts" in found.hint


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_U2_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


def test_U2_a_private_host_is_fetched_from_when_it_is_listed_alone_or_with_its_port() -> None:
    assert check_url("http://127.1:9000/x", ["127.0.0.1:9000"]).host == "127.0.0.1"
    assert check_url("http://LOCALHOST:9000/x", ["localhost"]).port == 9000
    assert check_url("http://[0::1]/x", ["[::1]:80"]).host == "[::1]"
    assert fault("http://127.0.0.1:9001/x", "127.0.0.1:9000").code == "E-URL-PRIVATE"
    assert fault("http://127.0.0.1/x", "localhost", "127.0.0.1.example.org").code == "E-URL-PRIVATE"
    assert not is_allowed(check_url("https://files.local/x"), ["files.local:80"])  # https: 443


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("files.local", True),
        ("10.0.0.5:9000", True),
        ("[::1]", True),
        ("[::1]:80", True),
        ("::1", False),
        ("http://x", False),
        ("a/b", False),
        ("", False),
        ("x:0", False),
        ("x:70000", False),
        ("*", False),
    ],
)
def test_U2_what_can_be_listed_as_a_host(text: str, right: bool) -> None:
    assert is_host(text) is right


def test_a_pin_is_a_sha256_in_any_of_its_spellings() -> None:
    assert check_pin(" SHA256:" + "AB" * 32) == "ab" * 32
    for bad in ("ab" * 16, "", "g" * 64, "md5:" + "ab" * 32):
        with pytest.raises(PipelineError) as caught:
            check_pin(bad)
        assert caught.value.problems[0].code == "E-VALUE"
