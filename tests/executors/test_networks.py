"""Nodes that ask for the network: they get out, and not at each other; the network is made once and goes again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.audit import audit
from dagbook.runner.executors import started_container
from dagbook.runner.executors.docker import DockerExecutor
from dagbook.runner.executors.networks import Networks, NoNetwork, networks_of
from dagbook.runner.records.store import Store

from .conftest import BASE, Bench
from .private import Private
from .test_hardening import beside

pytestmark = [pytest.mark.container, pytest.mark.fault]

WAITS = """
import os, time
print("there", flush=True)
while not os.path.exists("/output/go"): time.sleep(0.01)
"""
SERVES = f"import socket\nserver = socket.create_server(('0.0.0.0', 45678))\n{WAITS}"
REACHES = """
import socket
for port in (45678, 45679):
    try:
        socket.create_connection(("{address}", port), 2).close()
        print("reached")
    except TimeoutError:
        print("no way")
    except ConnectionRefusedError:
        print("refused")
"""
OUTSIDE, GATE = "198.51.100.1", "198.51.100.2"  # addresses that documentation has for itself


@pytest.fixture
def networked(
    private: Private, folder: Path, store: str, nothing_left: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    """A bench whose engine has a bridge; fails when a container or a network of it is left."""
    monkeypatch.setenv("DOCKER_HOST", private.host)
    executor = DockerExecutor(default_image=BASE, transport="ipc")
    yield Bench(executor, folder, store)
    asyncio.run(executor.close())
    assert (private.running(store), private.networks(store)) == ([], [])


@pytest.fixture
def outside(private: Private) -> Iterator[tuple[str, ...]]:
    """Another machine, that the engine's one is linked to: how to become a process of it."""
    name = f"out-{os.getpid()}"
    there = ("ip", "netns", "exec", name)
    commands = (
        ("ip", "netns", "add", name),
        (*private.prefix, "ip", "link", "add", "way", "type", "veth", "peer", "name", "back", "netns", name),
        (*private.prefix, "ip", "addr", "add", f"{GATE}/30", "dev", "way"),
        (*private.prefix, "ip", "link", "set", "way", "up"),
        (*there, "ip", "addr", "add", f"{OUTSIDE}/30", "dev", "back"),
        (*there, "ip", "link", "set", "back", "up"),
    )
    try:
        for words in commands:
            subprocess.run(words, check=True)
        yield there
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


def address_of(private: Private, store: str) -> str:
    """Of the one container of a store."""
    (container,) = private.running(store)
    (network,) = private.inspect(container)["NetworkSettings"]["Networks"].values()
    return str(network["IPAddress"])


def test_T14_nodes_with_the_network_do_not_reach_each_other(private: Private, networked: Bench) -> None:
    """Neither a port on which a sibling listens nor one on which it does not; this machine reaches it."""
    if not private.has_rules():
        pytest.skip("this kernel has no rules for an engine in a namespace of its own")

    def scan() -> tuple[str, int]:
        address = address_of(private, networked.store)
        outcome = networked.run(networked.job(REACHES.format(address=address), network=True))
        assert outcome.ok, outcome.reason
        connects = f"import socket; socket.create_connection(('{address}', 45678), 5)"
        machine = subprocess.run([*private.prefix, sys.executable, "-c", connects], check=False)
        return networked.text(), machine.returncode

    outcome, scanned = asyncio.run(beside(networked, SERVES, scan, network=True))
    assert outcome.ok, outcome.reason
    assert scanned == ("no way\nno way\n", 0)


def test_a_node_with_the_network_gets_out(private: Private, networked: Bench, outside: tuple[str, ...]) -> None:
    """To where nobody knows a way back to its network: it goes by the machine's address."""
    if not private.has_rules():
        pytest.skip("this kernel has no rules for an engine in a namespace of its own")
    listens = f"import socket; s = socket.create_server(('{OUTSIDE}', 45678)); print(flush=True); s.accept()"
    server = subprocess.Popen([*outside, sys.executable, "-c", listens], stdout=subprocess.PIPE)
    try:
        assert server.stdout
        server.stdout.readline()
        outcome = networked.run(networked.job(REACHES.format(address=OUTSIDE), network=True))
        assert outcome.ok, outcome.reason
        assert networked.text().splitlines()[0] == "reached"
    finally:
        server.kill()
        server.communicate()


def test_T10_a_container_with_the_network_has_that_and_nothing_else(private: Private, networked: Bench) -> None:
    """The golden picture of the network, and of what is other than without it."""

    def look() -> tuple[dict[str, Any], dict[str, Any]]:
        (container,), (network,) = private.running(networked.store), private.networks(networked.store)
        return private.inspect(container), private.inspect("--type", "network", network)

    outcome, (seen, network) = asyncio.run(beside(networked, WAITS, look, network=True))
    assert outcome.ok, outcome.reason
    host = seen["HostConfig"]
    assert host["NetworkMode"] == network["Id"]
    assert [one["NetworkID"] for one in seen["NetworkSettings"]["Networks"].values()] == [network["Id"]]
    assert (seen["Config"].get("NetworkDisabled", False), host["PortBindings"], host["ExtraHosts"]) == (False, {}, None)
    assert (host["CapDrop"], host["CapAdd"], host["SecurityOpt"]) == (["ALL"], None, ["no-new-privileges"])
    golden = {
        "Name": f"dagbook-{networked.store}", "Driver": "bridge", "Internal": False, "EnableIPv6": False,
        "Options": {"com.docker.network.bridge.enable_icc": "false"}, "Labels": {"dagbook": networked.store},
        "Attachable": False, "Ingress": False, "Scope": "local",
    }  # fmt: skip
    assert {key: network[key] for key in golden} == golden


MAKES = """
import sys
from dagbook.runner.executors.daemon import connect
from dagbook.runner.executors.networks import Networks
networks = Networks(connect())
print("ready", flush=True)
sys.stdin.readline()
print(networks.of(sys.argv[1]))
"""


def test_P8_processes_that_begin_at_once_make_one_network(private: Private, networked: Bench) -> None:
    """Engines before version 25 make several of one name, and then know none by it."""
    words = [sys.executable, "-c", MAKES, networked.store]
    crowd = [subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    try:
        for one in crowd:
            assert one.stdout
            one.stdout.readline()
        for one in crowd:
            assert one.stdin
            one.stdin.write("go\n")
            one.stdin.flush()
        said = {one.communicate(timeout=60)[0].strip() for one in crowd}
    finally:
        for one in crowd:
            one.kill()
            one.communicate()
    assert said == set(private.networks(networked.store))
    assert len(said) == 1
    networked.executor.remove_leftovers(networked.store, set)  # type: ignore[attr-defined]


def test_a_network_in_use_stays_and_goes_with_the_last_run(private: Private, networked: Bench) -> None:
    """Two runs of one store: the one that ends first does not cut off the other."""

    def other() -> list[str]:
        second = DockerExecutor(default_image=BASE, transport="ipc")
        bench = Bench(second, networked.folder / "second", networked.store)
        outcome = bench.run(bench.job("1", network=True))
        asyncio.run(second.close())
        assert outcome.ok, outcome.reason
        return private.networks(networked.store)

    outcome, after = asyncio.run(beside(networked, WAITS, other, network=True))
    assert outcome.ok, outcome.reason
    assert len(after) == 1


@pytest.mark.parametrize("times", [3, 4])
def test_F55_a_network_that_is_removed_before_its_container_starts_is_made_again(
    private: Private, networked: Bench, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """By a run that ends just then, or by `docker network prune`; not for ever."""
    starts = started_container.Container.start
    pruned: list[str] = []

    def start(self: started_container.Container) -> None:
        if len(pruned) < times:
            pruned.append(private.docker("network", "prune", "--force"))
        starts(self)

    monkeypatch.setattr(started_container.Container, "start", start)
    outcome = networked.run(networked.job("print('there')", network=True))
    if times < 4:
        assert outcome.ok, outcome.reason
    else:
        assert outcome.reason.startswith("the Docker engine refused the container: network ")
    assert len(pruned) == times


def test_F55_a_node_whose_network_is_cut_fails_by_what_it_tries_and_goes_on_without_it(
    private: Private, networked: Bench
) -> None:
    """`docker network disconnect`: the kernel is not reached by the network, so nothing of the run is lost."""

    def cut() -> None:
        (container,), (network,) = private.running(networked.store), private.networks(networked.store)
        private.docker("network", "disconnect", "--force", network, container)

    cell = f"{WAITS}\nimport socket\nsocket.create_connection(('192.0.2.1', 80), 5)"
    outcome, _ = asyncio.run(beside(networked, cell, cut, network=True))
    assert outcome.reason.startswith("OSError: [Errno 101] Network is unreachable")
    assert not outcome.lost


def test_F55_no_name_is_found_where_nobody_answers(networked: Bench) -> None:
    """The namespace leads nowhere; the node is told so, in bounded time."""
    cell = "import socket\nsocket.getaddrinfo('example.org', 80)"
    outcome = networked.run(networked.job(cell, network=True, environment={"RES_OPTIONS": "timeout:1 attempts:1"}))
    assert outcome.reason.startswith("gaierror: ")


def test_an_engine_without_addresses_says_what_to_do(private: Private, networked: Bench) -> None:
    made: list[str] = []
    try:
        with contextlib.suppress(subprocess.CalledProcessError):
            while True:
                made.append(private.docker("network", "create", f"{networked.store}-{len(made)}").strip())
        outcome = networked.run(networked.job("1", network=True))
    finally:
        private.docker("network", "rm", *made)
    assert not outcome.ok
    assert "made no network for it: could not find an available" in outcome.reason
    assert outcome.reason.endswith("Remove networks that nobody uses: docker network prune")


def test_P7_a_network_that_a_killed_run_left_is_found_and_removed(
    private: Private, networked: Bench, tmp_path: Path
) -> None:
    """I5, by the auditor; that of another store is nobody's business here."""
    with contextlib.closing(Store(tmp_path / "store")) as store:
        executor = networked.executor
        assert isinstance(executor, DockerExecutor)
        other = Networks(executor.client)
        assert [other.of(store.id), other.of(networked.store)]
        (found,) = audit(store)
        assert (found.invariant, found.where) == ("I5", f"dagbook-{store.id}")
        assert found.mend
        found.mend()
        assert list(audit(store)) == []
        assert len(networks_of(executor.client, networked.store)) == 1
        other.close()


def test_an_engine_that_makes_no_bridges_is_told(networked: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    executor = networked.executor
    assert isinstance(executor, DockerExecutor)
    monkeypatch.setattr("dagbook.runner.executors.networks._APART", {"com.docker.network.bridge.enable_icc": "perhaps"})
    with pytest.raises(NoNetwork, match=r"made no network for it: .*enable_icc"):
        executor.networks.of(networked.store)
