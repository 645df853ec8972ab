"""Where values of secrets are found, in which order, and what is told of those that are not."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from dagbook.runner.core.dialect import Secret
from dagbook.runner.core.errors import PipelineError, Place, Problem
from dagbook.runner.records import secret_values
from dagbook.runner.records.secret_values import SecretSource, SecretValues, usual_folder, variable_of

TOKEN = Secret(name="vault", key="api-token", variable="T")
ALONE = Secret(name="hub.token", variable="T")
PYTHON = shlex.quote(sys.executable)
PRINTS = f"{PYTHON} -c 'import sys; print(sys.argv[1:], end=chr(10) * 2)' {{name}}/{{key}} --of={{name}}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "secrets"
    made.mkdir(mode=0o700)
    return made


def put(folder: Path, path: str, content: bytes | str, mode: int = 0o600) -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    file.chmod(mode)
    return file


def found(source: SecretSource, *secrets: Secret) -> SecretValues:
    return source.values_of("fit", Place(node="fit"), secrets)


def missing(source: SecretSource, *secrets: Secret) -> tuple[Problem, ...]:
    with pytest.raises(PipelineError) as error:
        found(source, *secrets)
    return error.value.problems


@pytest.mark.parametrize(
    ("secret", "variable", "file"),
    [
        (TOKEN, "DAGBOOK_SECRET_VAULT_API_TOKEN", "vault/api-token"),
        (ALONE, "DAGBOOK_SECRET_HUB_TOKEN", "hub.token"),
    ],
)
def test_row_104_a_variable_wins_over_a_file_and_that_over_a_command(
    folder: Path, secret: Secret, variable: str, file: str
) -> None:
    """Each is asked only when those before it have no value; an empty one is none."""
    assert variable_of(secret) == variable
    assert found(SecretSource(folder, PRINTS, {}), secret).variables["T"].startswith("[")
    put(folder, file, "from file\n")
    assert found(SecretSource(folder, PRINTS, {variable: ""}), secret).variables == {"T": "from file"}
    assert found(SecretSource(folder, "false", {variable: "set"}), secret).variables == {"T": "set"}


def test_the_command_is_run_without_a_shell_and_loses_one_line_end(folder: Path) -> None:
    """Name and key stand in its words; without a key the slash before it goes too."""
    source = SecretSource(folder, PRINTS, {})
    as_file = Secret(name="vault", key="api-token", path="/v")
    assert found(source, as_file).hidden == (b"['vault/api-token', '--of=vault']\n",)  # it printed two
    assert found(source, ALONE).variables == {"T": "['hub.token', '--of=hub.token']"}
    assert found(SecretSource(folder, "echo $HOME;ls '{name} *'", {}), ALONE).variables["T"] == "$HOME;ls hub.token *"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (None, "has no value for it"),
        ("true", "has no value for it"),
        ("sh -c 'echo locked  out >&2; exit 3'", "; sh failed (code 3): locked out"),
        ("no-such-program-anywhere {name}", "; no-such-program-anywhere could not be started"),
        ("sleep 60", "; sleep printed none in 0.2 s"),
        ("head -c 2000000 /dev/zero", "; head printed more than 1 MiB"),
    ],
)
def test_a_secret_without_a_value_is_told_with_the_three_ways_to_give_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, command: str | None, why: str
) -> None:
    """Node, secret and key are named, and what the command complained of."""
    monkeypatch.setattr(secret_values, "COMMAND_SECONDS", 0.2)
    (told,) = missing(SecretSource(folder, command, {}), TOKEN)
    assert told.code == "E-SECRET-MISSING"
    assert told.message.startswith('"fit" needs the secret vault:api-token, and this machine')
    assert why in told.message
    for way in ("DAGBOOK_SECRET_VAULT_API_TOKEN", str(folder / "vault" / "api-token"), "secret_command", "{name}"):
        assert way in told.hint


def test_all_that_are_missing_are_told_at_once_and_each_is_asked_for_once(folder: Path, tmp_path: Path) -> None:
    """A password store may ask its agent each time."""
    count = tmp_path / "count"
    source = SecretSource(folder, f"sh -c 'echo x >>{count}; echo {{name}}'", {})
    assert found(source, TOKEN, TOKEN.model_copy(update={"variable": "U"})).variables == {"T": "vault", "U": "vault"}
    assert count.read_text() == "x\n"
    assert len(missing(SecretSource(folder, None, {}), TOKEN, ALONE)) == 2


def test_row_123_a_folder_has_a_file_for_each_key_with_the_exact_bytes(folder: Path) -> None:
    """Variables of this machine stand above its files here too; a folder in it is no key."""
    put(folder, "certs/ca.pem", b"\x00\xff\n")
    put(folder, "certs/key", "old\n")
    put(folder, "certs/empty", "")
    put(folder, "certs/..data/key", "no")
    whole = Secret(name="certs", path="/certs/")
    (made,) = found(SecretSource(folder, None, {"DAGBOOK_SECRET_CERTS_KEY": "new"}), whole).folders
    assert (made.name, made.target) == ("certs", "/certs")
    assert made.files == {"ca.pem": b"\x00\xff\n", "key": b"new", "empty": b""}
    one = Secret(name="certs", key="key", path="/k", variable="K")
    both = found(SecretSource(folder, None, {}), one)
    assert (both.folders[0].files, both.variables) == ({"key": b"old\n"}, {"K": "old"})
    assert both.hidden == (b"old", b"old\n")


def test_a_secret_without_keys_is_one_file_of_its_name(folder: Path) -> None:
    """It is where a secret was given by a variable or as one file."""
    whole = Secret(name="licence", path="/licence")
    (made,) = found(SecretSource(folder, None, {"DAGBOOK_SECRET_LICENCE": "abc"}), whole).folders
    assert made.files == {"licence": b"abc"}
    assert missing(SecretSource(folder, None, {}), whole)[0].code == "E-SECRET-MISSING"


@pytest.mark.parametrize("value", [b"a\0b", b"\xff\xfe", b"x" * 40_000])
def test_what_no_variable_can_hold_is_told(folder: Path, value: bytes) -> None:
    """It can be a file."""
    put(folder, "vault/api-token", value)
    (told,) = missing(SecretSource(folder, None, {}), TOKEN)
    assert told.code == "E-SECRET"
    assert "path" in told.hint
    assert found(SecretSource(folder, None, {}), Secret(name="vault", path="/v")).folders[0].files["api-token"] == value


@pytest.mark.parametrize(
    ("top", "mode", "warned"),
    [(0o700, 0o644, False), (0o755, 0o600, False), (0o755, 0o644, True), (0o750, 0o640, True), (0o750, 0o604, False)],
)
def test_a_file_that_others_can_read_is_warned_of(folder: Path, top: int, mode: int, warned: bool) -> None:
    """Not when they cannot come into the folder; once for each file."""
    file = put(folder, "hub.token", "x", mode)
    folder.chmod(top)
    source = SecretSource(folder, None, {})
    found(source, ALONE, ALONE.model_copy(update={"variable": "U"}))
    assert [one.code for one in source.warnings.values()] == ["W-SECRET-MODE"] * warned
    assert all(str(file) in one.message for one in source.warnings.values())


def test_values_are_in_no_repr(folder: Path) -> None:
    """Nor in that of what holds them."""
    put(folder, "vault/api-token", "canary-1")
    whole = Secret(name="vault", path="/v", variable="V", key="api-token")
    source = SecretSource(folder, None, {})
    assert "canary" not in f"{found(source, TOKEN, whole)!r} {found(source, whole).folders!r} {source!r}"


def test_the_usual_folder_is_in_the_users_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Wherever that is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert usual_folder({}) == tmp_path / ".config" / "dagbook" / "secrets"
    assert usual_folder({"XDG_CONFIG_HOME": "/conf"}) == Path("/conf/dagbook/secrets")


def test_P25_what_a_failing_command_complains_of_is_told_without_the_value(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell that traces what it does writes the value that it prints; and what it was given stands there, too."""
    script = 'set -x; T=\'canary 7f3a\'; echo "$T"; curl -H "Auth: $DAGBOOK_SECRET_OTHER"; exit 4'
    source = SecretSource(folder, f"sh -c {shlex.quote(script)}", {"DAGBOOK_SECRET_OTHER": "canary-9e01"})
    monkeypatch.setenv("DAGBOOK_SECRET_OTHER", "canary-9e01")
    with pytest.raises(PipelineError) as caught:
        found(source, TOKEN)
    told = str(caught.value)
    assert "failed (code 4): + T=" in told
    assert "Auth: ••••" in told
    assert "canary" not in told
