"""How git is asked about a folder of the user's, whose repository may come from anybody: nothing of it is executed.

The configuration of a repository names programs that git then starts: hooks, a monitor of the file system, filters for
the files' contents, what brings objects that are not there; others (git-lfs) read it and start more. To switch off
those that are known would never end. So git does not see that configuration, nor does it look for a repository, since
a folder that looks like one may be among the files. It works on one of ours instead, which has the objects, the names
and the index of theirs, and of their configuration only what says how its files are to be read.

What the user's own configuration names stays as it is.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from subprocess import DEVNULL, PIPE, CalledProcessError, Popen

SECONDS = 30  # for one answer; whoever waits longer goes on as where there is no git

# What a caller's git hook or an alias may have set, and what would make git work on another repository.
FOREIGN = frozenset(
    f"GIT_{name}"
    for name in ("DIR", "WORK_TREE", "INDEX_FILE", "OBJECT_DIRECTORY", "COMMON_DIR", "NAMESPACE", "PREFIX")
) | {"GIT_ALTERNATE_OBJECT_DIRECTORIES"}

_WITHOUT = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")  # the user's may be a path within theirs
_READ = """core.repositoryformatversion extensions.objectformat extensions.refstorage core.filemode core.symlinks
    core.ignorecase core.precomposeunicode core.autocrlf core.eol status.showuntrackedfiles remote.origin.url"""
_LINKED = ("objects", "refs", "packed-refs", "info", "shallow")
_LONGEST = 4096  # bytes of a file that holds one name or path


@dataclass(frozen=True, slots=True)
class Git:
    """git as it is asked about one folder; `top` is the repository's folder, None outside of one."""

    folder: Path
    top: Path | None
    env: dict[str, str]

    def ask(self, *words: str, told: bytes = b"", fine: tuple[int, ...] = (0,)) -> bytes:
        """What git prints; `told` is what it reads, `fine` are the exit codes of an answer.

        Raises OSError where there is no git, and subprocess.SubprocessError when there is no answer.
        """
        return self._answer(self._started(words), told, fine)

    def ask_at_once(self, *questions: Sequence[str]) -> list[bytes]:
        """The answers to questions of which none needs another's. Raises as `ask`."""
        asked = [self._started(words) for words in questions]
        try:
            return [self._answer(one) for one in asked]
        finally:
            for one in asked:
                one.kill()
                one.wait()

    def _started(self, words: Sequence[str]) -> Popen[bytes]:
        command = ["git", *_WITHOUT, "-C", str(self.folder), *words]
        return Popen(command, env=self.env, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)

    def _answer(self, asked: Popen[bytes], told: bytes = b"", fine: tuple[int, ...] = (0,)) -> bytes:
        with asked:
            try:
                said, _ = asked.communicate(told, SECONDS)
            except BaseException:
                asked.kill()
                raise
        if asked.returncode not in fine:
            raise CalledProcessError(asked.returncode, asked.args)
        return said


@contextlib.contextmanager
def git_about(folder: Path, *, in_repository: bool = True) -> Iterator[Git]:
    """git for questions about the folder; outside of a repository, or not `in_repository`, as if it were a new one.

    Nothing is written to theirs, not even what git would know faster next time. Raises OSError where there is no git,
    and subprocess.SubprocessError when it cannot say how the repository is to be read: then it is not to be asked.
    """
    folder = folder.resolve()
    with tempfile.TemporaryDirectory(prefix="dagbook-git-") as made:
        ours = Path(made)
        for name in ("objects", "refs"):
            (ours / name).mkdir()
        (ours / "HEAD").write_text("ref: refs/heads/none\n")
        theirs = _repository_of(folder) if in_repository else None
        git = Git(folder, theirs.top if theirs else None, _environment(ours, theirs.top if theirs else folder))
        if theirs:
            (ours / "config").write_bytes(_settings(theirs.common / "config"))
            theirs.show_in(ours)
        yield git


@dataclass(frozen=True, slots=True)
class _Repository:
    """A repository as git lays it out; `own` differs from `common` in one of several work trees."""

    top: Path
    own: Path
    common: Path

    def show_in(self, ours: Path) -> None:
        """Make its objects, names and index those of ours."""
        (ours / "HEAD").write_bytes(_short(self.own / "HEAD"))  # which git does not follow as a link
        links = {name: self.common / name for name in _LINKED}
        links |= {path.name: path for path in (self.own / "index", *self.own.glob("sharedindex.*"))}
        if self.own == self.common:  # else each work tree has one more, which says what its HEAD is
            links["reftable"] = self.own / "reftable"
        for name, path in links.items():
            if path.exists():
                with contextlib.suppress(FileNotFoundError):
                    (ours / name).rmdir()
                (ours / name).symlink_to(path)


def _repository_of(folder: Path) -> _Repository | None:
    """The repository that the folder lies in: the nearest that a `.git` leads to."""
    for top in (folder, *folder.parents):
        own = top / ".git"
        if own.is_file():
            own = top / os.fsdecode(_short(own).removeprefix(b"gitdir:").strip())
        common = own / os.fsdecode(_short(own / "commondir").strip())
        if (own / "HEAD").is_file() and (common / "objects").is_dir() and (common / "refs").is_dir():
            return _Repository(top, own.resolve(), common.resolve())
    return None


def _short(path: Path) -> bytes:
    """What a file of one line holds; nothing when there is none, or when it is no file: a pipe would be waited for."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(_LONGEST)


def _settings(theirs: Path) -> bytes:
    """The configuration of ours: what theirs says on how its files are to be read, and where it comes from."""
    if not theirs.is_file():  # no setting is fine; a pipe would be waited for
        return b""
    now = theirs.stat()
    return _settings_as_of(theirs, now.st_mtime_ns, now.st_size)


@lru_cache(maxsize=8)  # a run asks twice, and each start of git takes as long as an answer
def _settings_as_of(theirs: Path, _changed: int, _size: int) -> bytes:
    nowhere = Path(os.devnull)
    git = Git(Path("/"), None, _environment(nowhere, nowhere))
    names = "|".join(name.replace(".", "[.]") for name in _READ.split())
    nothing_said = 1
    said = git.ask(
        *("config", "--file", str(theirs), "--no-includes", "-z", "--get-regexp", f"^({names})$"),
        fine=(0, nothing_said),
    )
    lines: list[bytes] = []
    for one in said.split(b"\0")[:-1]:
        key, _, value = one.partition(b"\n")
        section, _, name = key.rpartition(b".")
        section, _, part = section.partition(b".")
        lines.append(b'[%s "%s"]' % (section, part) if part else b"[%s]" % section)
        lines.append(b"%s = %s" % (name, _quoted(value)) if b"\n" in one else name)
    return b"\n".join(lines) + b"\n"


def _quoted(value: bytes) -> bytes:
    for plain, escaped in ((b"\\", b"\\\\"), (b'"', b'\\"'), (b"\n", b"\\n")):
        value = value.replace(plain, escaped)
    return b'"%s"' % value


def _environment(ours: Path, top: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return {
        **kept,
        "GIT_DIR": str(ours),
        "GIT_WORK_TREE": str(top),
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",  # what is not there stays away,
        "GIT_ALLOW_PROTOCOL": "none",  # also for a git that does not know the former
        "GIT_TERMINAL_PROMPT": "0",
    }
