"""Images that nobody has vouched for: what their authors set makes no node succeed that did not run, hang, or get more
than other nodes; where a node cannot run in one it is told why, and what to do."""

from __future__ import annotations

import asyncio
import io
import os
import re
import secrets
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dagbook.runner.core.model import Kind
from dagbook.runner.executors.contract import Needs
from dagbook.runner.executors.docker import DockerExecutor
from dagbook.runner.executors.image_contents import look
from dagbook.runner.executors.rundir import INSIDE
from dagbook.runner.executors.transport import sockets_cross

from .conftest import BASE, Bench, record, until
from .test_docker import OtherUser, during, inspect

pytestmark = [pytest.mark.container, pytest.mark.fault]

FILES = {
    "swallow": "#!/bin/sh\nexit 0\n",
    "lie": "#!/bin/sh\necho Python 3.99\nexit 0\n",
    "sleep": "#!/bin/sh\nexec sleep 600\n",
    "flood": "#!/bin/sh\nexec yes it does not end\n",
    "hijack.py": "import os\nprint('hijacked', flush=True)\nos._exit(0)\n",
    "mod.py": "x = 5\n",
}

HARMLESS = {
    "an entry point that swallows the command": 'COPY swallow /swallow\nENTRYPOINT ["/swallow"]',
    "a command": 'CMD ["sleep", "600"]',
    "a search path with a sitecustomize": "COPY hijack.py /evil/sitecustomize.py\nENV PYTHONPATH=/evil",
    "a search path with a module of the kernel's": "COPY hijack.py /evil/random.py\nENV PYTHONPATH=/evil",
    "a profile of IPython": "COPY hijack.py /evil/profile_default/startup/00.py\nENV IPYTHONDIR=/evil",
    "a start of the shell": "COPY swallow /evil/start\nENV ENV=/evil/start BASH_ENV=/evil/start",
    "a library that is not there": "ENV LD_PRELOAD=/nowhere.so",
    "another encoding": "ENV PYTHONIOENCODING=utf-16 LC_ALL=nowhere",
    "variables of ours": "ENV HOME=/nowhere DAGBOOK_OUTPUT=/nowhere USER=nobody",
    "root": "USER root",
    "an unknown user": "USER nobody-knows-them",
    "volumes": "VOLUME /input /output /dag /dag/lib /tmp /input/before /etc /data",
    "a failing health check": "HEALTHCHECK --interval=1s --retries=1 CMD touch /output/unhealthy; exit 1",
    "something for who builds on it": "ONBUILD RUN exit 1",
    "an odd signal": "STOPSIGNAL SIGUSR1",
    "a folder that is not there": "WORKDIR /no/such",
    "labels of ours": "LABEL dagbook=other dagbook.run=other dagbook.node_run=other dagbook.kept=/tmp",
    "another shell": 'SHELL ["/nowhere"]',
    "a port": "EXPOSE 80",
}

BROKEN = {
    "PYTHONHOME": ("ENV PYTHONHOME=/nowhere", r"its python3 does not run \(.*encodings"),
    "a seed": ("ENV PYTHONHASHSEED=banana", r"its python3 does not run \(.*PYTHONHASHSEED must be"),
    "a python that lies": ("COPY lie /usr/bin/python3", r"its python3 does not run \(Python 3.99\)"),
    "a python that says nothing": ("COPY swallow /usr/bin/python3", r"its python3 does not run \(it says nothing\)"),
    "a python that does not end": ("COPY sleep /usr/bin/python3", "it does not answer within 2 s"),
    "a python without end": ("COPY flood /usr/bin/python3", "it does not answer within 2 s"),
    "a sitecustomize": ("COPY hijack.py /usr/lib/python3.11/sitecustomize.py", r"does not run \(hijacked\)"),
    "PATH": ("ENV PATH=/nowhere", "no sh is found in it"),
    "a shell that lies": ("COPY swallow /bin/sh", "no sh is found in it"),
}


def context(dockerfile: str) -> io.BytesIO:
    """What a build is given."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, text in {**FILES, "Dockerfile": f"FROM {BASE}\n{dockerfile}\n"}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text), 0o755
            tar.addfile(member, io.BytesIO(text.encode()))
    made.seek(0)
    return made


@pytest.fixture
def build(docker: Bench) -> Iterator[Callable[[str], str]]:
    """Builds an image on BASE; gives its tag."""
    client, made = executor(docker).client, list[str]()

    def of(dockerfile: str) -> str:
        made.append(f"hostile:{docker.store}-{len(made)}")
        steps = list(client.build(fileobj=context(dockerfile), custom_context=True, tag=made[-1], decode=True, rm=True))
        assert not [one for one in steps if "error" in one], steps
        return made[-1]

    yield of
    for tag in made:
        client.remove_image(tag, force=True)


def volumes_of(container: dict[str, Any]) -> set[str]:
    """The volumes without a name that the engine made for a container."""
    return {one["Name"] for one in container["Mounts"] if one["Type"] == "volume"}


def of_image(tag: str) -> str:
    """Its containers."""
    listed = ["docker", "ps", "-aq", "--filter", f"ancestor={tag}"]
    return subprocess.run(listed, capture_output=True, text=True, check=True).stdout


def volumes() -> set[str]:
    """All that the engine has."""
    listed = ["docker", "volume", "ls", "-q"]
    return set(subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split())


def executor(bench: Bench) -> DockerExecutor:
    assert isinstance(bench.executor, DockerExecutor)
    return bench.executor


EACH = bool(os.environ.get("LONG_FAULTS"))
CELL = """
import os
open('file', 'w').write(open('/input/before/file').read())
print(os.getuid(), os.getcwd(), os.environ['DAGBOOK_OUTPUT'])
"""


@pytest.mark.parametrize("name", [*HARMLESS] if EACH else ["all at once"])
def test_what_an_image_sets_does_not_matter(docker: Bench, build: Callable[[str], str], name: str) -> None:
    """All cells run, as the caller, in /output, and nothing of the image runs beside them."""
    image = build("\n".join([HARMLESS[name]] if EACH else HARMLESS.values()))
    mounts = (docker.input(file="x"),)
    job = docker.job(CELL, "print('last')", runtime=docker.runtime(Kind.CELL, image=image), mounts=mounts)
    outcome = docker.run(job)
    assert outcome.ok, outcome.reason
    assert docker.text() == f"{os.getuid()} /output /output\nlast\n"
    assert [cell.execution_count for cell in record(job).cells] == [1, 2]
    assert sorted(one.name for one in job.output.iterdir()) == ["file"]
    assert (job.output / "file").stat().st_uid == os.getuid()
    script = docker.job(
        script="cat /input/before/file > file; pwd; echo ran",
        runtime=docker.runtime(Kind.COMMAND, image=image),
        mounts=mounts,
    )
    outcome = docker.run(script)
    assert outcome.ok, outcome.reason
    assert docker.text() == "/output\nran\n"
    assert (script.output / "file").read_text() == "x"


@pytest.mark.parametrize("name", BROKEN)
def test_an_image_that_does_not_work_is_told_with_what_to_do(
    docker: Bench, build: Callable[[str], str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagbook.runner.executors.image_contents.LOOK_SECONDS", 2.0)
    lines, words = BROKEN[name]
    image = build(lines)
    runtimes, problems = docker.executor.prepare([Needs("node", Kind.CELL, image=image)], lambda line: None)
    assert runtimes == {}
    (found,) = problems
    assert found.code == "E-IMAGE-KERNEL"
    assert found.message.startswith(f"the image {image} has no kernel 'python3': ")
    assert re.search(words, found.message), found.message
    assert image in found.hint or "Choose an image with a shell" in found.hint
    until(lambda: not of_image(image))


@pytest.mark.skipif(not EACH, reason="the engine copies the whole image first: LONG_FAULTS=1")
def test_an_image_that_the_engine_does_not_start_is_told_as_the_engines(
    docker: Bench, build: Callable[[str], str]
) -> None:
    image = build("VOLUME /")
    (found,) = docker.executor.prepare([Needs("node", Kind.COMMAND, image=image)], lambda line: None)[1]
    assert "the engine starts no container of it: " in found.message
    assert found.hint == f"Look at what this says: docker run --rm {image} true"


def test_a_kernel_that_an_image_ends_before_it_has_begun_is_no_success(
    docker: Bench, build: Callable[[str], str]
) -> None:
    """By a program that IPython runs first; exit code 0."""
    image = build("COPY hijack.py /evil/start.py\nENV PYTHONSTARTUP=/evil/start.py")
    job = docker.job("print(1)", runtime=docker.runtime(Kind.CELL, image=image))
    outcome = docker.run(job)
    assert outcome.reason == "the kernel did not start: its process exited (code 0)"
    assert record(job).cells[0].execution_count is None


def test_modules_on_an_images_search_path_are_found(docker: Bench, build: Callable[[str], str]) -> None:
    """PYTHONPATH of the image stays, and ours is added to it."""
    image = build("COPY mod.py /app/mod.py\nENV PYTHONPATH=/app")
    cell = (
        "import mod, dagbook, subprocess, sys\nprint(mod.x, subprocess.run([sys.executable, '-m', 'mod']).returncode)"
    )
    outcome = docker.run(docker.job(cell, runtime=docker.runtime(Kind.CELL, image=image)))
    assert outcome.ok, outcome.reason
    assert docker.text() == "5 0\n"


def test_T10_the_hardening_is_the_same_in_an_image_that_says_otherwise(
    docker: Bench, build: Callable[[str], str]
) -> None:
    """User, health check, signal, labels and restrictions of the container are ours."""
    seen: dict[str, Any] = {}
    image = build("\n".join(HARMLESS.values()))

    def look(container: str) -> None:
        seen.update(inspect(container))
        subprocess.run(["docker", "stop", "-t", "20", container], capture_output=True, check=True)

    cell = "import time; print('there', flush=True); time.sleep(600)"
    outcome = asyncio.run(during(docker, cell, look, runtime=docker.runtime(Kind.CELL, image=image)))
    assert (outcome.lost, "outside" in outcome.reason) == (True, True)  # by SIGTERM, whatever the image calls for
    host, config = seen["HostConfig"], seen["Config"]
    assert config["User"] == f"{os.getuid()}:{os.getgid()}"
    assert (config["Healthcheck"]["Test"], config["StopSignal"]) == (["NONE"], "SIGTERM")
    assert (config["Entrypoint"], config["Cmd"] or []) == (["sh", "/dag/launch"], [])
    labels = {name: value for name, value in config["Labels"].items() if name.startswith("dagbook")}
    assert labels == {
        "dagbook": docker.store, "dagbook.run": "run1", "dagbook.node_run": f"node{docker.count}", "dagbook.kept": ""
    }  # fmt: skip
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["NetworkMode"]) == (True, ["ALL"], "none")
    assert (host["SecurityOpt"], host["Privileged"], host["AutoRemove"]) == (["no-new-privileges"], False, True)
    made = volumes_of(seen)
    assert made
    until(lambda: not made & volumes())


def test_the_probe_leaves_no_volume(
    docker: Bench, build: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What finds out how kernels are reached, with the first image that comes."""
    client, made = executor(docker).client, set[str]()
    start = client.start

    def started(container: str) -> None:
        made.update(volumes_of(inspect(container)))
        start(container)

    monkeypatch.setattr(client, "start", started)
    assert sockets_cross(client, executor(docker).engine, build("VOLUME /data"))
    assert len(made) == 1
    until(lambda: not made & volumes())


def test_T10_what_asks_an_image_or_an_engine_gives_it_no_more_than_a_node_does(
    docker: Bench, build: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image that nobody has vouched for is run before there is a node in it."""
    client, made = executor(docker).client, list[dict[str, Any]]()
    start = client.start

    def started(container: str) -> None:
        made.append(inspect(container))
        start(container)

    monkeypatch.setattr(client, "start", started)
    image = build(f"LABEL never.seen={secrets.token_hex(8)}")
    assert look(client, inspect(image)["Id"]).python
    assert sockets_cross(client, executor(docker).engine, image)
    assert len(made) == 2
    for one in made:
        host = one["HostConfig"]
        assert (host["CapDrop"], host["ReadonlyRootfs"], host["NetworkMode"]) == (["ALL"], True, "none")
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert host["PidsLimit"]
        assert host["Memory"]
        assert not host["Privileged"]
        assert [mount["Destination"] for mount in one["Mounts"] if mount["Type"] == "bind"] in ([], [INSIDE])


def test_T10_root_in_an_image_is_not_root_among_the_files(build: Callable[[str], str], other_user: OtherUser) -> None:
    """USER root, run by another user of this machine: what it writes is that user's, and what root has stays closed."""
    image = build("USER root\nRUN chmod 4755 /usr/bin/env")
    cell = "import os; open('file', 'w').write('x'); print(os.getuid()); open('/etc/shadow').read()"
    outcome, output = other_user(image, cell)
    assert outcome["reason"].startswith("PermissionError: [Errno 13] Permission denied: '/etc/shadow'")
    assert (output / "file").stat().st_uid == 1234
