"""The cache: what node runs that passed left, found again by all that it followed from.

A key is made of named parts, so that a miss can be told in words. Of most parts only a digest is kept: an environment
variable, or a parameter that looks like a secret, may hold what is private, and code is long.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.errors import MachineError, problem
from ..core.masking import looks_secret
from ..core.values import Value, typed
from .failpoints import failpoint
from .held_files import changes, listing_of
from .store import Store
from .verify import Damage, check

if TYPE_CHECKING:
    from sqlite3 import Row

KEY_VERSION = 1  # raised when equal parts no longer mean an equal result
NEVER_RAN = "no earlier run of it succeeded"
MOST_CHANGES = 3

PROJECT = "project files"  # the part that is the digest of a project snapshot
_SHOWN = "parameter "  # parts whose names begin so are kept as they are, when they are short
_LONGEST_SHOWN = 60  # a digest has 64 characters, and must not be taken for a value


@dataclass(frozen=True, slots=True)
class Key:
    """What a result follows from: `digest` names the whole, `parts` is what may be kept and told of each part."""

    digest: str
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """A remembered result: its JSON body as it was given, and the node run that it is from (`at` in seconds)."""

    body: Mapping[str, Any]
    run: str
    node_run: str
    at: float


def key_of(parts: Mapping[str, str]) -> Key:
    """The key of these parts, given by names that people know: "code", "parameter lr", "environment MODE".

    A parameter's value (see `as_part`) stays readable if it is short and no secret; of all else only the sha256 is
    kept. Changes are told in the order of the parts.
    """
    kept = {name: _kept(name, value) for name, value in parts.items()}
    total = json.dumps([KEY_VERSION, sorted(kept.items())])
    return Key(hashlib.sha256(total.encode()).hexdigest(), kept)


def as_part(value: Value) -> str:
    """A parameter's value as a part of a key: as people read it, yet never the same text for two values.

    A text is quoted where it would be read as something else: '0.1' is not 0.1.
    """
    if not isinstance(value, str):
        return repr(value)
    plain = value and value.isprintable() and value[0] not in "'\"" and isinstance(typed(value), str)
    return value if plain else repr(value)


def _kept(name: str, value: str) -> str:
    if name.startswith(_SHOWN) and len(value) <= _LONGEST_SHOWN and not looks_secret(name[len(_SHOWN) :], value):
        return value
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


class Cache:
    """What is remembered in a store. Raises MachineError (E-STORE) when that cannot be read or written."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._files: dict[tuple[str, str], str] = {}  # what changed between two parts for them

    def keep(self, key: Key, pipeline: str, node: str, node_run: str, run: str, body: Mapping[str, Any]) -> None:
        """Remember what a node run that passed left; an earlier result of this node run with this key is replaced.

        `body` is plain JSON, {"detail": {"artifact": digest, ...}, ...}. Keeping a hit again makes it the latest
        result, the one that later changes are told against.
        """
        failpoint("result.keep")
        parts, result = json.dumps(dict(key.parts)), json.dumps(dict(body), allow_nan=False)
        with self._store.writing() as rows:
            rows.execute(
                """
                insert or replace into cache (key, pipeline, node_run, run, node, at, parts, body)
                values (?, ?, ?, ?, ?, ?, ?, ?)""",
                (key.digest, pipeline, node_run, run, node, time.time(), parts, result),
            )

    def find(self, key: Key) -> Found | None:
        """The latest result of this key, if its artifact is sound.

        A damaged artifact is set aside, and all results that left it are forgotten; `why_not` tells it.
        """
        row = self._row(key)
        if row is None:
            return None
        body = json.loads(row["body"])
        if "damaged" in body:
            return None
        artifact = _artifact(body)
        if artifact and (damage := self._damage(artifact)):
            self.forget(artifact, str(damage))
            return None
        return Found(body, row["run"], row["node_run"], row["at"])

    def why_not(self, key: Key, pipeline: str, node: str, node_run: str) -> str:
        """Why there is no result for this key: what changed since the latest one of this node run, else of the node."""
        same = self._row(key)
        if same is not None:
            return str(json.loads(same["body"]).get("damaged", "nothing changed"))
        latest = self._latest(pipeline, node, node_run)
        if latest is None:
            return NEVER_RAN
        found = list(_changes(json.loads(latest["parts"]), key.parts, self._changed_files)) or ["dagbook changed"]
        told = found[:MOST_CHANGES]
        if left := len(found) - len(told):
            return f"{', '.join(told)} and {left} more"
        return ", ".join(told)

    def _changed_files(self, before: str, now: str) -> str:
        """Which project files changed between these parts of keys; empty when a snapshot is not in the store."""
        if (before, now) not in self._files:
            homes = {_kept(PROJECT, home.name): home for home in self._store.code.glob("*")}
            try:
                found = str(changes(listing_of(homes[before]), listing_of(homes[now])))
            except (KeyError, OSError):
                found = ""
            self._files[(before, now)] = found
        return self._files[(before, now)]

    def _row(self, key: Key) -> Row | None:
        return self._first("select * from cache where key = ? order by at desc limit 1", key.digest)

    def _latest(self, pipeline: str, node: str, node_run: str) -> Row | None:
        of_node = "select parts from cache where pipeline = ? and node = ?"
        itself = self._first(f"{of_node} and node_run = ? order by at desc limit 1", pipeline, node, node_run)
        return itself or self._first(f"{of_node} order by at desc limit 1", pipeline, node)

    def _first(self, wanted: str, *values: str) -> Row | None:
        with self._store.reading() as rows:
            found: Row | None = rows.execute(wanted, values).fetchone()
        return found

    def _damage(self, artifact: str) -> Damage | None:
        try:
            return check(self._store.artifacts / artifact[:2] / artifact)
        except OSError as error:
            what = f"the artifact {artifact} in the store {self._store.folder} cannot be looked at: {error}"
            hint = "Check the folder's permissions and the limit of open files, or run with --no-cache."
            raise MachineError(problem("E-STORE", what=what, hint=hint)) from None

    def forget(self, artifact: str, why: str) -> None:
        """Forget what left this artifact; the parts stay, so that a later change can still be told."""
        damaged = json.dumps({"damaged": why})
        with self._store.writing() as rows:
            naming = "select distinct body from cache where instr(body, ?)"
            for (body,) in rows.execute(naming, (artifact,)).fetchall():
                if _artifact(json.loads(body)) == artifact:
                    rows.execute("update cache set body = ? where body = ?", (damaged, body))


def _artifact(body: Mapping[str, Any]) -> str:
    return str(body.get("detail", {}).get("artifact") or "")


def _changes(before: Mapping[str, str], now: Mapping[str, str], files: Callable[[str, str], str]) -> Iterator[str]:
    for name, value in now.items():
        if name not in before:
            yield f"{_words(name)} is new"
        elif name == PROJECT and value != before[name]:
            named = files(before[name], value)
            yield f"{name} changed ({named})" if named else f"{name} changed"
        elif value != before[name]:
            short = max(len(value), len(before[name])) <= _LONGEST_SHOWN
            yield f"{_words(name)}: {before[name]} is now {value}" if short else f"{_words(name)} changed"
    for name in before:
        if name not in now:
            yield f"{_words(name)} is gone"


def _words(name: str) -> str:
    kind, _, rest = name.partition(" ")
    return f"environment variable {rest}" if kind == "environment" and rest else name
