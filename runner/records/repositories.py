"""Repositories that nodes ask for (`--git URL@REF`): mirrored once in the store, checked out for each attempt.

The user's own `git` does the work, because it honours their keys, proxies and credential helpers. It asks nobody
anything and runs no hooks. Submodules and files of Git LFS are not fetched.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import PipelineError, Place, Problem, nearest, problem, raise_errors
from ..formats.git_address import GitAddress, read_git_address, without_credentials
from .git_asked import FOREIGN

LONGEST_SECONDS = 600.0  # for one call of git
SILENT_SECONDS = 30  # without a byte from an HTTP server, git gives up

_INSTALL = "Install git (apt-get install git, or git-scm.com)."
_TRY = "Try it in a terminal: git ls-remote {url}"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository settled for a run: `commit` (40 hexadecimal digits) is what `ref` was when it was planned.

    `url` is as it was written, a local path made absolute; `mirror` the bare copy in the store.
    """

    url: str
    ref: str
    commit: str
    mirror: Path


def resolve(url_ref: str, home: Path, folder: Path = Path()) -> tuple[Repository, list[Problem]]:
    """The repository that `url_ref` (`URL@REF`) means, mirrored under `home`, and W-GIT when it does not answer.

    A branch or tag is asked for each time; a commit that is known needs no network. A repository that does not
    answer is taken as it was the last time. `folder` is what a relative path means.
    Raises PipelineError: E-GIT (no git, nobody answers, no address), E-GIT-REF.
    """
    address = _absolute(read_git_address(url_ref), folder)
    mirror = home / hashlib.sha256(address.url.encode()).hexdigest()
    with _only_one(mirror):
        # Its HEAD leads nowhere until the default branch was asked for: a guess would be a wrong commit.
        _git(address, "init", "--quiet", "--bare", "--template=", "--initial-branch=unknown/default", str(mirror))
        if _is_commit(address.ref) and (known := _commit_of(mirror, address.ref)):
            return Repository(address.url, address.ref, known, mirror), []
        silent = ""
        try:
            _fetch(address, mirror)
        except _Failed as failed:
            silent = str(failed)
        commit = _commit_of(mirror, address.ref or "HEAD")
    if commit is None:
        raise PipelineError(_unreachable(address, silent) if silent else _unknown(address, mirror))
    ref = address.ref or "the default branch"
    warned = [problem("W-GIT", url=address.url, ref=ref, why=silent, commit=commit[:12])] if silent else []
    return Repository(address.url, address.ref, commit, mirror), warned


def resolve_all(
    wanted: Mapping[str, str], home: Path, folder: Path, tell: Callable[[str], None]
) -> tuple[dict[str, Repository], list[Problem]]:
    """`resolve` for many: `wanted` holds what each node asks for, by title; each repository is asked once.

    Raises PipelineError with all findings.
    """
    settled: dict[str, Repository] = {}
    found: list[Problem] = []
    for text in dict.fromkeys(wanted.values()):
        tell(f"fetching {without_credentials(text)}")
        try:
            settled[text], warned = resolve(text, home, folder)
            found += warned
        except PipelineError as error:
            place = Place(node=next(title for title, one in wanted.items() if one == text))
            found += [one.at(place) for one in error.problems]
    raise_errors(found)
    return {title: settled[text] for title, text in wanted.items()}, found


def checkout(repository: Repository, folder: Path) -> Path:
    """Write the files of its commit to `folder`, which is made: plain files, without a `.git`; gives `folder` back.

    Raises OSError when they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dagbook") as own:
        # An index of its own: several attempts check out of one mirror at the same time.
        index = {"GIT_INDEX_FILE": f"{own}/index", "GIT_LFS_SKIP_SMUDGE": "1"}
        place = [f"--git-dir={repository.mirror}", f"--work-tree={folder}"]
        for step in (["read-tree", repository.commit], ["checkout-index", "--all", "--force"]):
            try:
                _run([*place, *step], folder, **index)
            except _Failed as failed:
                raise OSError(f"the commit {repository.commit[:12]} cannot be checked out: {failed}") from None
    return folder


class _Failed(Exception):
    """git ended with an error; str() is its last line, without credentials."""


def _absolute(address: GitAddress, folder: Path) -> GitAddress:
    """A local path is meant from `folder`, and spelled whole: it names the mirror."""
    if "://" in address.url or (re.match(r"[^/]+:", address.url) and not (folder / address.url).exists()):
        return address
    return GitAddress(str((folder / address.url).resolve()), address.ref)


@contextlib.contextmanager
def _only_one(mirror: Path) -> Iterator[None]:
    """Hold the mirror's lock among all runs of this store; the system lets go of it when the process dies."""
    mirror.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(mirror.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_commit(ref: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{40}", ref))


def _fetch(address: GitAddress, mirror: Path) -> None:
    """Make the mirror's branches and tags those of the repository. Raises _Failed."""
    bare = f"--git-dir={mirror}"
    quiet = ["--quiet", "--no-auto-gc", "--no-write-fetch-head", "--no-recurse-submodules"]
    if not address.ref:
        told = _run([bare, "ls-remote", "--symref", "--", address.url, "HEAD"])
        if head := re.search(r"(?m)^ref: (refs/heads/\S+)\s+HEAD$", told):
            _run([bare, "symbolic-ref", "HEAD", head[1]])
    refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    _run([bare, "fetch", *quiet, "--prune", "--no-tags", "--update-head-ok", "--", address.url, *refs])
    if _is_commit(address.ref) and not _commit_of(mirror, address.ref):
        with contextlib.suppress(_Failed):  # many servers give a commit that no branch or tag leads to
            _run([bare, "fetch", *quiet, "--no-tags", "--", address.url, address.ref])


def _commit_of(mirror: Path, ref: str) -> str | None:
    """The commit that `ref` is in the mirror: a branch before a tag before a commit's (shortened) name."""
    names = [ref] if ref == "HEAD" else [f"refs/heads/{ref}", f"refs/tags/{ref}"]
    if re.fullmatch(r"[0-9a-fA-F]{4,40}", ref):
        names.append(ref)
    for name in names:
        with contextlib.suppress(_Failed):
            command = [f"--git-dir={mirror}", "rev-parse", "--verify", "--quiet", "--end-of-options"]
            return _run([*command, f"{name}^{{commit}}"]).strip()
    return None


def _git(address: GitAddress, *words: str) -> None:
    try:
        _run(list(words))
    except _Failed as failed:
        raise PipelineError(_unreachable(address, str(failed))) from None


def _run(words: list[str], folder: Path | None = None, **variables: str) -> str:
    """What git prints. Raises _Failed, and PipelineError (E-GIT) when there is no git."""
    # Hooks and the file system's monitor are programs that a repository could name.
    command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.autocrlf=false"]
    try:
        done = subprocess.run(
            [*command, *words],
            cwd=folder or "/",  # not a folder of the user's, whose repository could say something
            env={**_environment(), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONGEST_SECONDS,
            start_new_session=True,  # without a terminal, ssh cannot ask for a passphrase and wait for ever
            check=False,
        )
    except OSError as error:
        what = f"--git needs git, and it cannot be run here: {error.strerror}"
        raise PipelineError(problem("E-GIT", what=what, hint=_INSTALL)) from None
    except subprocess.TimeoutExpired:
        raise _Failed(f"git took longer than {LONGEST_SECONDS:.0f} seconds") from None
    if done.returncode:
        raise _Failed(last_line(done.stderr.decode(errors="replace")))
    return done.stdout.decode(errors="replace")


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file",
        "GIT_HTTP_LOW_SPEED_LIMIT": "1",
        "GIT_HTTP_LOW_SPEED_TIME": str(SILENT_SECONDS),
    }


def last_line(text: str) -> str:
    """git's own word for what went wrong: its last line that says so."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:", "ERROR:"))]
    general = [line for line in fatal if "Could not read from remote repository" not in line]
    # ssh says first why, then git only that it could not.
    found = (general or [line for line in lines if line not in fatal][-1:] or fatal or ["it said nothing"])[-1]
    return without_credentials(re.sub(r"^(fatal|error|ERROR): ", "", found))[:300]


def _unreachable(address: GitAddress, why: str) -> Problem:
    hint = _TRY.format(url=address.url)
    return problem("E-GIT", what=f"the repository {address.url} cannot be had: {why}", hint=hint)


def _unknown(address: GitAddress, mirror: Path) -> Problem:
    names = _run([f"--git-dir={mirror}", "for-each-ref", "--format=%(refname:lstrip=2)"]).split()
    if not address.ref:
        hint = f"Name a branch: --git {address.url}@BRANCH. {nearest('main', names)}"
        return problem("E-GIT", what=f"the repository {address.url} has no default branch", hint=hint)
    return problem("E-GIT-REF", url=address.url, ref=address.ref, nearest=nearest(address.ref, names))
