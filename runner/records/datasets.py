"""Datasets: a file or folder of this machine where it lies, or what a URL names, fetched once and verified.

Fetched files are kept in one folder:

    <sha256>/<file name>   the file, read-only
    urls/<key>.json        which file a URL gave, and when; the key is the sha256 of the URL
    urls/<key>.lock        held while that URL is fetched; the system lets go of it when its holder dies
    .new-<key>             what is being fetched
    hashes.db              what is known of the hashes of files, so that they are not read again
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..core.data_source import Url, check_pin, check_url
from ..core.errors import MachineError, PipelineError, problem
from .dataset_files import Entry, entries_of, located, printable
from .dataset_hashing import Report, check_folders, item_of
from .durable import bring_to_disk
from .fetching import USUAL, Fetched, Limits, fetch, page_instead
from .hashes import FileChanged, Hashes, remembered
from .long_work import EVERY, Cancel, Pace, Progress
from .manifest import Item, digest_of

HASHES = "hashes.db"
_LOOK_AGAIN = 0.2  # seconds between two looks at a lock that another holds


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset as a node sees it.

    `path` is a folder, or a single file, which is shown under its own name in the dataset's folder; it may be a link.
    `digest` is the sha256 of names, types, executable bits and bytes, as of an artifact; `bytes` the files' sum;
    `content` the sha256 of the bytes alone, where the dataset is one file.
    """

    digest: str
    path: Path
    files: int
    bytes: int
    content: str = ""


def dataset_of_path(
    path: Path, known: Path, progress: Progress = lambda _: None, cancel: Cancel | None = None, every: float = EVERY
) -> Dataset:
    """The dataset at `path`, which is hashed where it lies; what is unchanged since the last time is not read.

    Hashes are remembered in the folder `known`. `progress` gets a line every `every` seconds. Raises PipelineError
    (E-FILE-MISSING, E-DATA-*), and Cancelled.
    """
    place, single, items = _looked_through(path, known, progress, cancel, every)
    return _file_dataset(place, items[0]) if single else _dataset(place, items)


def items_of_path(path: Path, known: Path) -> list[Item]:
    """What the dataset at `path` holds; hashes that are remembered are not computed again. Raises as its dataset."""
    return _looked_through(path, known, lambda _: None, None, EVERY)[2]


def _looked_through(
    path: Path, known: Path, progress: Progress, cancel: Cancel | None, every: float
) -> tuple[Path, bool, list[Item]]:
    """Where the dataset is, whether it is a single file, and its items."""
    place, seen = located(path)
    shown = printable(str(path))
    pace, cancel = Pace(progress, every), cancel or Cancel()
    store = known.resolve().parent
    # Its database must not even be opened beside SQLite: closing it again would drop this process's locks.
    if place.resolve().parent == store or known.resolve().is_relative_to(place.resolve()):
        raise PipelineError(problem("E-DATA-STORE", path=shown, store=printable(str(known))))
    with remembered(known / HASHES) as hashes:
        if not stat.S_ISDIR(seen.st_mode):
            entry = Entry(place.name, seen)
            report = Report(shown, [entry], pace, cancel)
            return place, True, [item_of(place.resolve(), shown, entry, hashes, report)]
        entries = entries_of(place, shown)
        report = Report(shown, entries, pace, cancel)
        items = [item_of(place / entry.path, f"{shown}/{entry.path}", entry, hashes, report) for entry in entries]
    folders = [(entry.path, entry.seen) for entry in entries if entry.kind == "folder"]
    check_folders(place, shown, [("", seen), *folders])
    return place, False, items


def dataset_of_url(
    url: str,
    pin: str | None,
    home: Path,
    progress: Progress,
    allowed: Collection[str] = (),
    again: bool = False,
    cancel: Cancel | None = None,
    limits: Limits = USUAL,
) -> Dataset:
    """The dataset that `url` names: one file, kept in the folder `home` from the first time on.

    A kept file is used without asking the server, unless `again`; a damaged one is fetched anew. `pin` is the sha256
    that the file's bytes, or the dataset, must have. `allowed` are private hosts that may be asked (HOST, HOST:PORT).
    Raises PipelineError (E-URL-*, E-FETCH-*, E-VALUE for the pin), MachineError (E-FETCH-FAILED for the connection,
    E-STORE), and Cancelled; none of them leaves a part of a file.
    """
    source = check_url(url, allowed)
    wanted = check_pin(pin) if pin else None
    cancel = cancel or Cancel()
    try:
        (home / "urls").mkdir(parents=True, exist_ok=True)
        with _only_one(home, source, progress, cancel), remembered(home / HASHES) as hashes:
            found = None if again else _kept(source, wanted, home, hashes, progress)
            return found or _fetched(source, wanted, home, allowed, progress, cancel, limits)
    except OSError as error:
        what = f"{printable(str(home))} cannot take what is fetched: {error.strerror or error}"
        hint = "Make room there, mend its permissions, or choose another store with --store."
        raise MachineError(problem("E-STORE", what=what, hint=hint)) from None


def kept_dataset(url: str, pin: str | None, home: Path, allowed: Collection[str] = ()) -> Dataset | None:
    """The dataset of a URL as it was fetched before; None when it is to be fetched. Asks no server."""
    if not (home / HASHES).exists():
        return None
    with remembered(home / HASHES) as hashes:
        return _kept(check_url(url, allowed), check_pin(pin) if pin else None, home, hashes, lambda _: None)


def check_pinned(dataset: Dataset, pin: str, shown: str) -> None:
    """Compare a dataset of this machine with its pin. Raises PipelineError (E-DATA-PIN, E-VALUE for the pin)."""
    wanted = check_pin(pin)
    if wanted not in (dataset.digest, dataset.content):
        found = dataset.digest + (f" (its bytes: {dataset.content})" if dataset.content else "")
        raise PipelineError(problem("E-DATA-PIN", path=shown, pin=wanted, found=found))


def _dataset(place: Path, items: list[Item], content: str = "") -> Dataset:
    size = sum(item.size for item in items)
    return Dataset(digest_of(items), place, sum(item.kind == "file" for item in items), size, content)


def _file_dataset(place: Path, item: Item) -> Dataset:
    return _dataset(place, [item], item.content)


@contextlib.contextmanager
def _only_one(home: Path, source: Url, progress: Progress, cancel: Cancel) -> Iterator[None]:
    """Hold the lock of this URL, among all threads and processes."""
    descriptor = os.open(_lock_of(home, _key(source)), os.O_RDWR | os.O_CREAT, 0o600)
    told = False
    try:
        while not _locked(descriptor):
            if not told:
                progress(f"waiting for {source.shown}, which is being fetched already")
            told = True
            cancel.wait(_LOOK_AGAIN)  # a wait in flock() itself could not be cancelled
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _key(source: Url) -> str:
    return hashlib.sha256(source.text.encode()).hexdigest()


def _lock_of(home: Path, key: str) -> Path:
    return home / "urls" / f"{key}.lock"


def _kept(source: Url, wanted: str | None, home: Path, hashes: Hashes, progress: Progress) -> Dataset | None:
    """The kept dataset of this URL, when it is whole and the one that is wanted."""
    for digest in dict.fromkeys((wanted, _recorded(home, source))):
        if digest is None or not re.fullmatch(r"[0-9a-f]{64}", digest):
            continue
        place = home / digest / source.file_name
        found = _read_kept(place, digest, source.file_name, hashes)
        if found is None:
            if place.exists():
                progress(f"{printable(str(place))} is damaged; it is fetched again")
        elif wanted in (None, found.content, found.digest):
            return found
    return None


def _recorded(home: Path, source: Url) -> str | None:
    try:
        return str(json.loads((home / "urls" / f"{_key(source)}.json").read_text(encoding="utf-8"))["sha256"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _read_kept(place: Path, digest: str, name: str, hashes: Hashes) -> Dataset | None:
    try:
        seen = os.lstat(place)
        content = hashes.sha256_of(place, seen)
    except (OSError, FileChanged):
        return None
    return _file_dataset(place, Item(name, "file", seen.st_size, False, content)) if content == digest else None


def _fetched(
    source: Url,
    wanted: str | None,
    home: Path,
    allowed: Collection[str],
    progress: Progress,
    cancel: Cancel,
    limits: Limits,
) -> Dataset:
    _sweep(home)
    part = home / f".new-{_key(source)}"
    part.unlink(missing_ok=True)  # of a fetch that was killed; nobody else is at it, as we hold the lock
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            got = fetch(source, file, allowed, progress, cancel, limits, pages=wanted is not None)
            item = Item(source.file_name, "file", got.bytes, False, got.sha256)
            _check_fetched(source, wanted, got, digest_of([item]))
            file.flush()
            os.fsync(file.fileno())
        os.chmod(part, 0o444)
        place = home / got.sha256 / source.file_name
        place.parent.mkdir(exist_ok=True)
        os.replace(part, place)
        bring_to_disk([place.parent, home])
    finally:
        part.unlink(missing_ok=True)
    _record(home, source, got)
    return _file_dataset(place, item)


def _check_fetched(source: Url, wanted: str | None, got: Fetched, tree: str) -> None:
    if wanted in (None, got.sha256, tree):
        return
    if got.page:
        raise page_instead(source)
    raise PipelineError(problem("E-FETCH-CHECKSUM", url=source.shown, pin=wanted, found=got.sha256, tree=tree))


def _sweep(home: Path) -> None:
    """Remove what fetches have left that were killed: those whose lock nobody holds."""
    for part in home.glob(".new-*"):
        descriptor = os.open(_lock_of(home, part.name.removeprefix(".new-")), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if _locked(descriptor):
                part.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _record(home: Path, source: Url, got: Fetched) -> None:
    """Write down which file the URL gave. Its query is left out: it may hold a token."""
    path = home / "urls" / f"{_key(source)}.json"
    when = datetime.now(UTC).isoformat(timespec="seconds")
    facts = {"url": source.shown, "sha256": got.sha256, "bytes": got.bytes, "time": when, "etag": got.etag}
    part = path.with_suffix(".new")  # nobody else writes it: we hold the lock
    with part.open("w", encoding="utf-8") as file:
        json.dump(facts, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
