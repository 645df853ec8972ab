"""The network of a store's nodes that ask for one: it leads out of the machine, and not from one node to another.

A bridge of the store's own, made when its first such node starts and removed when none is left in it. On the engine's
default bridge every container reaches every other one.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from .caches import only_one
from .daemon import LABEL

if TYPE_CHECKING:
    from docker import APIClient
    from docker.errors import NotFound

_APART = {"com.docker.network.bridge.enable_icc": "false"}  # no communication between containers
_NONE_LEFT = "address pool"  # what an engine says that has no addresses for another network


class NoNetwork(Exception):
    """The engine made no network; why, and what to do."""


class NetworkGone(NoNetwork):
    """A network was removed before its container started: by another run that needed it no longer, or by somebody."""


class Networks:
    """The networks of stores on one engine, as one run process uses them; from any thread."""

    def __init__(self, client: APIClient) -> None:
        self._client = client
        self._used: set[str] = set()

    def opens(self) -> bool:
        """Whether the engine has a network that leads anywhere: one that was started without a bridge has none."""
        return bool(self._client.networks(names=["bridge"]))

    def of(self, store: str) -> str:
        """What a container's network mode is that is to have the network of `store`. Raises NoNetwork."""
        if not self.opens():
            return "bridge"  # which is none; that was said when the run was planned
        self._used.add(store)
        with only_one(f"network-{store}"):  # engines before version 25 make two of one name
            found = networks_of(self._client, store)
            return str(found[0]["Id"]) if found else self._make(store)

    def _make(self, store: str) -> str:
        from docker.errors import APIError

        try:
            made = self._client.create_network(
                f"dagbook-{store}", driver="bridge", options=_APART, labels={LABEL: store}, check_duplicate=True
            )
        except APIError as error:
            why = str(error.explanation or error)
            remedy = "Remove networks that nobody uses: docker network prune" if _NONE_LEFT in why else ""
            raise NoNetwork(f"the Docker engine made no network for it: {why}. {remedy}".strip()) from None
        return str(made["Id"])

    def close(self) -> None:
        """Remove what this process used and no container is in."""
        while self._used:
            remove_networks(self._client, self._used.pop())


def networks_of(client: APIClient, store: str) -> list[dict[str, Any]]:
    """The networks that are labelled with a store: one, or none."""
    return list(client.networks(filters={"label": f"{LABEL}={store}"}))


def remove_networks(client: APIClient, store: str) -> None:
    """Remove a store's network. The engine refuses that while a container is in it, of whichever run."""
    from docker.errors import APIError

    for one in networks_of(client, store):
        with contextlib.suppress(APIError):
            client.remove_network(one["Id"])


def raise_if_network_gone(error: NotFound) -> None:
    """Raise NetworkGone where it is for that that a container did not start."""
    if "network" in str(error.explanation):
        raise NetworkGone(f"the Docker engine refused the container: {error.explanation}") from None
