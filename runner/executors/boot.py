"""The program that becomes a node's kernel: ipykernel without its debugger.

It runs inside the node (a copy of this file), with nothing of dagbook there; the standard library and ipykernel
are all that it may import. Called with the connection file, the folders of the helpers and the node's search path.
"""

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
    application.initialize(["-f", connection, "--HistoryManager.enabled=False"])  # type: ignore[no-untyped-call]
    del sys.modules["debugpy"]  # so that users can import it
    os.environ["PYTHONPATH"] = path  # for what the node starts
    at = 1 if sys.path[:1] == [""] else 0
    sys.path[at:at] = [entry for entry in shown if entry not in ours]
    sys.path += ours  # last: an installed dagbook wins
    _forget_terminal()
    gc.freeze()  # what is there by now stays to the end: nobody need go through it again
    gc.enable()
    application.start()  # type: ignore[no-untyped-call]


def _forget_terminal() -> None:
    """Stop ipykernel from copying what subprocesses print to the log that only start-up errors are for."""
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nothing, stream._original_stdstream_copy)  # type: ignore[union-attr]
        os.close(nothing)
    except (AttributeError, TypeError, OSError):
        pass  # another ipykernel keeps no such copy


if __name__ == "__main__":
    main(*sys.argv[1:])
