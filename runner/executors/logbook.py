"""Takes in what a node logs, from wherever it comes, and reports it.

A kernel's output comes as messages; what a kernel or its subprocesses write past it, straight to the process's
stdout, is in a file (`RunDir`'s `printed`). Some kernels send what they capture and write it to that stdout too:
a line that comes both ways counts once.
"""

from __future__ import annotations

import codecs
import os
import stat
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import hiding
from .contract import Job, Logged, LoggedImage, Reporter
from .pictures import FOLDER, NoPicture, Pictures, extension_of, image_in, name_of
from .rundir import IMAGES, PRINTED, RunDir
from .tags import Entry, Sort, TagLines, displayed

_CHUNK = 1 << 20
_MOST_WARNINGS = 20
_FILE = "printed"  # the source that is read from the file


class Logbook:
    """What one attempt logs. Used in the attempt's thread; `warnings` is added to.

    What it is given has no secrets in it any more; what it reads itself goes through `hiding` here.
    """

    def __init__(self, job: Job, rundir: RunDir, report: Reporter, warnings: list[str]) -> None:
        places = {"/output": job.output, str(job.output): job.output, f"{rundir.seen}/{IMAGES}": rundir.path / IMAGES}
        self._pictures = Pictures(job.record.parent / FOLDER, places)
        self.hiding = hiding.of_job(job)  # None where there is nothing to hide
        self._printed = _Printed(rundir.path / PRINTED)
        self._hidden = hiding.HiddenStream(self.hiding) if self.hiding else None
        self._report = report
        self._json = job.json_tags
        self._warnings = warnings
        self._lines: dict[Hashable, TagLines] = {}
        self._points: Counter[tuple[Sort, str]] = Counter()
        self._ahead: Counter[int] = Counter()  # line -> how many times more it came by messages than by the file

    def take(self, source: Hashable, text: str) -> None:
        """Take a piece of what was printed on stdout; pieces of one `source` (a cell) make lines together."""
        for entry in self._lines_of(source).feed(text):
            self._take_line(source, entry)

    def take_display(self, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        """Take a display."""
        for entry in displayed(data):
            self._log(entry)
        named = name_of(metadata)
        image = image_in(data) if named else None
        if named and image is not None:
            self._keep(named[0], named[1], image)

    def take_printed(self) -> None:
        """Take what has come to the process's own stdout since the last call."""
        while (text := self._printed.new()) is not None:
            self.take(_FILE, self._hidden.feed(text) if self._hidden else text)

    def settle(self, last: bool = False) -> None:
        """Take what lines without a line end log; see `TagLines.settle`."""
        self.take_printed()
        if self._hidden:
            self.take(_FILE, self._hidden.rest())
        for source, lines in self._lines.items():
            for entry in lines.settle(last):
                self._take_line(source, entry)

    def _lines_of(self, source: Hashable) -> TagLines:
        return self._lines.setdefault(source, TagLines(self._json))

    def _take_line(self, source: Hashable, entry: Entry) -> None:
        way, line = -1 if source == _FILE else 1, hash((entry.sort, entry.name, repr(entry.value), entry.step))
        known = self._ahead[line] * way < 0  # it has come the other way already
        self._ahead[line] += way
        if not self._ahead[line]:
            del self._ahead[line]
        if not known:
            self._log(entry)

    def _log(self, entry: Entry) -> None:
        if self.hiding:  # JSON may have spelled it in a way that is plain only now
            entry = replace(entry, name=self.hiding.text(entry.name), value=self.hiding.inside(entry.value))
        if entry.sort is Sort.TAG:
            self._report(Logged(entry.name, entry.value))
        elif entry.sort is Sort.METRIC:
            self._report(Logged(entry.name, entry.value, self._step(entry.sort, entry.name, entry.step)))
        else:
            try:
                image = self._pictures.read(str(entry.value))
            except NoPicture as error:
                self._warn(entry.name, error)
            else:
                self._keep(entry.name, entry.step, image)

    def _keep(self, name: str, step: float | None, image: bytes) -> None:
        if self.hiding and extension_of(image) == "svg":
            image = self.hiding.text(image.decode(errors="replace")).encode()
        try:
            file = self._pictures.keep(name, image)
        except NoPicture as error:
            self._warn(name, error)
        else:
            self._report(LoggedImage(name, self._step(Sort.IMAGE, name, step), file))

    def _step(self, sort: Sort, name: str, step: float | None) -> float:
        """The step given, or the number of points before."""
        number = self._points[sort, name]
        self._points[sort, name] += 1
        return float(number) if step is None else step

    def _warn(self, name: str, error: NoPicture) -> None:
        if len(self._warnings) < _MOST_WARNINGS:
            self._warnings.append(f"the image {name!r} was not kept: {error}")


class _Printed:
    """Reads a file that grows. The node could put something else in its place: only an ordinary file is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def new(self) -> str | None:
        """The next piece of text; None when there is none for now."""
        try:
            if os.stat(self._path, follow_symlinks=False).st_size <= self._offset:
                return None
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            data = os.pread(descriptor, _CHUNK, self._offset)
        finally:
            os.close(descriptor)
        self._offset += len(data)
        return self._decoder.decode(data) if data else None
