"""Inputs: the files of one, those in archives too."""

from __future__ import annotations

import fnmatch
import glob
import hashlib
import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from ._parameters import configured, default_input, inputs_of_command_line
from .paths import get_inputs_path


class Input:
    """`valohai.inputs(NAME)`."""

    def __init__(self, name: str, default: Any = None) -> None:
        self.name = str(name)
        self.default = default

    def paths(
        self,
        path_filter: str | None = None,
        default: Any = None,
        process_archives: bool = True,
        force_download: bool = False,
    ) -> Iterator[str]:
        """The files that fit the filter (`*.csv`), those in ZIP and TAR files unpacked; else the default's.

        Raises LookupError for an address that nothing here stands for.
        """
        found = False
        for name, path in self._files(process_archives):
            if path_filter is None or fnmatch.fnmatchcase(name, path_filter):
                found = True
                yield path
        if not found:
            yield from default or ()

    def path(
        self,
        path_filter: str | None = None,
        default: str | None = None,
        process_archives: bool = True,
        force_download: bool = False,
    ) -> str | None:
        """The first of these files."""
        return next(self.paths(path_filter, None, process_archives), default)

    def streams(
        self, path_filter: str | None = None, process_archives: bool = True, force_download: bool = False
    ) -> Iterator[IO[bytes]]:
        """These files, opened for reading bytes."""
        for path in self.paths(path_filter, None, process_archives):
            yield open(path, "rb")  # noqa: SIM115 - whoever takes it closes it

    def stream(
        self, path_filter: str | None = None, process_archives: bool = True, force_download: bool = False
    ) -> IO[bytes] | None:
        """The first of them, opened."""
        return next(self.streams(path_filter, process_archives), None)

    def dir_path(self) -> str:
        """The folder of the input."""
        return get_inputs_path(self.name)

    def _files(self, unpack: bool) -> Iterator[tuple[str, str]]:
        for name, path in self._plain_files():
            unpacked = _unpacked(name, path) if unpack else None
            yield from [(name, path)] if unpacked is None else unpacked

    def _plain_files(self) -> list[tuple[str, str]]:
        """Names and paths: of the command line, of the run, of `prepare`; the first that has any."""
        given = inputs_of_command_line().get(self.name)
        if given:
            return _named(self.name, given)
        folder = self.dir_path()
        told = configured("inputs.json").get(self.name)
        if isinstance(told, dict):
            # Without namespaces the paths that are told are not here, but the folder is.
            names = [(one["name"], one.get("path") or "") for one in told.get("files", ())]
            return [(name, path if os.path.isfile(path) else os.path.join(folder, name)) for name, path in names]
        if os.path.isdir(folder):
            return list(_walked(folder))
        return _named(self.name, default_input(self.name) or self.default or ())


def _walked(folder: str) -> Iterator[tuple[str, str]]:
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            path = os.path.join(parent, file)
            yield os.path.relpath(path, folder), path


def _named(name: str, addresses: Any) -> list[tuple[str, str]]:
    found = []
    for address in [addresses] if isinstance(addresses, str) else addresses:
        if "://" in str(address):
            raise LookupError(
                f"the input {name!r} is to come from {address}, and nothing is fetched within a node; "
                "give the node that input (an edge, --after, a dataset, or --input-map for a valohai.yaml)"
            )
        found += [(os.path.basename(path), path) for path in sorted(glob.glob(str(address)))]
    return found


def _unpacked(name: str, path: str) -> list[tuple[str, str]] | None:
    """The files of an archive, unpacked into a temporary folder; None for what is none."""
    ending = os.path.splitext(path)[1].lower()
    if ending not in (".zip", ".tar"):
        return None
    folder = os.path.join(tempfile.gettempdir(), f"input-{hashlib.sha256(path.encode()).hexdigest()[:16]}")
    if ending == ".zip":
        with zipfile.ZipFile(path) as archive:
            members = [one.filename for one in archive.infolist() if not one.is_dir()]
            return [(os.path.join(os.path.dirname(name), one), archive.extract(one, folder)) for one in members]
    found = []
    with tarfile.open(path) as tar:
        for member in (one for one in tar.getmembers() if one.isreg()):
            inside = os.path.normpath("/" + member.name).lstrip("/")  # never out of the folder
            place = os.path.join(folder, inside)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            source = tar.extractfile(member)
            assert source is not None
            with source, open(place, "wb") as target:
                shutil.copyfileobj(source, target)  # of whatever size: no more of it is in memory than a piece
            found.append((os.path.join(os.path.dirname(name), inside), place))
    return found
