"""Where a dataset comes from: its URL, the host behind it and its pin, judged before a byte is asked for.

A URL that passes is taken apart once and put together anew from its pieces, so that nobody after us reads another
host in it than we did.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from .errors import PipelineError, nearest, problem

PORTS = {"http": 80, "https": 443}
LONGEST_URL = 8192  # characters; signed URLs of object stores have some thousand
_LONGEST_FILE = 200  # bytes
_HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_ALLOWED = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+?)\.?(?::(?P<port>\d{1,5}))?")
# Addresses that carry an IPv4 address: what counts is where that one leads.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Url:
    """A URL that may be asked for. `host` is in lower case, punycode or the usual form of an address."""

    scheme: str
    host: str
    port: int
    path: str
    query: str

    @property
    def text(self) -> str:
        """The whole URL as it is asked for; it may hold a signature or a token, so it is not shown."""
        return f"{self._before_path}{self.path}{'?' + self.query if self.query else ''}"

    @property
    def shown(self) -> str:
        """The URL for people and files: without its query."""
        return f"{self._before_path}{self.path}{'?…' if self.query else ''}"

    @property
    def file_name(self) -> str:
        """The name of the file that is fetched: the last part of the path, fit for any file system."""
        typed = unquote(self.path.rpartition("/")[2], errors="replace")
        name = "".join(one if one.isalnum() or one in "._-+=,@() " else "_" for one in typed).strip()
        name = name.encode()[-_LONGEST_FILE:].decode(errors="ignore")  # the end, as that tells the kind of file
        return name if name.strip(".") else "data"

    @property
    def _before_path(self) -> str:
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


def check_url(text: str, allowed: Collection[str] = ()) -> Url:
    """The URL `text`, taken apart; `allowed` are the private hosts that may be asked, as HOST or HOST:PORT.

    A fragment is dropped. No name is looked up here: a name that leads to a private address is found when the
    connection is made. Raises PipelineError (E-URL-SCHEME, E-URL-FORM, E-URL-PRIVATE).
    """
    for bad, why in (
        (len(text) > LONGEST_URL, f"it has more than {LONGEST_URL:,} characters"),
        (re.search(r"\s", text), "it holds white space (in a URL a space is %20)"),
        (not text.isprintable(), "it holds control or invisible characters"),
        ("\\" in text, "it holds a backslash"),
    ):
        if bad:
            raise _form(text, why)
    scheme = _scheme(text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _form(text, f"its host or port cannot be read{_said(text, error)}") from None
    if "@" in parts.netloc:
        hint = "Take them out; what needs a password is fetched in a node, with the password in its environment."
        raise _form(text, "it holds a user name or a password (what stands before @)", hint)
    if port == 0:
        raise _form(text, "there is no port 0")
    host = _host(text, parts.netloc)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    url = Url(scheme, host, port or PORTS[scheme], path, quote(parts.query, safe="/%:@!$&'()*+,;=~?[]|^"))
    address = _literal(host)
    if address and not is_public(address) and not is_allowed(url, allowed):
        raise private(url, address)
    return url


def private(url: Url, address: str) -> PipelineError:
    """The error that `url` leads to `address`, which is not public."""
    host = url.host if url.port == PORTS[url.scheme] else f"{url.host}:{url.port}"
    return PipelineError(problem("E-URL-PRIVATE", url=url.shown, address=address, host=host))


def is_allowed(url: Url, allowed: Collection[str]) -> bool:
    """True when `allowed` holds the URL's host, alone or with its port."""
    for entry in allowed:
        found = _ALLOWED.fullmatch(entry.strip().lower())
        if found and found["host"] == url.host and int(found["port"] or url.port) == url.port:
            return True
    return False


def is_host(text: str) -> bool:
    """True for what can be one of the allowed hosts: HOST or HOST:PORT, an IPv6 address in brackets."""
    found = _ALLOWED.fullmatch(text.strip().lower())
    return bool(found) and int(found["port"] or 1) in range(1, 65536) if found else False


def is_public(address: str) -> bool:
    """True for an address of the public internet, as opposed to this machine, a private network or a group."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if found.is_site_local:
            return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def check_pin(pin: str) -> str:
    """The sha256 that a pin means, in lower case, with or without `sha256:`. Raises PipelineError (E-VALUE)."""
    digest = pin.strip().lower().removeprefix("sha256:")
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        what = f"the pin {pin[:80]!r} is no sha256"
        hint = "Write the 64 hexadecimal digits that sha256sum prints, or that a run shows for the dataset."
        raise PipelineError(problem("E-VALUE", what=what, hint=hint))
    return digest


def _scheme(text: str) -> str:
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", text)
    if not found:
        what = f"the URL {_redacted(text)!r} does not begin with https:// or http://"
        raise PipelineError(problem("E-URL-SCHEME", what=what, hint="Write the whole URL, from https:// on."))
    scheme = found[1].lower()
    if scheme in PORTS:
        return scheme
    local = scheme == "file" or len(scheme) == 1  # C:\data is a path too
    hint = "A file or folder of this machine is given with --path." if local else nearest(scheme, PORTS)
    what = f"{found[1][:40]}: is no way in which a dataset can be fetched; http:// and https:// are"
    raise PipelineError(problem("E-URL-SCHEME", what=what, hint=hint))


def _host(text: str, netloc: str) -> str:
    """The host in its one form: names in punycode, every spelling of an IPv4 address as four numbers."""
    if netloc.startswith("["):
        inner, _, after = netloc[1:].partition("]")
        if "%" not in inner and re.fullmatch(r"(:\d*)?", after):
            try:
                return f"[{ipaddress.IPv6Address(inner).compressed}]"
            except ValueError:
                pass
        raise _form(text, "what stands in [ ] is no IPv6 address")
    host = _ascii(text, netloc.partition(":")[0]).removesuffix(".")
    if not host:
        raise _form(text, "it has no host")
    if not _HOST.fullmatch(host):
        raise _form(text, f"{host[:80]!r} cannot be a host's name")
    if re.fullmatch(r"\d+|0x[0-9a-f]*", host.rpartition(".")[2]):  # the end decides: this is a number, not a name
        return _ipv4(text, host)
    return host


def _ascii(text: str, host: str) -> str:
    if host.isascii():
        return host.lower()
    import idna  # comes with requests

    try:
        return idna.encode(host, uts46=True).decode("ascii").lower()
    except idna.IDNAError:
        raise _form(text, f"{host[:80]!r} cannot be a host's name") from None


def _ipv4(text: str, host: str) -> str:
    """127.1, 0x7f.1, 017700000001 and 2130706433 are one address: the C library takes all of them."""
    try:
        *first, last = [_number(part) for part in host.split(".")]
        if len(first) > 3 or any(one > 255 for one in first) or last >= 256 ** (4 - len(first)):
            raise ValueError
    except ValueError:
        raise _form(text, f"{host[:80]!r} is no IPv4 address") from None
    return str(ipaddress.IPv4Address(last + sum(one << 8 * (3 - place) for place, one in enumerate(first))))


def _number(part: str) -> int:
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8 if part.startswith("0") else 10)


def _literal(host: str) -> str | None:
    """The address that `host` is, if it is one and no name; this machine's for its own name."""
    if host.startswith("["):
        return host[1:-1]
    if host == "localhost" or host.endswith(".localhost"):
        return "127.0.0.1"
    return host if re.fullmatch(r"[\d.]+", host) else None


def _form(text: str, why: str, hint: str = "Write it as https://HOST/PATH.") -> PipelineError:
    return PipelineError(problem("E-URL-FORM", url=_redacted(text), why=why, hint=hint))


def _said(text: str, error: ValueError) -> str:
    return "" if "@" in text else f": {error}"  # what the error quotes may be a part of a password


def _redacted(text: str) -> str:
    """A URL that was refused, fit to be printed: what stands before @ may be a password, a query a token."""
    before, sign, after = text.rpartition("@")
    shown = re.split(r"[?#]", after if sign else before + after)[0]
    shown = "".join(one if one.isprintable() else "�" for one in shown)
    return f"{'…@' if sign else ''}{shown[:120]}{'…' if len(shown) > 120 else ''}"
