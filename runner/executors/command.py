"""Runs a command node: no kernel; its process is the script, its record a notebook of one cell with the log."""

from __future__ import annotations

import codecs
import os
import select
import time
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from ..formats.nbformat_import import import_nbformat
from .contract import CellStarted, Failure, Job, Outcome, Output, Reporter
from .contract import Started as StartedReport
from .exits import Ending, Started, amount, death
from .hiding import HiddenStream
from .kept_outputs import CellOutputs
from .logbook import Logbook
from .rundir import RunDir

_CHUNK = 65_536


def drive_command(
    job: Job, process: Started, printed: Iterator[tuple[str, bytes]], rundir: RunDir, report: Reporter, *, began: float
) -> Outcome:
    """Report what the command prints and see it gone; the record is at `job.record`.

    `printed` are pairs of a stream's name (stdout, stderr) and bytes; they end when the command does.
    """
    started_after = time.monotonic() - began
    report(StartedReport())
    report(CellStarted(0, 1))
    warnings: list[str] = []
    log = _Log(report, Logbook(job, rundir, report, warnings))
    for stream, data in printed:
        log.add(stream, data)
    log.close()
    process.exit.wait()
    ending = process.ending()
    reason = reason_of(job, ending)
    _write_record(job, log.outputs, reason, ending)
    failure = Failure("CommandFailed", reason) if reason else None
    lost = bool(ending.outside)
    return Outcome(not reason, reason, failure, ending.code, lost, started_after, warnings=tuple(warnings))


def reason_of(job: Job, ending: Ending) -> str:
    """Why a command failed; empty when it did not."""
    if ending.outside:
        return ending.outside
    if ending.code == 0:
        return ""
    if ending.out_of_memory:
        return f"out of memory (limit {amount(job.memory)})"
    return f"the command {death(ending.code)}" if ending.code is not None else "the command is gone"


def pieces(process: Started, streams: Mapping[str, IO[bytes]]) -> Iterator[tuple[str, bytes]]:
    """What is printed until the end of both streams; a daemon that holds them open does not count."""
    names = {stream.fileno(): name for name, stream in streams.items()}
    poll = select.poll()
    for watched in (*names, *process.exit.descriptors()):
        poll.register(watched, select.POLLIN)
    gone = False
    while names:
        ready = names.keys() & {fd for fd, _ in poll.poll()}
        if not ready:
            if gone:
                return  # nothing was left to read
            gone = True  # one look is not all at one moment: it may have spoken and gone after its pipes were looked at
            continue
        for descriptor in sorted(ready):
            data = os.read(descriptor, _CHUNK)
            if data:
                yield names[descriptor], data
            else:
                poll.unregister(descriptor)
                del names[descriptor]


class _Log:
    """The outputs of the one cell, decoded as they come; adjacent text of one stream is one output."""

    def __init__(self, report: Reporter, logbook: Logbook) -> None:
        self.outputs: list[dict[str, Any]] = []
        self._kept = CellOutputs(self.outputs)
        self._report = report
        self._logbook = logbook
        decoder: Callable[[str], codecs.IncrementalDecoder] = codecs.getincrementaldecoder("utf-8")
        self._decoders = {name: decoder("replace") for name in ("stdout", "stderr")}
        hiding = logbook.hiding
        self._hidden = {name: HiddenStream(hiding) for name in self._decoders} if hiding else {}

    def add(self, stream: str, data: bytes, final: bool = False) -> None:
        """Take what was printed on `stream`."""
        text = self._decoders[stream].decode(data, final)
        if self._hidden:
            text = self._hidden[stream].feed(text) + (self._hidden[stream].rest() if final else "")
        if not text:
            return
        if stream == "stdout":
            self._logbook.take(stream, text)
        output = {"output_type": "stream", "name": stream, "text": text}
        self._report(Output(0, output))
        if not self._kept.joins(output) and self._kept.has_room(output):
            self.outputs.append({**output})
            self._kept.added(self.outputs[-1])

    def close(self) -> None:
        """Take what is half said, and settle."""
        for stream in ("stdout", "stderr"):
            self.add(stream, b"", final=True)
        self._logbook.settle(last=True)
        self._kept.settle()


def _write_record(job: Job, outputs: list[dict[str, Any]], reason: str, ending: Ending) -> None:
    import_nbformat()
    from nbformat import from_dict, v4

    from .record import save

    if reason:
        error = {"output_type": "error", "ename": "CommandFailed", "evalue": reason, "traceback": [reason]}
        outputs = [*outputs, error]
    cell = v4.new_code_cell(f"%%sh\n{job.script}")  # type: ignore[no-untyped-call]
    cell.outputs = from_dict(outputs)  # type: ignore[no-untyped-call]
    cell.metadata["dagbook"] = {"exit_code": ending.code}
    save(v4.new_notebook(cells=[cell], metadata={"language_info": {"name": "sh"}}), job.record)  # type: ignore[no-untyped-call]
