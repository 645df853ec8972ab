"""The program that becomes a node's kernel: ipykernel without its debugger.

It runs inside the node (a copy of this file), with nothing of dagbook there; the standard library and ipykernel
are all that it may import. Called with the connection file, the folders of the helpers and the node's search path.
"""

import contextlib
import faulthandler
import gc
import os
import sys


def main(connection: str, helpers: str, path: str) -> None:
    """Start ipykernel on `connection` and serve until the kernel is told to go."""
    gc.disable()  # importing makes no garbage, and looking for it takes a tenth of the time
    del sys.path[0]  # this script's folder
    # Only later: a random.py or types.py in the user's project must not break ipykernel's own imports.
    ours = helpers.split(os.pathsep)
    shown = [entry for entry in path.split(os.pathsep) if entry]
    # Importing debugpy takes longer than all the rest of starting up; nobody debugs a node.
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    sys.argv[:] = ["ipykernel_launcher.py", "-f", connection]
    from ipykernel.kernelapp import IPKernelApp

    application = IPKernelApp.instance()
    # How others connect, which would stand before the cause of a failure.
    application.log_connection_info = lambda: None  # type: ignore[method-assign]
    application.initialize(["-f", connection, "--HistoryManager.enabled=False"])  # type: ignore[no-untyped-call]
    del sys.modules["debugpy"]  # so that users can import it
    os.environ["PYTHONPATH"] = path  # for what the node starts
    at = 1 if sys.path[:1] == [""] else 0
    sys.path[at:at] = [entry for entry in shown if entry not in ours]
    sys.path += ours  # last: an installed dagbook wins
    _forget_terminal()
    _hold_back(application, os.path.join(os.path.dirname(connection), "holds"))  # type: ignore[no-untyped-call]
    _gather_nothing(application.shell)  # type: ignore[no-untyped-call]
    _tell_crashes(os.path.join(os.path.dirname(connection), "crash"))
    gc.freeze()  # what is there by now stays to the end: nobody need go through it again
    gc.enable()
    application.start()  # type: ignore[no-untyped-call]


def _tell_crashes(file: str) -> None:
    """Have Python say where it is when it crashes, in a file: what it says on stderr would go with this process."""
    with contextlib.suppress(OSError):
        told = open(file, "w")  # noqa: SIM115 - open as long as this process lives
        faulthandler.enable(told, all_threads=False)  # the other threads are ipykernel's


def _forget_terminal() -> None:
    """Stop ipykernel from copying what subprocesses print to the log that only start-up errors are for."""
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nothing, stream._original_stdstream_copy)  # type: ignore[union-attr]
        os.close(nothing)
    except (AttributeError, TypeError, OSError):
        pass  # another ipykernel keeps no such copy


def _hold_back(application, told):  # type: ignore[no-untyped-def]
    """Make whoever prints wait while nobody takes it: else gigabytes would gather, here or with the reader.

    The file `told` says that this kernel never drops a message, so that its reader need not take all at once.
    """

    def keep_all() -> None:
        import zmq

        try:
            application.iopub_thread.socket.setsockopt(zmq.XPUB_NODROP, 1)
        except (AttributeError, zmq.ZMQError):
            return  # too old for it
        open(told, "w").close()

    try:
        application.iopub_thread.schedule(keep_all)
        for stream in (sys.stdout, sys.stderr):
            stream.flush = _patient(stream)  # type: ignore[method-assign, no-untyped-call]
            stream.write = _waiting(stream.write, stream.flush)  # type: ignore[method-assign, no-untyped-call]
    except AttributeError:
        pass  # another ipykernel has none of this


class _Forgotten(dict):  # type: ignore[type-arg]
    """Takes in lists and keeps none."""

    def __missing__(self, key):  # type: ignore[no-untyped-def]
        return []

    def setdefault(self, key, default=None):  # type: ignore[no-untyped-def]
        return default


def _gather_nothing(shell):  # type: ignore[no-untyped-def]
    """Stop IPython from keeping all that is printed for %notebook: a node that prints gigabytes would take as many."""
    with contextlib.suppress(AttributeError):  # another shell keeps nothing
        shell.history_manager.outputs = _Forgotten()


def _patient(stream):  # type: ignore[no-untyped-def]
    """`flush` that returns when all is sent, however long its reader takes.

    The thread that sends is asked again and again: where it stumbled (no file may be opened any more) it forgets.
    `send` only lets it send next: what is to follow that is asked for by the thread itself, after it. Told before, this
    one might go on into a call that lets no other thread run, and its last words would never be sent.
    """
    import threading

    sender, send = stream.pub_thread, stream._flush
    sender.schedule  # noqa: B018 - another ipykernel may have none

    def flush() -> None:
        thread = sender.thread
        if thread is None or not thread.is_alive() or thread.ident == threading.get_ident():
            return send()  # type: ignore[no-any-return]
        sent = threading.Event()
        sender.schedule(send)
        sender.schedule(lambda: sender.schedule(sent.set))
        while not sent.wait(2) and thread.is_alive():
            sender.schedule(sent.set)
        return None

    return flush


def _waiting(write, flush):  # type: ignore[no-untyped-def]
    """`write`, after which all is sent whenever so much was written."""
    piece = 65536
    written = 0

    def wait(text):  # type: ignore[no-untyped-def]
        nonlocal written
        if not isinstance(text, str) or len(text) + written < piece:
            length = write(text)
            written += len(text)
            return length
        for start in range(0, len(text), piece):
            write(text[start : start + piece])
            flush()
        written = 0
        return len(text)

    return wait


if __name__ == "__main__":
    main(*sys.argv[1:])
