"""Calls the command line in this process under a guard: `python guarded.py FOLDER FILE…`, each file by each command.

Ends with 70 and says why when anything starts a program (but for those that are asked for what they know), connects
anywhere, imports a file of FOLDER, or writes a file outside of SCRATCH. It is a program of its own, since an audit hook
stays for as long as its process lives.
"""

from __future__ import annotations

import os
import sys
from typing import Any

REFUSED = (
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.system",
    "pty.spawn",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.sendto",
    "urllib.Request",
)

COMMANDS = ("check", "plan", "graph", "import", "check --executor process", "export --to native")
ASKED = ("git", "pandoc", "bwrap")  # what they know or can: jupytext asks pandoc for its version


def guard(folder: str) -> None:
    """Refuse from now on what reading has no need of."""
    inside = os.path.realpath(folder) + os.sep

    def refuse(why: str) -> None:
        sys.stderr.write(f"REFUSED: {why}\n")
        sys.stderr.flush()
        os._exit(70)

    def look(event: str, said: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and os.path.basename(str(said[1][0])) not in ASKED:
            refuse(f"{event} {said[1]}")
        elif event.startswith(REFUSED):
            refuse(f"{event} {said}")
        elif event == "exec" and str(getattr(said[0], "co_filename", "")).startswith(inside):
            refuse(f"exec of {said[0].co_filename}")
        elif event == "import" and said[1] and os.path.realpath(str(said[1])).startswith(inside):
            refuse(f"import of {said[1]}")
        elif event == "open" and isinstance(said[0], str | bytes) and _writes(said):
            path = os.path.realpath(os.fsdecode(said[0]))
            if not path.startswith(("/dev/", os.path.realpath(os.environ["SCRATCH"]) + os.sep)):
                refuse(f"writing {path}")

    sys.addaudithook(look)


def _writes(said: tuple[Any, ...]) -> bool:
    flags = said[2] if isinstance(said[2], int) else 0
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND))


def called(words: list[str]) -> int:
    """The exit code of a command."""
    from dagbook.runner.cli import main

    try:
        main(words, prog_name="dagbook")
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


if __name__ == "__main__":
    guard(sys.argv[1])
    for file in sys.argv[2:]:
        for command in COMMANDS:
            sys.stderr.write(f"{command} {file}: {called([*command.split(), file])}\n")
