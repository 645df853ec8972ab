"""The command attach: a prompt in the kernel of a failed node that `--keep-failed` left."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_options import STORE, guarded, store_at

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

    from .executors.attached import Attached
    from .kept_runs import KeptRun
    from .records.follow import Follower


@click.command()
@click.argument("wanted", metavar="RUN")
@click.argument("node", required=False)
@click.option("-c", "code", metavar="CODE", help="Execute this and leave.")
@click.option("--done", is_flag=True, help="End the kernel and remove its container; without NODE, all of the run.")
@STORE
@guarded
def attach(wanted: str, node: str | None, code: str | None, done: bool, store: Path | None) -> int:
    """A prompt in the kernel of a failed node that --keep-failed left.

    NODE is a title, a slug, or one node run such as train#2; without it what is kept is listed. On a terminal it is
    a prompt; elsewhere standard input is executed as one cell, and an exception in it ends with 1.

    \b
    dagbook run churn.ipynb --keep-failed
    dagbook attach latest train
    dagbook attach latest train -c "print(data.shape)"
    dagbook attach latest --done
    """
    from .kept_runs import end_kept, find_kept
    from .records.follow import Follower

    opened = store_at(store)
    follower = Follower(opened, opened.run(wanted).id)
    follower.update()
    if node is None:
        return _without_node(follower, code, done)
    one = find_kept(follower, node)
    if done:
        click.echo(end_kept(one))
        return 0
    if code is None and sys.stdin.isatty() and sys.stdout.isatty():
        return _prompt(one)
    return _execute(one, sys.stdin.read() if code is None else code)


def _without_node(follower: Follower, code: str | None, done: bool) -> int:
    """List what is kept of a run, or end all of it."""
    from .core.errors import PipelineError, problem
    from .kept_runs import end_kept, kept_runs, listing

    if code is not None:
        raise PipelineError(problem("E-USAGE", what="-c needs a node", hint="dagbook attach RUN NODE -c CODE"))
    found = [one for one in kept_runs(follower) if one.kept.lives]
    click.echo("\n".join(map(end_kept, found)) if done and found else listing(found))
    return 0


def _execute(one: KeptRun, code: str) -> int:
    """Execute `code` as one cell; without any code, tell where one would be."""
    from .executors.attached import Attached
    from .executors.handshake import KernelGone, KernelSilent
    from .kept_runs import check_lives, header, unreachable

    check_lives(one)
    if not code.strip():
        click.echo(header(one, _done(one)))
        return 0
    try:
        with Attached(one.kept) as attached:
            return 0 if attached.execute(code, show) else 1
    except (KernelGone, KernelSilent, OSError) as error:
        raise unreachable(one, error) from None


def _done(one: KeptRun) -> str:
    return f"dagbook attach {one.follower.row.id} {one.run.id} --done"


def show(kind: str, content: Mapping[str, Any]) -> None:
    """A message of the kernel on the terminal; colours only where they are seen."""
    from .view import plain

    if kind == "stream":
        stream = sys.stderr if content["name"] == "stderr" else sys.stdout
        stream.write(content["text"])
        stream.flush()
    elif kind == "error":
        text = "\n".join(content["traceback"]) or f"{content['ename']}: {content['evalue']}"
        click.echo(text if sys.stderr.isatty() else plain(text), err=True, color=True)
    elif kind in ("execute_result", "display_data", "update_display_data"):
        click.echo(content["data"].get("text/plain", f"<{', '.join(content['data'])}>"), color=True)


def _prompt(one: KeptRun) -> int:
    """Read, execute, show, until Ctrl-D; the kernel stays."""
    from .executors.attached import Attached
    from .executors.handshake import KernelGone, KernelSilent
    from .kept_runs import check_lives, header, unreachable

    check_lives(one)
    click.echo(header(one, _done(one)))
    click.echo("Ctrl-C interrupts, Ctrl-D leaves and keeps it.")
    try:
        with Attached(one.kept) as attached:
            session = _session(one, attached)
            while True:
                try:
                    code = session.prompt(f"{one.run.id}> ")
                except KeyboardInterrupt:
                    continue
                except EOFError:
                    break
                _run_line(attached, code)
    except (KernelGone, KernelSilent, OSError) as error:
        raise unreachable(one, error) from None
    click.echo(f"It is kept. Back: dagbook attach {one.follower.row.id} {one.run.id}")
    return 0


def _run_line(attached: Attached, code: str) -> None:
    if not code.strip():
        return
    try:
        attached.execute(code, show, _ask)
    except KeyboardInterrupt:
        click.echo("It is still running. Ctrl-D leaves it alone; --done ends it.")


def _ask(prompt: str, secret: bool) -> str:
    """Answer code that asks: input(), the debugger."""
    import getpass

    try:
        return getpass.getpass(prompt) if secret else input(prompt)
    except EOFError:
        return "\x04"  # what kernels take for the end of the input


def _session(one: KeptRun, attached: Attached) -> PromptSession[str]:
    """The prompt: Enter executes what the kernel takes for complete, else begins a new line."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.lexers import PygmentsLexer
    from pygments.lexers.python import PythonLexer

    keys = KeyBindings()

    @keys.add("enter")
    def enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        text = buffer.text
        last = text.rpartition("\n")[2]
        goes_on = bool(text.strip()) and buffer.document.is_cursor_at_the_end and bool("\n" not in text or last.strip())
        if goes_on and _incomplete(attached, text):
            buffer.insert_text("\n" + _indent(text))
        else:
            buffer.validate_and_handle()

    # Beside the connection file: it goes when the kernel goes, and nobody else can read it.
    history = FileHistory(str(Path(one.kept.rundir) / "history"))
    lexer = PygmentsLexer(PythonLexer)
    return PromptSession(history=history, lexer=lexer, key_bindings=keys, multiline=True, prompt_continuation="... ")


def _incomplete(attached: Attached, text: str) -> bool:
    from .executors.handshake import KernelGone

    try:
        return attached.completeness(text) == "incomplete"
    except KernelGone:
        return False  # executing it tells so, outside of the prompt's event loop


def _indent(text: str) -> str:
    """White space for the next line: that of the last one, and a step more after a colon."""
    last = text.rpartition("\n")[2]
    own = last[: len(last) - len(last.lstrip())]
    return own + ("    " if last.rstrip().endswith(":") else "")
