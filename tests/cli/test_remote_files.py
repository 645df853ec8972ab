"""Notebooks that are named by a URL: read and written by papermill's handlers, of which a test installs one."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.conftest import Said, run_dagbook, write_notebook
from tests.records.file_server import FileServer

PROCESS = ("--executor", "process")
HANDLER = '''
"""Maps s3like:// to a folder; a file `closed` in it lets nothing be written, `once` nothing a second time."""
import os
from pathlib import Path

BUCKETS = Path(os.environ["S3LIKE_FOLDER"])


class Handler:
    @classmethod
    def _at(cls, url):
        return BUCKETS / url.partition("://")[2].partition("?")[0]

    @classmethod
    def read(cls, url):
        return cls._at(url).read_text()

    @classmethod
    def write(cls, text, url):
        if (BUCKETS / "closed").exists() or ((BUCKETS / "once").exists() and cls._at(url).exists()):
            raise PermissionError("AccessDenied: no right to put objects here")
        cls._at(url).parent.mkdir(parents=True, exist_ok=True)
        cls._at(url).write_text(text)

    @classmethod
    def listdir(cls, url):
        return [str(path) for path in cls._at(url).iterdir()]

    @classmethod
    def pretty_path(cls, url):
        return url
'''


@dataclass(frozen=True)
class Cloud:
    """A folder that stands for buckets, the package that reaches it, and a folder in which commands are typed."""

    folder: Path
    environment: dict[str, str]

    @property
    def here(self) -> Path:
        return self.folder / "here"

    def dagbook(self, *words: str) -> Said:
        """A command, typed in `here`."""
        return run_dagbook(self.here, *words, env=self.environment)

    def shown(self, path: str, beginning: str) -> str:
        """What a cell shows in a notebook of a bucket."""
        notebook: Any = nbformat.read(self.folder / "buckets" / path, as_version=4)  # type: ignore[no-untyped-call]
        (cell,) = (one for one in notebook.cells if one.source.startswith(beginning))
        return "\n".join(one.get("text") or one.data["text/plain"] for one in cell.outputs)


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    """A handler that is really installed: a package with an entry point, on the path of all that runs."""
    about = tmp_path / "packages" / "s3like-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: s3like\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[papermill.io]\ns3like:// = s3like:Handler\n")
    (about.parent / "s3like.py").write_text(HANDLER)
    for name in ("boto3", "gcsfs"):  # not here, whatever is installed
        (about.parent / f"{name}.py").write_text(f'raise ImportError("No module named {name}")')
    buckets = tmp_path / "buckets"
    write_notebook(
        buckets / "flow.ipynb",
        "# parameters\nepochs = 3",
        "%%pipeline_command train --param epochs\necho epochs $DAGBOOK_TAG_EPOCHS",
        "%pipeline_run",
    )
    path = os.pathsep.join(filter(None, [str(about.parent), os.environ.get("PYTHONPATH", "")]))
    (tmp_path / "here").mkdir()
    return Cloud(tmp_path, {"PYTHONPATH": path, "S3LIKE_FOLDER": str(buckets), "DAGBOOK_EXECUTOR": "process"})


def test_a_notebook_is_read_from_a_url_and_written_to_one_and_the_run_keeps_it(cloud: Cloud) -> None:
    """The run belongs to the working directory; the notebook can be had from it again, wherever it came from."""
    said = cloud.dagbook("run", "s3like://flow.ipynb", "-p", "epochs", "5", "-o", "s3like://made/out.ipynb", *PROCESS)
    assert said.code == 0, said.out + said.err
    assert "epochs 5" in cloud.shown("made/out.ipynb", "%%pipeline_command train")
    assert sorted(path.name for path in cloud.here.iterdir()) == [".dagbook"]
    for words in (("report", "latest"), ("resume", "latest")):
        said = cloud.dagbook(*words, "-o", "s3like://made/again.ipynb")
        assert said.code == 0, said.out + said.err
        assert "epochs 5" in cloud.shown("made/again.ipynb", "%%pipeline_command train")
        (cloud.folder / "buckets" / "made" / "again.ipynb").unlink()


def test_papermill_itself_writes_the_nodes_outputs_to_a_url(cloud: Cloud) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("papermill"), "s3like://flow.ipynb", "s3like://made/out.ipynb"],
        cwd=cloud.here,
        env={**os.environ, **cloud.environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "epochs 3" in cloud.shown("made/out.ipynb", "%%pipeline_command train")


@pytest.mark.parametrize(
    ("file", "output", "told"),
    [
        (
            "s3like://flow.ipynb",
            "s3lik://x.ipynb",
            'E-URL-SCHEME: nothing here reaches s3lik://\n  Did you mean "s3like',
        ),
        (
            "s3like://flow.ipynb",
            "s3://b/x.ipynb",
            "which is not here (No module named boto3)\n  Install it: pip install 'papermill[s3]'",
        ),
        ("s3like://none.ipynb", "out.ipynb", "E-URL-READ: s3like://none.ipynb cannot be read"),
        ("gs://bucket/flow.ipynb", "out.ipynb", "Install it: pip install 'papermill[gcs]'"),
    ],
)
def test_what_cannot_be_reached_is_told_before_anything_runs(cloud: Cloud, file: str, output: str, told: str) -> None:
    said = cloud.dagbook("run", file, "-o", output, *PROCESS)
    assert (said.code, said.out) == (2, "")
    assert told in said.err
    assert "Traceback" not in said.err
    assert not list(cloud.here.iterdir())


def test_a_right_to_write_that_is_missing_is_told_before_anything_runs(cloud: Cloud) -> None:
    """The address is told without what may be a signature in it."""
    (cloud.folder / "buckets" / "closed").touch()
    said = cloud.dagbook("run", "s3like://flow.ipynb", "-o", "s3like://out.ipynb?signature=77e5", *PROCESS)
    assert (said.code, said.out) == (2, "")
    assert "E-URL-WRITE: s3like://out.ipynb?… cannot be written: AccessDenied: no right to put" in said.err
    assert "77e5" not in said.err


def test_a_right_that_goes_while_the_run_goes_on_costs_the_notebook_and_not_the_run(cloud: Cloud) -> None:
    (cloud.folder / "buckets" / "once").touch()
    said = cloud.dagbook("run", "s3like://flow.ipynb", "-p", "epochs", "9", "-o", "s3like://out.ipynb", *PROCESS)
    assert said.code == 5
    assert "E-URL-WRITE: s3like://out.ipynb cannot be written: AccessDenied" in said.err
    assert "1 succeeded" in said.out
    (cloud.folder / "buckets" / "once").unlink()
    assert cloud.dagbook("report", "latest", "-o", "s3like://out.ipynb").code == 0
    assert "epochs 9" in cloud.shown("out.ipynb", "%%pipeline_command train")


def test_a_report_that_no_handler_writes_is_refused(cloud: Cloud) -> None:
    said = cloud.dagbook("run", "s3like://flow.ipynb", "--html", "s3like://page.html", *PROCESS)
    assert said.code == 2
    assert "E-USAGE: --html writes a file of this machine" in said.err


def test_a_notebook_of_the_web_is_run_too(cloud: Cloud) -> None:
    server = FileServer()
    try:
        server.give("/flow.ipynb", (cloud.folder / "buckets" / "flow.ipynb").read_bytes())
        url, allowed = server.url("/flow.ipynb"), {**cloud.environment, "DAGBOOK_DATA_HOSTS": server.host}
        said = run_dagbook(cloud.here, "run", url, "-p", "epochs", "7", *PROCESS, env=allowed)
    finally:
        server.stop()
    assert said.code == 0, said.err
    assert "train | epochs 7" in said.out
