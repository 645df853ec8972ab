"""Where notices go: URLs that apprise knows, each of which may hold a password and is therefore shown in part only."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ..core.dialect import Secret
from ..core.errors import PipelineError, Place, nearest, problem
from ..core.masking import MASK
from ..formats.settings import Settings
from ..records.secret_values import SecretSource, usual_folder
from .notices import Notice

if TYPE_CHECKING:
    from apprise import NotifyBase

_MAIL = ("mailto", "mailtos")
_LOG = "apprise"  # the logger that tells why a message did not get through
_SHORTEST = 4  # characters of a part of a URL that is taken out of what a service complains of


class Channel:
    """A URL that takes notices. `name` is as much of it as may be shown."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._plugin = _plugin_of(url)
        self.name = _shown(self._plugin)

    @property
    def sends_mail(self) -> bool:
        """Whether it can write to any address."""
        return self._url.partition(":")[0].lower() in _MAIL

    def to(self, addresses: tuple[str, ...]) -> Channel:
        """The same way of sending mail, to these addresses alone."""
        told: dict[str, Any] = type(self._plugin).parse_url(self._url) or {}
        told = {name: value for name, value in told.items() if name not in ("cc", "bcc")}
        other = object.__new__(Channel)
        other._url, other._plugin = self._url, _made({**told, "targets": list(addresses)}) or self._plugin
        other.name = f"{', '.join(addresses)} by {self.name}"
        return other

    def send(self, notice: Notice) -> str:
        """Send one notice, and wait; why it did not get through, empty when it did.

        In this thread: apprise's own threads would keep the process from ending while a server is silent.
        """
        import apprise
        from apprise.conversion import convert_between

        kinds = {"success": apprise.NotifyType.SUCCESS, "failure": apprise.NotifyType.FAILURE}
        kind = kinds.get(notice.event, apprise.NotifyType.WARNING)
        plain, form = apprise.NotifyFormat.TEXT, self._plugin.notify_format
        texts = (notice.title, notice.body)
        title, body = (convert_between(plain, form, text) for text in texts)  # type: ignore[no-untyped-call]
        if self._plugin.title_maxlen > 0:  # else it goes into the body
            title = notice.title
        with _complaints() as told:
            sent = self._plugin.notify(body=body, title=title, notify_type=kind, body_format=form)
        return "" if sent else without_secrets(self._url, told[-1] if told else "it does not say why")


def without_secrets(url: str, text: str) -> str:
    """What a service says, in a line, with dots for all that the URL holds besides scheme and host."""
    parts = urlsplit(url)
    words = [parts.username, parts.password, *re.split(r"[/?&=,]", f"{parts.path}/{parts.query}")]
    for word in sorted({unquote(one) for one in words if one}, key=len, reverse=True):
        text = text.replace(word, MASK) if len(word) >= _SHORTEST else text
    return " ".join(text.split())[:300]


@dataclass(frozen=True, slots=True)
class Channels:
    """All channels of a run: those that are always told, and of each person by name a channel or a mail address."""

    always: tuple[Channel, ...]
    people: Mapping[str, Channel | str]

    def addressed(self, notice: Notice) -> tuple[list[Channel], list[str]]:
        """Through which channels a notice goes, and which addresses it should go to and none of them can."""
        found = list(self.always)
        addresses = list(notice.emails)
        for person in notice.people:
            one = self.people.get(person.casefold(), person)
            if isinstance(one, Channel):
                found.append(one)
            elif "@" in one:
                addresses.append(one)
        mail = next((one for one in self.always if one.sends_mail), None)
        if mail and addresses:
            found.append(mail.to(tuple(dict.fromkeys(addresses))))
        return found, [] if mail else addresses


def channels_of(settings: Settings, folder: Path) -> Channels:
    """The channels of these settings; relative paths in them are meant from `folder`.

    Raises PipelineError (E-NOTIFY, E-SECRET-MISSING) with the first that is wrong.
    """
    if find_spec("apprise") is None:
        what = "somebody is to be told how runs go, and apprise is not installed"
        raise PipelineError(problem("E-NOTIFY", what=what, hint="Install it: pip install 'dagbook[notify]'"))
    always = tuple(Channel(_revealed(one.reveal(), settings, folder)) for one in settings.notify)
    people: dict[str, Channel | str] = {}
    for name, one in settings.people.items():
        said = one.reveal()
        is_url = "://" in said or said.startswith("secret:")
        people[name] = Channel(_revealed(said, settings, folder)) if is_url else said
    return Channels(always, people)


def _revealed(said: str, settings: Settings, folder: Path) -> str:
    """The URL that was written, or the secret whose name stands in its place."""
    if not said.startswith("secret:"):
        return said
    name, _, key = said.removeprefix("secret:").partition(":")
    place = folder / Path(settings.secrets).expanduser() if settings.secrets else usual_folder(os.environ)
    source = SecretSource(place, settings.secret_command, os.environ)
    secret = Secret(name=name, key=key or None, variable="URL")
    return source.values_of("notify", Place(), [secret]).variables["URL"].strip()


def _plugin_of(url: str) -> NotifyBase:
    made = _made(url)
    if made is None:
        raise PipelineError(problem("E-NOTIFY", what=_what(url), hint=_hint(url)))
    return made


def _made(said: str | dict[str, Any]) -> NotifyBase | None:
    import apprise

    with _complaints():
        found = apprise.Apprise.instantiate(said, suppress_exceptions=True)
    return found if isinstance(found, apprise.NotifyBase) else None


def _shown(plugin: NotifyBase) -> str:
    """Scheme and host; what a service puts in the host's place is short of its middle."""
    scheme, _, rest = str(plugin.url(privacy=True)).partition("://")  # type: ignore[no-untyped-call]
    return f"{scheme}://{re.split('[/?]', rest)[0].rpartition('@')[2]}"


def _what(url: str) -> str:
    scheme = url.partition(":")[0]
    return f"{scheme}://{MASK} is no URL to which apprise can send"


def _hint(url: str) -> str:
    """The nearest scheme, or how URLs of this one are written."""
    import apprise

    scheme = url.partition(":")[0].lower()
    forms: dict[str, tuple[str, ...]] = {}
    for service in apprise.Apprise().details()["schemas"]:
        for one in (*(service["protocols"] or ()), *(service["secure_protocols"] or ())):
            forms[one] = tuple(service["details"]["templates"])
    if scheme not in forms:
        return nearest(scheme, forms)
    written = "\n".join(f"  {form.replace('{schema}', scheme)}" for form in forms[scheme][:4])
    return f"Something in it is missing or wrong; its form is one of\n{written}"


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What apprise logs in this thread, in place of printing it: it may tell a whole URL."""
    listener = _Listener()
    log = logging.getLogger(_LOG)
    log.propagate = False
    log.addHandler(listener)
    try:
        yield listener.told
    finally:
        log.removeHandler(listener)


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.told.append(record.getMessage())
