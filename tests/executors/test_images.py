"""Images: found, looked into, made; and what is said when they are not fit."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.model import Kind
from dagbook.runner.executors import trial
from dagbook.runner.executors.contract import Needs, Runtime
from dagbook.runner.executors.derived import REPOSITORY, Recipe
from dagbook.runner.executors.docker import DockerExecutor
from dagbook.runner.executors.image_contents import Seen, Spec, _seen
from dagbook.runner.executors.images import _name_and_tag, kernel_for

from .conftest import BASE, NOKERNEL, Bench, containers, until

REQUIREMENT = "six"  # small, pure Python


@pytest.fixture
def made() -> Iterator[list[str]]:
    """Ids of images to remove afterwards."""
    ids: list[str] = []
    yield ids
    for one in ids:
        subprocess.run(["docker", "rmi", "-f", one], capture_output=True, check=False)


def settle(bench: Bench, *needs: Needs) -> dict[str, Runtime]:
    """The runtimes, when nothing was found."""
    runtimes, problems = bench.executor.prepare(needs, lambda line: None)
    assert not problems
    return runtimes


@pytest.mark.container
def test_F16_an_image_without_a_kernel_gets_one_once(docker: Bench, made: list[str]) -> None:
    """Made by content: the second time nothing is built; the base's user and command are kept."""
    told: list[str] = []
    need = Needs("node", Kind.CELL, image=NOKERNEL, requirements=(REQUIREMENT,), prerun="echo hi > /etc/from-prerun")
    runtimes, problems = docker.executor.prepare([need], told.append)
    assert not problems
    runtime = runtimes["node"]
    made.append(runtime.digest)
    assert any("ipykernel" in line for line in told)
    told.clear()
    assert docker.executor.prepare([need], told.append)[0]["node"].digest == runtime.digest
    assert told == []
    outcome = docker.run(docker.job("import six; print(open('/etc/from-prerun').read())", runtime=runtime))
    assert outcome.ok, outcome.reason
    assert docker.text().strip() == "hi"
    shown = json.loads(subprocess.run(["docker", "inspect", runtime.digest], capture_output=True, check=True).stdout)[0]
    assert shown["Config"]["Labels"]["dagbook"] == "derived"
    assert shown["Config"]["Cmd"] == ["python3"]
    assert shown["Config"]["Entrypoint"] in (None, [])
    assert not [one for one in shown["Config"]["Env"] if "PIP" in one.upper() or "PROXY" in one.upper()]
    find = [
        "docker",
        "run",
        "--rm",
        "--network",
        "none",
        runtime.digest,
        "sh",
        "-c",
        "ls -A /tmp /mnt /root; cat /etc/pip.conf",
    ]
    left = subprocess.run(find, capture_output=True, text=True, check=False)
    assert "No such file" in left.stderr
    assert left.stdout.split() == ["/mnt:", "/root:", ".bashrc", ".profile", "/tmp:"]


@pytest.mark.container
def test_a_failed_build_leaves_nothing(docker: Bench) -> None:
    """The build's own last lines are told; no container, no image."""
    need = Needs("node", Kind.CELL, image=BASE, prerun="echo this is why; exit 7")
    recipe = Recipe(docker.runtime(Kind.CELL).digest, (), need.prerun)
    with pytest.raises(PipelineError, match="this is why") as caught:
        docker.executor.prepare([need], lambda line: None)
    assert caught.value.problems[0].code == "E-BUILD-FAILED"
    assert containers(f"dagbook.build={recipe.key}") == []
    shown = subprocess.run(
        ["docker", "image", "inspect", f"{REPOSITORY}:{recipe.key}"], capture_output=True, check=False
    )
    assert shown.returncode


@pytest.mark.container
def test_builders_of_one_image_do_not_collide(docker: Bench, made: list[str]) -> None:
    """Two at once: one builds, both get the image."""
    need = Needs("node", Kind.CELL, image=BASE, prerun="date +%N > /etc/made-at")
    digests: list[str] = []
    threads = [threading.Thread(target=lambda: digests.append(settle(docker, need)["node"].digest)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made.extend(digests)
    assert len(digests) == 3
    assert len(set(digests)) == 1


@pytest.mark.container
def test_builders_without_a_common_lock_leave_each_others_builds_alone(
    docker: Bench, made: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two users of one engine, each with a cache and so with locks of their own, build the same at the same time.

    Both get the image of who was faster: one that came later in its place would make every result from it stale.
    """
    prerun = "mkfifo /tmp/dagbook/gate; echo begun; read go < /tmp/dagbook/gate"
    need = Needs("node", Kind.CELL, image=BASE, prerun=prerun)
    ended: queue.Queue[str | PipelineError] = queue.Queue()

    def build(begun: threading.Event) -> None:
        try:
            found, _ = docker.executor.prepare([need], lambda line: begun.set() if line == "begun" else None)
            ended.put(found["node"].digest)
        except PipelineError as error:
            ended.put(error)

    for user in ("one", "other"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / user))
        begun = threading.Event()
        threading.Thread(target=build, args=(begun,), daemon=True).start()
        assert begun.wait(60)
    found = []
    for gate in Path(os.environ["XDG_RUNTIME_DIR"]).glob("dag*/gate"):
        gate.write_text("go\n")
        found.append(ended.get(timeout=60))
    digests = [one for one in found if isinstance(one, str)]
    made.extend(digests)
    assert digests == found
    assert len(digests) == 2
    assert len(set(digests)) == 1


@pytest.mark.container
def test_a_build_that_was_killed_is_taken_away_by_the_next_one(docker: Bench, made: list[str]) -> None:
    need = Needs("node", Kind.CELL, image=BASE, prerun="date +%N > /etc/made-after-another")
    recipe = Recipe(docker.runtime(Kind.CELL).digest, (), need.prerun)
    labels = [part for label in ("dagbook=build", f"dagbook.build={recipe.key}") for part in ("--label", label)]
    held = ["--label", "dagbook.build.held=/nowhere"]
    subprocess.run(["docker", "create", *labels, *held, BASE, "true"], capture_output=True, check=True)
    made.append(settle(docker, need)["node"].digest)
    assert containers(f"dagbook.build={recipe.key}") == []


@pytest.mark.container
def test_F29_a_missing_image_names_the_nodes(docker: Bench) -> None:
    """Before anything starts, for all images at once."""
    needs = [Needs(title, Kind.CELL, image=f"dagbook/no-such-{title[0]}:1") for title in ("a", "b", "a2")]
    runtimes, problems = docker.executor.prepare(needs, lambda line: None)
    assert runtimes == {}
    assert [one.code for one in problems] == ["E-IMAGE-MISSING"] * 2
    assert '"a", "a2"' in problems[0].hint


@pytest.mark.container
def test_F16_an_unknown_kernel_is_answered_with_those_there_are(docker: Bench) -> None:
    """--kernel must name a kernelspec of the image."""
    _, problems = docker.executor.prepare([Needs("a", Kind.CELL, kernel="julia")], lambda line: None)
    assert [one.code for one in problems] == ["E-IMAGE-KERNEL"]
    assert "python3" in problems[0].hint


@pytest.mark.container
def test_the_digest_is_the_images_id(docker: Bench) -> None:
    """What pins the runtime is what the engine would run now."""
    runtime = docker.runtime(Kind.CELL)
    shown = subprocess.run(["docker", "inspect", "-f", "{{.Id}}", BASE], capture_output=True, text=True, check=True)
    assert runtime.digest == shown.stdout.strip()
    assert runtime.reference == BASE


@pytest.mark.container
@pytest.mark.fault
def test_F30_a_tag_that_moves_after_the_plan_changes_no_node(docker: Bench, made: list[str]) -> None:
    """The node runs in the image that the tag meant when it was planned."""
    tag = f"dagbook-test/moving:{docker.store}"
    made.append(tag)
    subprocess.run(["docker", "tag", NOKERNEL, tag], check=True)
    runtime = docker.runtime(Kind.COMMAND, image=tag)
    subprocess.run(["docker", "tag", BASE, tag], check=True)
    outcome = docker.run(docker.job(script="python3 -c 'import ipykernel' || echo the first", runtime=runtime))
    assert outcome.ok, outcome.reason
    assert docker.text() == "the first\n"
    assert runtime.reference == tag


R = Spec(("R", "-f", "{connection_file}"), "R")


@pytest.mark.parametrize(
    ("need", "seen", "expected"),
    [
        (Needs("n", Kind.CELL), Seen(True, True, True), ("python3", None, False)),
        (Needs("n", Kind.CELL), Seen(True, True, False), ("python3", None, True)),
        (Needs("n", Kind.CELL), Seen(True, False, False, {"ir": R}), ("ir", R, False)),
        (Needs("n", Kind.CELL), Seen(True, True, True, {"ir": R}), ("python3", None, False)),
        (Needs("n", Kind.CELL, kernel="ir"), Seen(True, True, True, {"ir": R}), ("ir", R, False)),
        (Needs("n", Kind.CELL, language="R"), Seen(True, True, True, {"ir": R}), ("ir", R, False)),
        (Needs("n", Kind.COMMAND), Seen(True), ("", None, False)),
    ],
)
def test_which_kernel_a_node_gets(need: Needs, seen: Seen, expected: tuple[str, Spec | None, bool]) -> None:
    """ipykernel of python3 for Python, else the one asked for, else the only one there is."""
    assert kernel_for(need, "image", seen) == expected


def test_what_is_seen_in_an_image() -> None:
    """Kernelspecs are read as they stand; a broken one is none."""
    output = (
        "\036python\n/usr\n\036kernel /usr/share/jupyter/kernels/ir/kernel.json\n"
        '{"argv": ["R", "--args", "{resource_dir}/x", "{connection_file}"], "language": "R", "env": {"A": "1"}}\n'
        "\036kernel /usr/share/jupyter/kernels/bad/kernel.json\n{oops\n\036end\n"
    )
    spec = Spec(("R", "--args", "/usr/share/jupyter/kernels/ir/x", "{connection_file}"), "R", {"A": "1"})
    assert _seen(output) == Seen(True, True, False, {"ir": spec})


def test_an_image_without_a_tag_means_latest() -> None:
    """As everywhere; a registry's port is no tag."""
    assert _name_and_tag("python") == ("python", "latest")
    assert _name_and_tag("host:5000/python") == ("host:5000/python", "latest")
    assert _name_and_tag("host:5000/python:3") == ("host:5000/python", "3")


def test_the_same_recipe_is_the_same_image() -> None:
    """And any change is another one."""
    recipe = Recipe("sha256:a", ("numpy",), "x")
    assert recipe.key == Recipe("sha256:a", ("numpy",), "x").key
    others = [Recipe("sha256:b", ("numpy",), "x"), Recipe("sha256:a", ("numpy", "x")), Recipe("sha256:a", ("numpy",))]
    assert recipe.key not in {other.key for other in others}


@pytest.mark.fault
def test_P7_a_container_that_looks_into_an_image_for_nobody_is_removed_when_it_is_old(
    docker: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process was killed, and what the image was asked does not end."""
    words = ["docker", "run", "-d", "--label", trial.TRIAL_LABEL, BASE, "sleep", "600"]
    left = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    executor = docker.executor
    assert isinstance(executor, DockerExecutor)
    assert left not in trial.old(executor.client)
    with monkeypatch.context() as later:
        later.setattr(trial, "OLD_SECONDS", -60.0)
        assert left in trial.old(executor.client)
    monkeypatch.setattr(trial, "old", lambda client: [left])  # and not those of others that listen just now
    executor.remove_leftovers(docker.store, list)
    until(lambda: left not in containers(trial.TRIAL_LABEL))
