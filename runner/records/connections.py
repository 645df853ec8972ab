"""HTTP sessions that know whom they talk to: the address that was judged is the one that is connected to.

A name is looked up once for each connection, and the connection goes to an address of that answer; so a name server
that answers differently the second time (rebinding) gains nothing. No byte is sent before.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from ..core.data_source import Url, is_allowed, is_public, private
from ..core.errors import MachineError, problem
from .long_work import Cancel

if TYPE_CHECKING:
    import requests


def requested(
    url: Url, allowed: Collection[str], cancel: Cancel, timeouts: tuple[float, float]
) -> tuple[requests.Session, requests.Response]:
    """The answer to a GET of `url`, its body still to be read, and the session to be closed after that.

    Redirects are not followed. `timeouts`: seconds for connecting, and of silence. `cancel` ends it, except where a
    proxy stands between. Raises PipelineError (E-URL-PRIVATE), MachineError (E-FETCH-FAILED) for a name that is not
    known, and requests' own errors.
    """
    import requests

    class Session(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            """None: even a redirect that is not to be followed would be prepared, and its body, if endless, read."""

    open_to_all = is_allowed(url, allowed)
    session = Session()
    try:
        session.headers["User-Agent"] = "dagbook"
        session.headers["Accept-Encoding"] = "identity"  # the bytes as they lie there
        direct = dict.fromkeys(("http", "https", "all"))  # None takes away what the environment says
        if not open_to_all and _proxy_for(url):
            _check_name(url)
        adapter = _adapter(url, cancel, timeouts[0], open_to_all)
        for scheme in ("http://", "https://"):
            session.mount(scheme, adapter)
        proxies: Any = direct if open_to_all else None
        return session, session.get(url.text, stream=True, timeout=timeouts, allow_redirects=False, proxies=proxies)
    except BaseException:
        session.close()
        raise


def _proxy_for(url: Url) -> str | None:
    from requests.utils import get_environ_proxies, select_proxy

    return select_proxy(url.text, get_environ_proxies(url.text))


def _check_name(url: Url) -> None:
    """Behind a proxy the connection goes to the proxy, which looks the name up itself and is trusted with that.

    What can be judged here is the name: when this machine knows it, it must not be private.
    """
    with contextlib.suppress(MachineError):
        _public(url, _addresses(url))


def _adapter(url: Url, cancel: Cancel, seconds: float, open_to_all: bool) -> requests.adapters.HTTPAdapter:
    """An adapter whose direct connections are made by `_connected`; those to a proxy are urllib3's own."""
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    def connect() -> socket.socket:
        found = _addresses(url)
        sock = _connected(found if open_to_all else _public(url, found), seconds)
        cancel.watch(sock)
        return sock

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return connect()

    class Secure(HTTPSConnection):  # TLS and its certificate are still about the host's name
        def _new_conn(self) -> socket.socket:
            return connect()

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    adapter = HTTPAdapter()
    adapter.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return adapter


def _addresses(url: Url) -> list[tuple[Any, ...]]:
    """What the host's name stands for, as getaddrinfo tells it."""
    try:
        return socket.getaddrinfo(url.host.strip("[]"), url.port, type=socket.SOCK_STREAM)
    except OSError as error:
        why = f"the name {url.host} is not known here ({error.strerror or error})"
        raise MachineError(problem("E-FETCH-FAILED", url=url.shown, why=why)) from None


def _public(url: Url, found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    public = [one for one in found if is_public(one[4][0])]
    if not public:
        raise private(url, found[0][4][0])
    return public


def _connected(addresses: list[tuple[Any, ...]], seconds: float) -> socket.socket:
    failed: OSError = OSError("it has no address")
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(seconds)
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            failed = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failed
