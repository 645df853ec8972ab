"""The shell scripts that start a node: environment ready, lifeline held, then the kernel or the command.

The lifeline: the run's process holds the write end of a FIFO; in the node a process of its own (forked twice, so
that the kernel has no child that it does not know) reads it. When the run's process ends, however it ends, the
read ends and everything in the node is killed, even a kernel that is stuck in C code and hears nothing. A node
on an engine that shares no FIFO with this machine reads its stdin instead, which the engine closes.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import boot
from .contract import Job, Runtime
from .resources import USED
from .rundir import BORN, IMAGES, PRINTED, RunDir
from .secret_folders import mounts_of

# In a process-id namespace of its own -1 means "all in it" (its first process, the init, ends when its child does);
# among the machine's processes it is the process group that the launcher leads.
NAMESPACE = "-1"
GROUP = '-"$$"'

LATE = "late"  # the file of the run directory with the variables that are told at the gate
CUT = "cut"  # the file in the run directory that is there when the lifeline has ended

BOOT = "kernel.py"  # the file of the run directory that becomes the kernel
_BOOT = Path(boot.__file__).read_text(encoding="utf-8")


def launcher(
    command: Sequence[str],
    rundir: RunDir,
    everything: str,
    *,
    stdin: bool = False,
    log: bool = True,
    measure: str = "",
    held: bool = False,
    birth: bool = False,
    word: str = "",
) -> str:
    """The script that becomes `command`.

    `everything` is what to kill at the end of the lifeline (NAMESPACE or GROUP), `stdin` reads the lifeline from
    standard input, `log` sends what it prints to files of the run directory. With `measure`, which prints
    what the command used, the script stays above the command and leaves that in the run directory. `held`: first it
    waits for a line on standard input, and takes the variables that `write_late` left; where the input ends, so does
    it. `birth`: it says so by the FIFO BORN first of all. `word` is a line that it prints when the command that is
    measured is over; then a file CUT tells of the end of the lifeline.
    """
    lifeline = "/dev/fd/3" if stdin else shlex.quote(f"{rundir.seen}/alive")
    quiet = "</dev/null >/dev/null 2>&1"
    # A FIFO that nobody writes to any more is opened only by one who can write as well: a run's process that was killed
    # before this line would otherwise hold the opening up for ever, and nothing would end the node.
    opened = f"exec 3<>{lifeline} 4<{lifeline} 3>&-; read -r line <&4" if not stdin else f"read -r line <{lifeline}"
    # No redirection that could wait or end the shell: whatever a node made of that name, it is killed.
    mark = f"true <>{shlex.quote(f'{rundir.seen}/{CUT}')}; " if word else ""
    watch = f"( ( ( {opened} ); {mark}kill -KILL {everything} ) {quiet} & )"
    late = shlex.quote(f"{rundir.seen}/{LATE}")
    lines = [
        # For reading too: a FIFO that nobody reads any more would hold it up for ever.
        *([f"echo 1<>{shlex.quote(f'{rundir.seen}/{BORN}')}"] if birth else []),
        *([f"read -r line || exit 1; . {late}"] if held else []),
        'mkdir -p "$HOME" "$MPLCONFIGDIR" 2>/dev/null',
        *(["exec 3<&0"] if stdin else []),
        watch,
        *(["exec 3<&-"] if stdin else []),
    ]
    if measure:
        lines += _measured(command, measure, rundir, word)
    else:
        lines += [
            f"{_hidden(command, rundir)}exec {shlex.join(command)} </dev/null" + (_to_files(rundir) if log else "")
        ]
    return "\n".join(lines) + "\n"


def _hidden(command: Sequence[str], rundir: RunDir) -> str:
    """Keeps the search path from Python when it starts our program, which takes it over from its arguments.

    Python imports a sitecustomize from there before anything else: the project's would run before the node's first
    cell, and before there is a node, when the kernel is started ahead.
    """
    return "unset PYTHONPATH; " if f"{rundir.seen}/{BOOT}" in command else ""


def write_late(variables: Mapping[str, str | None], rundir: RunDir) -> None:
    """Leave variables for a script that is held, to be set, or unset where they are None."""
    lines = [
        f"unset {name}" if value is None else f"export {name}={shlex.quote(value)}" for name, value in variables.items()
    ]
    rundir.write(LATE, "\n".join(lines) + "\n")


def _measured(command: Sequence[str], measure: str, rundir: RunDir, word: str) -> list[str]:
    used = shlex.quote(f"{rundir.seen}/{USED}")
    return [
        "exec 4>&2 2>/dev/null",  # a shell says so itself when a signal ends its command
        f"( exec {shlex.join(command)} </dev/null 2>&4 4>&- )",
        "code=$?",
        *([f"echo {shlex.quote(word)}"] if word else []),
        f"{measure} >{used}",
        "exit $code",
    ]


def _to_files(rundir: RunDir) -> str:
    return f" >{shlex.quote(f'{rundir.seen}/{PRINTED}')} 2>{shlex.quote(f'{rundir.seen}/log')}"


def is_ours(runtime: Runtime) -> bool:
    """Whether the kernel is an ipykernel, which is started by our program: without the debugger it starts faster."""
    return runtime.language == "python" and (not runtime.launch or "ipykernel_launcher" in runtime.launch)


def kernel_command(job: Job, rundir: RunDir, variables: Mapping[str, str], python: str = "python3") -> list[str]:
    """The command line of the job's kernel, started with `variables`; writes into the run directory what it needs."""
    connection = rundir.write_connection()
    launch = job.runtime.launch
    if launch and is_ours(job.runtime):
        launch, python = (), job.runtime.launch[0]
    if launch:
        return [part.replace("{connection_file}", connection) for part in launch]
    return [python, rundir.write(BOOT, _BOOT), connection, rundir.helpers, variables["PYTHONPATH"]]


def script_command(script: str, rundir: RunDir) -> list[str]:
    """The command line of a command node: by `sh -e`, or by the interpreter that its first line names."""
    path = rundir.write("script", script)
    first = script.partition("\n")[0]
    if first.startswith("#!"):
        # Named instead of executed: the run directory may lie on a filesystem mounted noexec.
        interpreter, _, argument = first[2:].strip().partition(" ")
        if interpreter:
            return [interpreter, *([argument.strip()] if argument.strip() else []), path]
    return ["sh", "-e", path]


def environment(job: Job, rundir: RunDir, *, real_paths: bool) -> dict[str, str]:
    """The variables that the executor sets: where things are in the node, and the job's own.

    `real_paths`: the node sees this machine's paths, not /input and /output.
    """
    mounts = (*job.mounts, *mounts_of(job, rundir))
    found = [(m.variable, str(m.source) if real_paths else m.target) for m in mounts if m.variable]
    own = {**job.runtime.environment, **job.environment, **job.secrets.variables}
    for variable, path in found:
        # A search path is added to, every other variable names one place.
        own[variable] = f"{path}:{own[variable]}" if variable == "PYTHONPATH" and own.get(variable) else path
    own["DAGBOOK_OUTPUT"] = str(job.output) if real_paths else "/output"
    own["DAGBOOK_IMAGES"] = f"{rundir.seen}/{IMAGES}"
    shown = [entry for entry in own.get("PYTHONPATH", "").split(":") if entry]
    if real_paths:
        shown = [_real(entry, job) for entry in shown]
    own["PYTHONPATH"] = ":".join([*shown, rundir.helpers])
    own.setdefault("PYTHONUNBUFFERED", "1")
    own.setdefault("HOME", "/tmp/home")
    own.setdefault("MPLCONFIGDIR", f"{own['HOME']}/.config/matplotlib")
    return own


def _real(path: str, job: Job) -> str:
    for mount in job.mounts:
        if path == mount.target or path.startswith(f"{mount.target}/"):
            return str(mount.source) + path[len(mount.target) :]
    return path
