"""What people write for a repository: `URL@REF`, in which the URL may hold an @ of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..core.errors import PipelineError, problem

_SCHEMES = ("https", "http", "ssh", "git", "file")
_HINT = "Write URL@REF, such as https://git.example.org/team/model.git@main or git@git.example.org:team/model.git@v1."


@dataclass(frozen=True, slots=True)
class GitAddress:
    """A repository's URL (or local path) and the branch, tag or commit wanted; empty for its default branch."""

    url: str
    ref: str = ""

    def __str__(self) -> str:
        return f"{self.url}@{self.ref}" if self.ref else self.url


def read_git_address(text: str) -> GitAddress:
    """The address that `text` means. Raises PipelineError (E-GIT) for what cannot be one, and for a password in it:
    the notebook and the store would keep it. The password is not in the message."""
    safe = without_credentials(text)
    if not text or text.startswith("-") or re.search(r"[\x00-\x20\x7f]", text):
        raise _fault(f"{safe!r} is not the address of a repository")
    scheme, found, _ = text.partition("://")
    if re.match(r"\w+::", text) or (found and scheme not in _SCHEMES):
        raise _fault(f"{safe!r}: a repository is had by {', '.join(_SCHEMES)} or from a local folder")
    start = _path_start(text, len(scheme) + 3 if found else 0)
    if found:
        _check_host(scheme, text[len(scheme) + 3 : start], safe)
    # A path of this machine may hold an @; elsewhere the first one counts, for tags such as model@1.0.
    path, at, ref = text[start:].partition("@") if start else _cut_last(text)
    url = text[:start] + path
    if (at and not ref) or not path.strip("/"):
        raise _fault(f"{safe!r} has nothing {'after' if path.strip('/') else 'before'} the @")
    if why := _ref_fault(ref):
        raise _fault(f"{ref!r} cannot name a branch, tag or commit: {why}")
    return GitAddress(url, ref)


_CREDENTIALS = (
    "They would be kept with the notebook and each run. Give them by git's own means: "
    "an ssh key, a credential helper, or url.INSTEAD.insteadOf in its configuration."
)


def without_credentials(text: str) -> str:
    """`text` with what stands before an @ in a URL's host taken out."""
    return re.sub(r"(?<=://)[^/\s]*@", "***@", text)


def _check_host(scheme: str, host: str, safe: str) -> None:
    user, at, name = host.rpartition("@")
    if at and (":" in user or scheme != "ssh"):
        raise PipelineError(problem("E-GIT", what=f"{safe!r}: the address holds credentials", hint=_CREDENTIALS))
    if not re.fullmatch(r"(?:\[[0-9a-fA-F:]+\]|[\w.-]+)(?::\d+)?", name) and (name or scheme != "file"):
        # Not shown: what is no host may be half of a password that holds a slash.
        raise _fault(f"after {scheme}:// in --git there is no host")


def _cut_last(text: str) -> tuple[str, str, str]:
    path, at, ref = text.rpartition("@")
    return (path, at, ref) if at else (text, "", "")


def _path_start(text: str, after: int) -> int:
    """Where the path begins: an @ before it belongs to user@host."""
    if after:
        slash = text.find("/", after)
        return slash if slash >= 0 else len(text)
    host = re.match(r"(?:[\w.-]+@)?[\w.-]+:(?!//)", text)  # user@host:path, as scp has it
    return host.end() if host and "/" not in host[0] else 0


def _ref_fault(ref: str) -> str:
    """Why git takes no such name; empty when it does."""
    if ref.startswith(("-", "/")) or ref.endswith(("/", ".", ".lock")):
        return "it begins or ends with a character that git does not allow there"
    if ".." in ref or "//" in ref or "@{" in ref:
        return "it holds .., // or @{"
    if bad := re.search(r"[~^:?*\[\\]", ref):
        return f"it holds {bad[0]}"
    return ""


def _fault(what: str) -> PipelineError:
    return PipelineError(problem("E-GIT", what=what, hint=_HINT))
