"""Files that are named by a URL, read and written by papermill's handlers: what papermill reaches, dagbook reaches.

papermill brings handlers for some schemes (`s3://`, `gs://`, `abs://`, `adl://`, `hdfs://`), of which each needs a
package; other packages add more by the entry points `papermill.io`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from ..core.errors import PipelineError, nearest, problem

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_REPOSITORY = re.compile(r"https?://github\.com/[^/]+/[^/]+/(?:blob|raw)/")
_LOGIN = re.compile(r"(?<=://)[^/@]*@")
# What papermill's own handlers need: the module, and papermill's extra that brings it.
_PACKAGES = {
    "S3Handler": ("boto3", "s3"),
    "GCSHandler": ("gcsfs", "gcs"),
    "ABSHandler": ("azure.storage.blob", "azure"),
    "ADLHandler": ("azure.datalake.store", "azure"),
    "HDFSHandler": ("pyarrow", "hdfs"),
    "GithubHandler": ("github", "github"),
}
_ACCESS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or gcloud auth application-default login",
    "abs": "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or a signature in the address",
    "adl": "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
}


def is_url(text: str) -> bool:
    """Whether a text names a file by a URL, of whatever scheme."""
    return bool(_URL.match(text))


def is_papermills(url: str) -> bool:
    """Whether papermill's handlers read it; pages of the web are fetched by ourselves, but for files on GitHub."""
    return not url.lower().startswith(("http://", "https://")) or bool(_REPOSITORY.match(url))


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file by its URL; as text without what may be a password or a signature in it."""

    url: str

    def __str__(self) -> str:
        before, asked, _ = self.url.partition("?")
        return _LOGIN.sub("", before) + ("?…" if asked else "")

    @property
    def name(self) -> str:
        """The last part of its path."""
        path = self.url.partition("://")[2].partition("?")[0].rstrip("/")
        return unquote(PurePosixPath(path).name) or "pipeline.ipynb"

    @property
    def _scheme(self) -> str:
        return self.url.partition("://")[0].lower()

    def check(self) -> None:
        """Raise PipelineError (E-URL-SCHEME) where no handler, or not its package, is there; asks nobody."""
        handler = self._handler()
        kind = handler if isinstance(handler, type) else type(handler)
        if kind.__module__ != "papermill.iorw" or kind.__name__ not in _PACKAGES:
            return
        module, extra = _PACKAGES[kind.__name__]
        try:
            import_module(module)
        except ImportError as error:
            what = f"{self} is reached by {module}, which is not here ({error})"
            raise PipelineError(
                problem("E-URL-SCHEME", what=what, hint=f"Install it: pip install 'papermill[{extra}]'")
            ) from None

    def _handler(self) -> Any:
        """The handler of it, a class or an object. Raises PipelineError (E-URL-SCHEME) where none is registered."""
        from papermill import iorw  # type: ignore[import-untyped]

        found = iorw.papermill_io.get_handler(self.url)
        if not isinstance(found, iorw.LocalHandler):
            return found
        known = [scheme for scheme, _ in getattr(iorw.papermill_io, "_handlers", ()) if scheme.endswith("://")]
        hint = f"{nearest(f'{self._scheme}://', known)} Packages add others by the entry points papermill.io."
        raise PipelineError(problem("E-URL-SCHEME", what=f"nothing here reaches {self._scheme}://", hint=hint))

    def read(self) -> str:
        """Its text. Raises PipelineError (E-URL-SCHEME, E-URL-READ)."""
        self.check()
        try:
            found: str | bytes = self._handler().read(self.url)
            return found.decode("utf-8-sig") if isinstance(found, bytes | bytearray) else found.removeprefix("\ufeff")
        except Exception as error:  # each service has errors of its own
            raise PipelineError(problem("E-URL-READ", url=self, why=_why(error), hint=self._access)) from None

    def write(self, data: bytes) -> None:
        """Write it. Raises PipelineError (E-URL-SCHEME, E-URL-WRITE)."""
        self.check()
        try:
            self._handler().write(data.decode("utf-8", "replace"), self.url)
        except Exception as error:
            raise PipelineError(problem("E-URL-WRITE", url=self, why=_why(error), hint=self._access)) from None

    @property
    def _access(self) -> str:
        given = f" ({_ACCESS[self._scheme]})" if self._scheme in _ACCESS else ""
        return f"Look at the address, and at what gives access to it{given}."


def _why(error: Exception) -> str:
    """What an error says, in one line."""
    lines = str(error).strip().splitlines()
    said = lines[0] if lines else ""
    return said if said and not isinstance(error, KeyError) else f"{type(error).__name__}: {said}".rstrip(": ")
