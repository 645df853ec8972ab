"""Finds the values of secrets on this machine: in variables, in files, by a command that prints them.

A value goes into a node's environment or into files that only the node has. Nothing here writes one anywhere.
Rules: docs/semantics.md, "Secrets".
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..core.dialect import Secret, as_variable
from ..core.environment import LONGEST_VALUE
from ..core.errors import PipelineError, Place, Problem, problem
from ..core.spellings import without

PREFIX = "DAGBOOK_SECRET_"
COMMAND_SECONDS = 30.0  # for one secret: a password store may ask its agent, and nobody else can answer
LARGEST = 2**20  # bytes of one value

_SETTING = "DAGBOOK_SECRET_COMMAND"  # no secret's variable
_LONGEST_TOLD = 200  # characters of what a command complained of


@dataclass(frozen=True, slots=True, repr=False)
class SecretFolder:
    """A secret as files: at `target` in the node, a file for each key."""

    name: str
    target: str
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, repr=False)
class SecretValues:
    """The values of a node's secrets: by variable, and in folders; `hidden` holds each, for who must not show it.

    It has no repr that tells them, and is never made into JSON.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[SecretFolder, ...] = ()

    @property
    def hidden(self) -> tuple[bytes, ...]:
        """Every value, each once."""
        found = [os.fsencode(value) for value in self.variables.values()]
        found += [value for folder in self.folders for value in folder.files.values()]
        return tuple(dict.fromkeys(found))


def usual_folder(environ: Mapping[str, str]) -> Path:
    """Where secrets are kept unless a setting says otherwise."""
    return Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "dagbook" / "secrets"


def variable_of(secret: Secret) -> str:
    """The variable of this machine that gives a secret: DAGBOOK_SECRET_<NAME>_<KEY>."""
    return PREFIX + "_".join(as_variable(word) for word in (secret.name, secret.key) if word)


def values_at_hand(folder: Path, environ: Mapping[str, str]) -> list[bytes]:
    """Every value of a secret in variables and in the folder of secrets, whoever wants it; no command is run."""
    found = _in_variables(environ)
    for file in sorted(folder.rglob("*")):
        try:
            if file.is_file() and file.stat().st_size <= LARGEST:
                found.append(file.read_bytes())
        except OSError:
            continue  # nor can a node have had it
    return found


def _in_variables(environ: Mapping[str, str]) -> list[bytes]:
    return [os.fsencode(value) for name, value in environ.items() if name.startswith(PREFIX) and name != _SETTING]


class _NotHad(Exception):
    """Why a value that seems to be there cannot be had, in words that end a sentence."""


class SecretSource:
    """Looks for values: in the environment, then in `folder`, then by `command`. `warnings` gathers what to tell.

    Each is looked for once; the command is run without a shell, with `{name}` and `{key}` in its words filled.
    """

    def __init__(self, folder: Path, command: str | None, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._command = shlex.split(command) if command else []
        self._environ = environ
        self._known: dict[tuple[str, str | None], bytes | None] = {}
        self._complaints: dict[tuple[str, str | None], str] = {}
        self.warnings: dict[Path, Problem] = {}

    def values_of(self, node: str, place: Place, secrets: Iterable[Secret]) -> SecretValues:
        """The values of a node's secrets. Raises PipelineError (E-SECRET-MISSING, E-SECRET) with all that lack one."""
        found: list[Problem] = []
        variables: dict[str, str] = {}
        folders: list[SecretFolder] = []
        for secret in secrets:
            files = self._files(secret) if secret.path else {}
            value = self._value(secret) if secret.given_in else b""
            if value is None or (secret.path and not files):
                found.append(self._missing(node, place, secret))
                continue
            if secret.given_in:
                text = _as_text(value)
                if text is None:
                    found.append(_no_text(node, place, secret))
                    continue
                variables[secret.given_in] = text
            if secret.path:
                folders.append(SecretFolder(secret.name, secret.path.rstrip("/"), files))
        if found:
            raise PipelineError(*found)
        return SecretValues(variables, tuple(folders))

    def _files(self, secret: Secret) -> dict[str, bytes]:
        """The files of a secret's folder: that of its key, else those of all its keys; empty when it has no value."""
        keys = [secret.key] if secret.key else self._keys(secret.name)
        if not keys:  # one value without keys
            value = self._value(secret)
            return {} if value is None else {secret.name: value}
        each = {key: self._value(Secret(name=secret.name, key=key)) for key in keys}
        if any((secret.name, key) in self._complaints for key in keys) or (secret.key and each[secret.key] is None):
            return {}
        return {key: value or b"" for key, value in each.items()}  # a file that is there may hold nothing

    def _keys(self, name: str) -> list[str]:
        try:
            there = sorted((self._folder / name).iterdir())
        except OSError:
            return []
        return [one.name for one in there if one.is_file()]

    def _value(self, secret: Secret) -> bytes | None:
        asked = (secret.name, secret.key)
        if asked not in self._known:
            self._known[asked] = self._look(secret)
        return self._known[asked]

    def _look(self, secret: Secret) -> bytes | None:
        variable = variable_of(secret)
        if variable != _SETTING and (said := self._environ.get(variable)):
            return os.fsencode(said)
        try:
            kept = self._read(secret)
            return self._ask(secret) if kept is None else kept
        except _NotHad as error:
            self._complaints[secret.name, secret.key] = str(error)
            return None

    def _place(self, secret: Secret) -> Path:
        return self._folder / secret.name / secret.key if secret.key else self._folder / secret.name

    def _read(self, secret: Secret) -> bytes | None:
        place = self._place(secret)
        try:
            with open(place, "rb") as file:
                value = file.read(LARGEST + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise _NotHad(f"; {place} cannot be read: {error.strerror}") from None
        if len(value) > LARGEST:
            raise _NotHad(f"; {place} is larger than {LARGEST // 2**20} MiB")
        if _others_read(place, self._folder):
            self.warnings.setdefault(place, problem("W-SECRET-MODE", file=place))
        return value or None

    def _ask(self, secret: Secret) -> bytes | None:
        """What the command prints, without one final line end."""
        if not self._command:
            return None
        words = [word for one in self._command if (word := _filled(one, secret))]
        try:
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise _NotHad(f"; {words[0]} printed none in {COMMAND_SECONDS:g} s") from None
        except (OSError, ValueError) as error:
            raise _NotHad(f"; {words[0]} could not be started: {error}") from None
        if done.returncode:
            # A shell that traces what it does complains with the very value that it prints.
            complaint = without(done.stderr.decode(errors="replace"), [done.stdout, *_in_variables(self._environ)])
            told = " ".join(complaint.split())[:_LONGEST_TOLD]
            raise _NotHad(f"; {words[0]} failed (code {done.returncode}){told and ': '}{told}")
        if len(done.stdout) > LARGEST:
            raise _NotHad(f"; {words[0]} printed more than {LARGEST // 2**20} MiB")
        return without_line_end(done.stdout) or None

    def _missing(self, node: str, place: Place, secret: Secret) -> Problem:
        complaints = {key: why for (name, key), why in self._complaints.items() if name == secret.name}
        why = complaints.get(secret.key) or ("" if secret.key else next(iter(complaints.values()), ""))
        variable, file = variable_of(secret), self._place(secret)
        return problem(
            "E-SECRET-MISSING", place, node=node, secret=secret, why=why, variable=variable, file=shlex.quote(str(file))
        )


def without_line_end(value: bytes) -> bytes:
    """`value` without the line end that editors and `echo` put there."""
    return value.removesuffix(b"\n").removesuffix(b"\r")


def _filled(word: str, secret: Secret) -> str:
    """A word of the command with name and key in it; without a key the slash before it goes too."""
    if not secret.key:
        word = word.replace("/{key}", "").replace("{key}", "")
    return word.replace("{name}", secret.name).replace("{key}", secret.key or "")


def _as_text(value: bytes) -> str | None:
    """A value as a variable holds it; None when no variable can."""
    value = without_line_end(value)
    if b"\0" in value or len(value) > LONGEST_VALUE:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _no_text(node: str, place: Place, secret: Secret) -> Problem:
    what = f'"{node}" gets the secret {secret} in a variable, and its value is no text that one can hold'
    return problem("E-SECRET", place, what=what, hint="Give it as a file: `path` in the node's YAML instead.")


def _others_read(file: Path, top: Path) -> bool:
    """Whether other users can reach the file, and read it."""
    mode = os.stat(file).st_mode
    folders = [os.stat(one).st_mode for one in file.parents if one == top or top in one.parents]
    group = mode & 0o040 and all(one & 0o010 for one in folders)
    anybody = mode & 0o004 and all(one & 0o001 for one in folders)
    return bool(group or anybody)
