"""Secrets are not shown: which names and values look like one, and what stands in their place."""

from __future__ import annotations

import re

from .values import Value, readable, shown

MASK = "••••"

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET = frozenset(
    {"token", "password", "passwd", "passphrase", "passcode", "pwd", "secret", "key", "apikey", "credential"}
    | {"credentials", "auth", "authorization", "bearer", "cookie", "pat", "signature"}
)
_SEVERAL = frozenset({"tokens", "keys", "secrets", "passwords"})  # of a number they count: max_tokens=512
_ENDINGS = ("password", "passwd", "secret", "apikey", "token", "accesskey", "secretkey", "privatekey")
# What services and tools hand out, and addresses with a password in them.
_VALUES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(?:gh[opsur]_|github_pat_|glpat-|hf_|sk-|xox[abprs]-|AKIA|ASIA|AIza)[A-Za-z0-9_-]{8}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\."
    r"|\bBearer\s+\S{8}"
    r"|://[^/\s:@]*:[^/\s@]+@"
)


class Hidden:
    """A text that is told to nobody by accident: printed or formatted it is dots. `reveal` gives it to who needs it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hidden) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


def secret_in(text: str) -> str:
    """What a text holds of the kind that services and tools hand out as a secret, or an address with a password.

    As far as the next white space or quote; empty where there is none.
    """
    found = _VALUES.search(text)
    return re.match(r"(?:Bearer\s+)?[^\s\"'`]*", text[found.start() :])[0] if found else ""  # type: ignore[index]


def looks_secret(name: str, value: Value = "") -> bool:
    """Whether a parameter or variable is better not shown: by its name, or by what its value looks like."""
    words = {word.lower() for word in _WORDS.findall(name)}
    counts = isinstance(value, int | float) and not isinstance(value, bool)
    named = not words.isdisjoint(_SECRET) or name.lower().endswith(_ENDINGS)
    return named or (not counts and not words.isdisjoint(_SEVERAL)) or _VALUES.search(shown(value)) is not None


def masked(name: str, value: Value) -> str:
    """The value as people read it, or dots where it looks like a secret."""
    return MASK if looks_secret(name, value) else readable(value)


def masked_in_full(name: str, value: Value) -> str:
    """The same with all digits: where it is compared, or read by a program."""
    return MASK if looks_secret(name, value) else shown(value)
