"""Outputs: where files go, archives of them, and what is said about them."""

from __future__ import annotations

import glob
import json
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from .paths import get_outputs_path


class Output:
    """`valohai.outputs(FOLDER)`."""

    def __init__(self, name: str = "") -> None:
        self.name = str(name)

    def path(self, filename: str, makedirs: bool = True) -> str:
        """Where a file of the output goes; its folders are made. Raises ValueError when FOLDER lies elsewhere."""
        top = get_outputs_path()
        inside = os.path.relpath(self.name, top) if os.path.isabs(self.name) else self.name
        if inside.startswith(".."):
            raise ValueError(f"Absolute path used, when relative expected ({self.name})")
        path = os.path.normpath(os.path.join(top, inside, filename))
        if makedirs:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def live_upload(self, filename: str) -> None:
        """Nothing: files are kept when the node ends, and can be read before."""

    def compress(self, source: Any, filename: str, live_upload: bool = False, remove_originals: bool = True) -> str:
        """Pack files of the output into a ZIP or TAR file; gives its path. Raises ValueError when there are none."""
        target = self.path(filename)
        files = [one for one in self._meant(source) if one[0] != target]
        if not files:
            raise ValueError(f"No files to compress at {source}")
        begun = f"{target}.begun"
        if filename.lower().endswith(".zip"):
            with zipfile.ZipFile(begun, "w", zipfile.ZIP_DEFLATED) as archive:
                for file, inside in files:
                    archive.write(file, inside)
        else:
            mode = {".gz": "w:gz", ".tgz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}
            with tarfile.open(begun, mode.get(os.path.splitext(filename)[1].lower(), "w")) as tar:  # type: ignore[call-overload]
                for file, inside in files:
                    tar.add(file, inside)
        os.replace(begun, target)
        for file, _inside in files if remove_originals else ():
            os.remove(file)
        return target

    def _meant(self, source: Any) -> list[tuple[str, str]]:
        """The files that folders and patterns mean, and their names in an archive."""
        found = {}
        for one in [source] if isinstance(source, str) else source:
            path = self.path(one, makedirs=False)
            pattern = os.path.join(path, "*") if os.path.isdir(path) else path
            root = os.path.dirname(pattern).split("*", 1)[0]
            for file in sorted(glob.glob(pattern, recursive=True)):
                if os.path.isfile(file):
                    found[file] = os.path.relpath(file, root)
        return list(found.items())

    @property
    def dir_path(self) -> str:
        """The folder of all outputs."""
        return get_outputs_path()


class OutputProperties:
    """`valohai.output_properties()`: what is said about files, kept in `valohai.metadata.jsonl` beside them."""

    def __init__(self) -> None:
        self.properties_file = Path(get_outputs_path()) / "valohai.metadata.jsonl"
        self._said: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> OutputProperties:
        if self.properties_file.exists():
            for line in self.properties_file.read_text(encoding="utf-8").splitlines():
                one = json.loads(line)
                self._said[one["file"]] = one["metadata"]
        return self

    def __exit__(self, *_raised: object) -> None:
        lines = [json.dumps({"file": file, "metadata": said}) + "\n" for file, said in self._said.items()]
        self.properties_file.write_text("".join(lines), encoding="utf-8")

    def add(self, *, file: Any, properties: Any) -> None:
        """Say something about a file of the output."""
        self._said.setdefault(str(file), {}).update(properties)

    def add_to_dataset(self, *, file: Any, dataset_version: str) -> None:
        """Say that a file belongs to a version of a dataset."""
        versions = self._said.setdefault(str(file), {}).setdefault("valohai.dataset-versions", [])
        if dataset_version not in versions:
            versions.append(dataset_version)

    @staticmethod
    def dataset_version_uri(dataset: str, version: str) -> str:
        """The address of a dataset's version."""
        return f"dataset://{dataset}/{version}"
