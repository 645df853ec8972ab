"""Fetching a URL into a file, and being sure that what came is the thing: whole, not empty, not a login page."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass, replace
from http.client import IncompleteRead
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urljoin

from ..core.data_source import Url, check_url
from ..core.errors import MachineError, PipelineError, problem
from .connections import requested
from .long_work import Cancel, Pace, Progress

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 16  # small enough that a slow connection is still told of and cancelled
MOST_HOPS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_PAGES = (".html", ".htm", ".xhtml")
_PACKED = (".gz", ".tgz")
_STATUS_HINTS = {
    401: "It asks for a login. Fetch it in a node that has the password in its environment.",
    403: "It may ask for a login, or a signed URL may have expired.",
    404: "Look at the spelling: the server is there, the file is not.",
    410: "The file was taken away; look for its new place.",
    429: "The server asks for a pause; run it again later.",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much and how long: the most `bytes` of a file, seconds to `connect`, seconds of `silence` at any time."""

    bytes: int = 50 * 10**9
    connect: float = 20
    silence: float = 60


USUAL = Limits()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched: the sha256 and size in bytes of what was written, the server's `etag`, if any.

    `page` holds the content type where a web page came though a file was asked for.
    """

    sha256: str
    bytes: int
    etag: str | None = None
    page: str | None = None


def fetch(
    url: Url, file: BinaryIO, allowed: Collection[str], progress: Progress, cancel: Cancel, limits: Limits, pages: bool
) -> Fetched:
    """Write what is at `url` into `file`; `pages`: a web page in place of a file is let in, for the caller to judge.

    What it wrote before an error is worthless. Raises PipelineError (E-FETCH-*, E-URL-*), MachineError
    (E-FETCH-FAILED) when the connection fails, Cancelled, and OSError when `file` cannot be written.
    """
    progress(f"fetching {url.shown}")
    try:
        session, answer = _answered(url, allowed, cancel, limits)
        with closing(session), closing(answer):
            page = _checked(url, answer, limits, pages)
            digest, size = _received(url, answer, file, Pace(progress), cancel, limits)
    finally:
        cancel.unwatch()
    return Fetched(digest, size, answer.headers.get("ETag"), page)


def _answered(
    url: Url, allowed: Collection[str], cancel: Cancel, limits: Limits
) -> tuple[requests.Session, requests.Response]:
    """The last answer of a chain of redirects; each hop is judged as if it had been asked for."""
    here = url
    for _ in range(MOST_HOPS + 1):
        session, answer = _asked(here, allowed, cancel, limits)
        if answer.status_code not in _REDIRECTS or "Location" not in answer.headers:
            return session, answer
        with closing(session), closing(answer):
            here = _next(here, answer, allowed)
    why = f"it redirects more than {MOST_HOPS} times, at last to {here.shown}"
    raise PipelineError(problem("E-FETCH-REDIRECT", url=url.shown, why=why))


def _asked(
    url: Url, allowed: Collection[str], cancel: Cancel, limits: Limits
) -> tuple[requests.Session, requests.Response]:
    import requests

    cancel.check()
    try:
        return requested(url, allowed, cancel, (limits.connect, limits.silence))
    except requests.RequestException as error:
        cancel.check()  # the connection was shut down for that
        raise _failed(url, error, limits) from None


def _next(here: Url, answer: requests.Response, allowed: Collection[str]) -> Url:
    # Header lines come as Latin-1; what is meant is UTF-8.
    target = answer.headers["Location"].encode("latin-1", "replace").decode("utf-8", "replace")
    try:
        found = check_url(urljoin(here.text, target), allowed)
    except PipelineError as error:
        told = [replace(one, message=f"{here.shown} redirects, and {one.message}") for one in error.problems]
        raise PipelineError(*told) from None
    except ValueError:  # urljoin
        why = "it redirects to what is no URL"
        raise PipelineError(problem("E-FETCH-REDIRECT", url=here.shown, why=why)) from None
    if (here.scheme, found.scheme) == ("https", "http"):
        why = f"it redirects to {found.shown}, which is not encrypted"
        raise PipelineError(problem("E-FETCH-REDIRECT", url=here.shown, why=why))
    return found


def _checked(url: Url, answer: requests.Response, limits: Limits, pages: bool) -> str | None:
    """Refuse by the head of the answer; the content type of a web page that was let in."""
    status = answer.status_code
    if status != 200:
        again = "The server has a fault; run it again later." if status >= 500 else "Look at it in a browser."
        hint = _STATUS_HINTS.get(status, again)
        reason = " ".join((answer.reason or "").split())[:60]
        raise PipelineError(problem("E-FETCH-STATUS", url=url.shown, status=f"{status} {reason}".strip(), hint=hint))
    declared = _declared(answer)
    if declared is not None and declared > limits.bytes:
        raise _too_large(url, f"is {declared:,} bytes", limits)
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "text/html" or url.file_name.lower().endswith(_PAGES):
        return None
    if not pages:
        raise page_instead(url)
    return kind


def page_instead(url: Url) -> PipelineError:
    """The error that a web page came where `url` names a file."""
    return PipelineError(problem("E-FETCH-HTML", url=url.shown))


def _received(
    url: Url, answer: requests.Response, file: BinaryIO, pace: Pace, cancel: Cancel, limits: Limits
) -> tuple[str, int]:
    """Copy the body to `file`; the sha256 and the number of bytes written."""
    from urllib3.exceptions import HTTPError

    declared, total, size = _declared(answer), hashlib.sha256(), 0
    read = _reader(url, answer)
    while True:
        try:
            piece = read(CHUNK)
        except (HTTPError, OSError, EOFError, zlib.error) as error:  # of the connection, or of unpacking
            cancel.check()
            if any(isinstance(one, (IncompleteRead, EOFError)) for one in (error, *error.args)):
                raise _cut_off(url, answer) from None
            raise _failed(url, error, limits) from None
        cancel.check()  # first: a connection that was shut down ends like one that is through
        if not piece:
            break
        size += len(piece)
        if size > limits.bytes:
            raise _too_large(url, f"goes on after {limits.bytes:,} bytes", limits)
        file.write(piece)
        total.update(piece)
        pace.say(lambda: f"fetching {url.shown}: {_share(answer.raw.tell(), declared)}")
    if declared is not None and answer.raw.tell() != declared:
        raise _cut_off(url, answer)
    if size == 0:
        raise PipelineError(problem("E-FETCH-EMPTY", url=url.shown))
    return total.hexdigest(), size


def _reader(url: Url, answer: requests.Response) -> Callable[[int], bytes]:
    """What reads the file itself from the body.

    It was asked for unpacked. A server that packs it all the same is unpacked, except where the name says that the
    file is a packed one: many servers tell the packing of such a file as if it were the transfer's.
    """
    encoding = answer.headers.get("Content-Encoding", "").strip().lower()
    name = url.file_name.lower()
    if encoding in ("", "identity") or (encoding in ("gzip", "x-gzip") and name.endswith(_PACKED)):
        return lambda amount: bytes(answer.raw.read(amount, decode_content=False))
    if encoding in ("gzip", "x-gzip"):
        return gzip.GzipFile(fileobj=answer.raw, mode="rb").read1
    why = f"the server packs it as {encoding[:40]!r} though it was asked not to"
    raise PipelineError(problem("E-FETCH-FAILED", url=url.shown, why=why))


def _declared(answer: requests.Response) -> int | None:
    """Content-Length; of no meaning where the body comes in chunks."""
    length = answer.headers.get("Content-Length", "")
    chunked = "chunked" in answer.headers.get("Transfer-Encoding", "").lower()
    return int(length) if length.isascii() and length.isdigit() and not chunked else None


def _share(got: int, declared: int | None) -> str:
    amount = f"{got / 2**20:,.0f} MiB"
    return f"{100 * got // declared} % of {declared / 2**20:,.0f} MiB" if declared else amount


def _cut_off(url: Url, answer: requests.Response) -> PipelineError:
    declared = _declared(answer)
    announced = f"of {declared:,} bytes" if declared is not None else "and not the end"
    return PipelineError(problem("E-FETCH-LENGTH", url=url.shown, got=f"{answer.raw.tell():,}", announced=announced))


def _too_large(url: Url, what: str, limits: Limits) -> PipelineError:
    return PipelineError(problem("E-FETCH-SIZE", url=url.shown, what=what, limit=f"{limits.bytes:,}"))


def _failed(url: Url, error: Exception, limits: Limits) -> MachineError:
    return MachineError(problem("E-FETCH-FAILED", url=url.shown, why=_why(error, limits)))


def _why(error: BaseException, limits: Limits) -> str:
    """The cause in a few words: requests wraps it several times, each with addresses of objects."""
    from urllib3.exceptions import ReadTimeoutError

    inner: Any = error
    while True:
        if isinstance(inner, ReadTimeoutError):
            return f"nothing came for {limits.silence:g} seconds"
        deeper = getattr(inner, "reason", None)
        if not isinstance(deeper, BaseException):
            deeper = next((one for one in reversed(inner.args) if isinstance(one, BaseException)), None)
        if deeper is None:
            break
        inner = deeper
    if isinstance(inner, TimeoutError):
        return f"no connection within {limits.connect:g} seconds"
    said = getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
    return " ".join(str(said).split())[:200]
