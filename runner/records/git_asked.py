"""How git is asked about a folder of the user's, whose repository may come from anybody: nothing of it is executed.

The configuration of a repository can name programs that git then starts: hooks, a monitor of the file system, filters
for the files' contents. Those that the user's own configuration names (git-lfs, say) stay as they are.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

_WITHOUT = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
_THEIRS = ("local", "worktree")  # scopes of the configuration that come with the repository


def git_words(folder: Path) -> list[str]:
    """The words of a command that asks git about the folder; what is asked comes behind them.

    git also writes nothing there, as it would to know faster next time. Raises OSError where there is no git.
    """
    return ["git", "--no-optional-locks", *_WITHOUT, *_without_filters(folder), "-C", str(folder)]


def _without_filters(folder: Path) -> list[str]:
    """Options that switch off the filters of contents that the repository itself brings."""
    command = ["git", *_WITHOUT, "-C", str(folder), "config", "--list", "--show-scope", "--name-only", "-z"]
    listed = subprocess.run(command, capture_output=True, check=False).stdout.decode(errors="surrogateescape")
    words = listed.split("\0")
    named = {key for scope, key in zip(words[::2], words[1::2], strict=False) if scope in _THEIRS}
    options: list[str] = []
    for key in sorted(named):
        if key.startswith("filter.") and "=" not in key:  # which no option could name, and git takes no filter of it
            options += ["-c", f"{key}={'false' if key.endswith('.required') else ''}"]
    return options
