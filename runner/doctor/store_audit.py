"""The store from within: what the auditor says of it, and what mending it came to."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..audit import Finding, Invariant, audit, database_findings
from ..core.errors import DagbookError, MachineError
from ..executors.daemon import connect
from ..records.places import network_filesystem
from ..records.secret_values import usual_folder, values_at_hand
from ..records.store import Store
from ..records.store_folder import database_of

ROUNDS = 3  # of mending: what was hidden behind other damage is mended in the next


@dataclass(frozen=True, slots=True)
class Audited:
    """What is wrong with the store in `folder`; `unlooked` tells by invariant why it was not looked at."""

    folder: Path
    findings: tuple[Finding, ...]
    unlooked: Mapping[Invariant, str]

    def of(self, invariant: Invariant) -> list[Finding]:
        """What is wrong with this."""
        return [one for one in self.findings if one.invariant is invariant]


@dataclass(frozen=True, slots=True)
class Mended:
    """What was tried to mend; `failed` says why it could not be, and is empty when it was."""

    finding: Finding
    failed: str = ""


def audited(folder: Path, secrets: Sequence[bytes]) -> Audited:
    """Look at everything in a store; nothing is changed. Raises PipelineError (E-STORE) where there is none."""
    folder = folder.absolute()
    try:
        store = Store(folder, create=False)
    except MachineError:
        wrong = tuple(database_findings(database_of(folder, network_filesystem(folder))))
        if not wrong:
            raise  # it is of a newer dagbook, or closed to us
        return Audited(folder, wrong, _behind_the_database())
    with contextlib.closing(store):
        findings = tuple(audit(store, secrets))
    if any(one.invariant is Invariant.DATABASE and one.mend is None for one in findings):
        return Audited(folder, findings, _behind_the_database())
    return Audited(folder, findings, _not_at_hand(secrets))


def _behind_the_database() -> dict[Invariant, str]:
    return {one: "what the database says cannot be relied on" for one in Invariant if one is not Invariant.DATABASE}


def _not_at_hand(secrets: Sequence[bytes]) -> dict[Invariant, str]:
    found = {}
    if not secrets:
        found[Invariant.SECRETS] = "no value of a secret is at hand, in variables or in the folder of secrets"
    try:
        connect()
    except MachineError:
        found[Invariant.CONTAINERS] = "no Docker engine answers"
    return found


def mended(folder: Path, secrets: Sequence[bytes]) -> tuple[Audited, list[Mended]]:
    """Mend what can be; gives what is wrong afterwards, and what was done."""
    done: list[Mended] = []
    now = audited(folder, secrets)
    for _ in range(ROUNDS):
        tried = [_mend(one) for one in now.findings if one.mend]
        done += tried
        if not tried:
            break
        now = audited(folder, secrets)
        if all(one.failed for one in tried):
            break
    return now, done


def _mend(finding: Finding) -> Mended:
    assert finding.mend
    try:
        finding.mend()
    except (DagbookError, OSError) as error:
        return Mended(finding, " ".join(str(error).split()) or type(error).__name__)
    except Exception as error:  # the engine's client has errors of its own, and one must not keep others from mending
        return Mended(finding, f"{type(error).__name__}: {' '.join(str(error).split())}")
    return Mended(finding)


def secrets_at_hand(folder: str | None, here: Path) -> list[bytes]:
    """The values to look for: in variables, and in the folder of secrets, `folder` where a setting names one."""
    place = here / Path(folder).expanduser() if folder else usual_folder(os.environ)
    return values_at_hand(place, os.environ)
