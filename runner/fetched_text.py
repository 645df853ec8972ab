"""The text of a file that is named by its URL, as papermill and `pachctl create pipeline -f URL` take one."""

from __future__ import annotations

import io
from pathlib import Path

from .core.data_source import check_url
from .formats.documents import LARGEST_FILE, text_of
from .formats.notebook_file import LARGE
from .formats.remote_file import RemoteFile, is_papermills
from .formats.settings import read_settings
from .records.fetching import Limits, fetch
from .records.long_work import Cancel


def fetched_text(url: str, folder: Path | None = None) -> tuple[str, str]:
    """The file's name and its text. Private hosts are asked only where the setting `data_hosts` names them.

    Other addresses than those of the web are read by papermill's handlers.
    Raises PipelineError (E-URL-…, E-FETCH-…, E-YAML-…) and MachineError (E-FETCH-FAILED).
    """
    if is_papermills(url):
        return RemoteFile(url).name, RemoteFile(url).read()
    allowed = read_settings(folder or Path.cwd(), {}).data_hosts
    found = check_url(url, allowed)
    held = io.BytesIO()
    notebook = found.file_name.endswith(".ipynb")
    limits = Limits(bytes=LARGE if notebook else LARGEST_FILE)
    fetch(found, held, allowed, lambda _line: None, Cancel(), limits, pages=False)
    text = held.getvalue().decode("utf-8-sig", "replace") if notebook else text_of(held.getvalue(), found.shown)
    return found.file_name, text
