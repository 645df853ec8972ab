"""A job's secrets, with each executor: the node has them, who looks on sees dots, and nothing of them is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from dagbook.runner.core.masking import MASK
from dagbook.runner.core.model import Kind
from dagbook.runner.executors.containers import Engine, container
from dagbook.runner.executors.contract import Job, LoggedImage, Output, Runtime
from dagbook.runner.executors.hiding import HiddenMessages, of_job
from dagbook.runner.executors.launch import environment
from dagbook.runner.executors.logbook import Logbook
from dagbook.runner.executors.rundir import PRINTED, RunDir
from dagbook.runner.executors.secret_folders import lay_out
from dagbook.runner.records.secret_values import SecretFolder, SecretValues
from tests.executors.conftest import Bench

CANARY = "canary-4af1"
SECRETS = SecretValues({"TOKEN": CANARY}, (SecretFolder("my-certs", "/certs", {"key": CANARY.encode()}),))

CELL = """
import os, sys
print(os.environ["TOKEN"][:5], end=""); sys.stdout.flush()
print(os.environ["TOKEN"][5:])
print(open(os.environ["DAGBOOK_MOUNT_MY_CERTS"] + "/key").read())
os.system("echo past the kernel $TOKEN")
{"a": os.environ["TOKEN"]}
"""
SVG = """
import os
from IPython.display import SVG, display
text = f'<svg xmlns="http://www.w3.org/2000/svg"><text>{os.environ["TOKEN"]}</text></svg>'
display(SVG(text), metadata={"dagbook": {"image": "drawn"}})
open("file.svg", "w").write(text)
print("dagbook_image_kept: file.svg")
"""


def told(bench: Bench) -> str:
    return repr([(one.index, dict(one.message)) for one in bench.reports if isinstance(one, Output)] + bench.logged())


def test_row_p25_what_a_notebook_shows_of_a_secret_is_dots(bench: Bench) -> None:
    """In what is reported and in the record; it has both, the variable and the file."""
    job = bench.job(CELL, secrets=SECRETS)
    outcome = bench.run(job)
    assert outcome.ok, outcome.reason
    assert bench.text().startswith(f"{MASK}\n{MASK}\n")
    assert CANARY not in told(bench)
    assert CANARY not in job.record.read_text()
    assert CANARY not in repr(job)


def test_row_p25_what_a_command_shows_of_a_secret_is_dots(bench: Bench) -> None:
    """Cut in two, on both streams, at the very end without a line end."""
    script = 'printf %s "$TOKEN" | cut -c1-4 | tr -d "\\n"; sleep 0.1; printf %s "$TOKEN" | cut -c5-\n'
    script += 'cat "$DAGBOOK_MOUNT_MY_CERTS/key" >&2; echo "dagbook_tag_x: $TOKEN"; printf "end %s" "$TOKEN"; exit 4'
    job = bench.job(script=script, secrets=SECRETS)
    outcome = bench.run(job)
    assert outcome.exit_code == 4
    assert bench.text() == f"{MASK}\ndagbook_tag_x: {MASK}\nend {MASK}"
    assert bench.text("stderr") == MASK
    assert bench.logged() == [("x", MASK, None)]
    assert CANARY not in told(bench) + job.record.read_text()


def test_what_was_held_back_is_told_when_a_cell_ends(bench: Bench) -> None:
    """The beginning of a secret that was none is not lost, also at the end of all."""
    job = bench.job(f"print('{CANARY[:6]}', end='')", "import atexit; atexit.register(print, 'cana', end=''); None",
                    secrets=SECRETS)  # fmt: skip
    assert bench.run(job).ok
    assert [one.message["text"] for one in bench.reports if isinstance(one, Output)] == [CANARY[:6], "cana"]


def test_what_was_held_back_of_a_cell_before_the_last_is_told_too(bench: Bench) -> None:
    """A thread of it goes on printing when the cell is over."""
    thread = "import threading\ngo = threading.Event()\n"
    thread += "threading.Thread(target=lambda: (go.wait(), print('a cana', end=''))).start()"
    assert bench.run(bench.job(thread, "go.set()", "1;", secrets=SECRETS)).ok
    assert bench.text() == "a cana"


def test_how_a_node_failed_is_told_without_its_secrets(bench: Bench) -> None:
    """The reason, the message, the traceback with its values."""
    job = bench.job("import os\nraise KeyError(os.environ['TOKEN'])", secrets=SECRETS)
    outcome = bench.run(job)
    assert outcome.reason == f"KeyError: '{MASK}'"
    assert CANARY not in repr(outcome)
    assert CANARY not in told(bench) + job.record.read_text()


def test_drawings_that_a_node_logs_have_dots(bench: Bench) -> None:
    """Displayed or from a file."""
    job = bench.job(SVG, secrets=SECRETS)
    assert bench.run(job).ok
    images = [one.file.read_text() for one in bench.reports if isinstance(one, LoggedImage)]
    assert [MASK in image for image in images] == [True, True]
    assert CANARY not in "".join(images) + told(bench) + job.record.read_text()


def test_a_kernel_that_does_not_start_complains_without_secrets(plain: Bench) -> None:
    """What it printed before it could speak is part of the reason."""
    runtime = plain.runtime(Kind.CELL)
    broken = Runtime(runtime.reference, runtime.digest, "other", "other", ("sh", "-c", "echo no $TOKEN >&2; exit 1"))
    outcome = plain.run(plain.job("1", secrets=SECRETS, runtime=broken))
    assert f"no {MASK}" in outcome.reason


def test_lines_that_a_kernel_wrote_past_us_log_without_secrets(folder: Path) -> None:
    """They come by a file, in pieces."""
    job = Job("1", "1", "n", Kind.CELL, Runtime("r", "d"), folder / "r.ipynb", folder, secrets=SECRETS, json_tags=True)
    rundir, reports = RunDir.make(), list[Any]()
    logbook = Logbook(job, rundir, reports.append, [])
    with open(rundir.path / PRINTED, "w") as printed:
        for piece in (
            f"dagbook_tag_a: {CANARY[:5]}",
            f"{CANARY[5:]}\n",
            '{"t": "\\u0063anary-4af1"}\n',
            f"dagbook_tag_b: {CANARY[:3]}",
        ):
            printed.write(piece)
            printed.flush()
            logbook.take_printed()
    logbook.settle(last=True)
    rundir.remove()
    assert [(one.name, one.value) for one in reports] == [("a", MASK), ("t", MASK), ("b", CANARY[:3])]


@pytest.mark.parametrize("way", ["a line", "a line by a file", "a display", "JSON"])
def test_a_number_that_is_a_secret_is_logged_as_dots(folder: Path, way: str) -> None:
    """Whoever reads it as a number, before it was looked for."""
    written = "73519246" if way == "a display" else "7351924.60"  # read as a number it is spelled otherwise
    pin = SecretValues({"PIN": written})
    job = Job("1", "1", "n", Kind.CELL, Runtime("r", "d"), folder / "r", folder, secrets=pin, json_tags=True)
    rundir, reports = RunDir.make(), list[Any]()
    logbook = Logbook(job, rundir, reports.append, [])
    messages = HiddenMessages(logbook.hiding) if logbook.hiding else None
    assert messages
    if way == "a line by a file":
        rundir.write(PRINTED, f"dagbook_tag_a: {written}\n")
    elif way == "a display":
        logged = {"application/vnd.dagbook.logged+json": {"name": "a", "value": int(written)}}
        shown = messages.shown({"msg_type": "display_data", "parent_header": {}, "content": {"data": logged}})
        assert shown
        logbook.take_display(shown["content"]["data"], {})
    else:
        text = f'{{"a": {written}}}\n' if way == "JSON" else f"dagbook_tag_a: {written}\n"
        content = {"name": "stdout", "text": text}
        shown = messages.shown({"msg_type": "stream", "parent_header": {}, "content": content})
        assert shown
        logbook.take(0, shown["content"]["text"])
    logbook.settle(last=True)
    rundir.remove()
    assert [(one.name, one.value) for one in reports] == ([] if way == "JSON" else [("a", MASK)])


def test_files_of_secrets_are_for_this_user_alone(folder: Path) -> None:
    """In the run directory, which goes however the attempt ends."""
    job = Job("1", "1", "n", Kind.CELL, Runtime("r", "d"), folder / "r.ipynb", folder, secrets=SECRETS)
    rundir = RunDir.make()
    lay_out(job, rundir)
    file = rundir.path / "secrets" / "0" / "key"
    assert [one.stat().st_mode & 0o777 for one in (file, file.parent, rundir.path)] == [0o400, 0o700, 0o700]
    assert environment(job, rundir, real_paths=True)["DAGBOOK_MOUNT_MY_CERTS"] == str(file.parent)
    rundir.remove()
    assert not rundir.path.exists()


class Client:
    """What is asked of an engine's client."""

    def create_host_config(self, **settings: Any) -> dict[str, Any]:
        """The settings as they are."""
        return settings


def test_a_container_has_secrets_in_its_environment_and_nowhere_else(folder: Path) -> None:
    """Not in its labels, its command, its mounts."""
    labels = {"dagbook": "s"}
    job = Job("1", "1", "n", Kind.CELL, Runtime("r", "d"), folder / "r.ipynb", folder, secrets=SECRETS, labels=labels)
    rundir = RunDir.make()
    variables = environment(job, rundir, real_paths=False)
    made = container(cast(Any, Client()), Engine("e"), job, rundir, variables, stdin=False, network=None)
    rundir.remove()
    assert made.pop("environment")["TOKEN"] == CANARY
    assert CANARY not in repr(made)
    assert [one["ReadOnly"] for one in made["host_config"]["mounts"] if one["Target"] == "/certs"] == [True]


def test_a_job_without_secrets_has_nothing_to_hide(folder: Path) -> None:
    """Nothing is looked for in what it prints; nor with a secret that is too short."""
    job = Job("1", "1", "n", Kind.CELL, Runtime("r", "d"), folder / "r.ipynb", folder)
    assert of_job(job) is None
    short = Job("1", "1", "n", Kind.CELL, Runtime("r", "d"), folder / "r", folder, secrets=SecretValues({"A": "12345"}))
    assert of_job(short) is None


@pytest.mark.container
def test_the_run_directory_is_gone_after_a_container(docker: Bench) -> None:
    """With the files of secrets in it; `nothing_left` looks."""
    assert docker.run(docker.job(script="test -r /certs/key && ! touch /certs/x", secrets=SECRETS)).ok
