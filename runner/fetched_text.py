"""The text of a pipeline file that is named by its URL, as `pachctl create pipeline -f URL` takes one."""

from __future__ import annotations

import io
from pathlib import Path

from .core.data_source import check_url
from .formats.documents import LARGEST_FILE, text_of
from .formats.settings import read_settings
from .records.fetching import Limits, fetch
from .records.long_work import Cancel


def fetched_text(url: str, folder: Path | None = None) -> tuple[str, str]:
    """The file's name and its text. Private hosts are asked only where the setting `data_hosts` names them.

    Raises PipelineError (E-URL-…, E-FETCH-…, E-YAML-…) and MachineError (E-FETCH-FAILED).
    """
    allowed = read_settings(folder or Path.cwd(), {}).data_hosts
    found = check_url(url, allowed)
    held = io.BytesIO()
    limits = Limits(bytes=LARGEST_FILE)
    fetch(found, held, allowed, lambda _line: None, Cancel(), limits, pages=False)
    return found.file_name, text_of(held.getvalue(), found.shown)
