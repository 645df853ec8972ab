"""What a Python kernel does when its last cell is done, so that nothing is lost when its process ends.

Its text is sent as the last request but one; it runs inside the kernel. A function, because IPython's own exit
handler empties the user's namespace and module-level names would vanish midway. It imports the standard library
and ipykernel only. The request that follows it ends the process by `os._exit`: an orderly shutdown of ipykernel
takes longer, and its control thread has been seen to wait ten seconds for a thread that was gone.
"""


def _farewell(patience: float, used: str) -> None:
    """Wait for the user's threads (`patience` seconds at most), run exit handlers, close files, flush everything.

    What was used of processor and memory is left in the file `used`.
    """
    import atexit
    import contextlib
    import gc
    import io
    import os
    import sys
    import threading
    import time

    from ipykernel.kernelapp import IPKernelApp

    def kinds(layer: type) -> set[type]:
        return {layer}.union(*map(kinds, layer.__subclasses__()))

    def flush_files() -> None:
        # Of a file in a reference cycle the collector may close the lower layer first, and lose the rest. IPython's
        # own exit handler collects, so this comes before it too.
        upper, lower = kinds(io.TextIOWrapper), kinds(io.BufferedWriter)
        files = [one for one in gc.get_objects() if type(one) in upper or type(one) in lower]
        for file in sorted(files, key=lambda one: type(one) in lower):
            with contextlib.suppress(Exception):  # closed, or open for reading
                file.flush()

    application = IPKernelApp.instance()
    # Ours to end: these join ipykernel's threads, which are still needed to send the reply.
    atexit.unregister(application.close)
    atexit.unregister(application.iopub_thread.stop)
    deadline = time.monotonic() + patience
    for end in reversed(getattr(threading, "_threading_atexits", [])):
        # Pools of concurrent.futures finish what was submitted; a thread, because that may take for ever.
        waiter = threading.Thread(target=end, daemon=True)
        waiter.start()
        waiter.join(max(0.0, deadline - time.monotonic()))
    for thread in threading.enumerate():
        if not thread.daemon and thread not in (threading.main_thread(), threading.current_thread()):
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                print(f"dagbook: the thread {thread.name!r} was still running at the node's end", file=sys.stderr)  # noqa: T201
    flush_files()
    with contextlib.suppress(BaseException):  # Python has printed it, and goes on too
        atexit._run_exitfuncs()
    flush_files()
    gc.collect()  # finalizers of what is in cycles
    try:
        import ctypes

        ctypes.CDLL(None).fflush(None)  # what C code printed
    except Exception:
        pass
    with contextlib.suppress(Exception):
        import resource

        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        seconds = sum(usage.ru_utime + usage.ru_stime for usage in usages)
        with open(used, "w") as told:
            told.write(f"0m{seconds:.3f}s\nmemory {1024 * max(usage.ru_maxrss for usage in usages)}\n")
    nothing = os.open(os.devnull, os.O_WRONLY)
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        pipe = getattr(stream, "_fds", None)
        watcher = getattr(stream, "watch_fd_thread", None)
        if pipe and watcher:
            # No writer left here: the watcher reads the rest of what subprocesses printed, then the pipe's end.
            os.dup2(nothing, number)
            os.dup2(nothing, pipe[1])
            watcher.join(0.2)
        stream.flush()
