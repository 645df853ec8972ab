"""What kind of filesystem a folder is on."""

from __future__ import annotations

import os
import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "lustre", "gpfs", "ceph", "beegfs", "glusterfs")


def network_filesystem(folder: Path, mounts: Path = MOUNTS) -> str | None:
    """The kind of network filesystem that `folder` (which need not exist yet) is on; None when it is a local one.

    Known on Linux only; elsewhere a folder counts as local.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    kinds = dict(map(_mount, lines))
    place = folder.resolve()
    for parent in (place, *place.parents):
        if kind := kinds.get(str(parent)):
            return kind if kind in _NETWORK or kind.split(".")[0] == "fuse" else None
    return None


def mounted_below(folder: Path, mounts: Path = MOUNTS) -> list[Path]:
    """The places below `folder` where other filesystems are mounted, the outer ones first; known on Linux only."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    above = f"{folder.resolve()}/"
    return sorted({Path(point) for point, _ in map(_mount, lines) if point.startswith(above)})


def mount_point(place: Path) -> Path:
    """Where the file system is mounted that `place`, which must exist, is on."""
    place = place.resolve()
    return next((one for one in (place, *place.parents) if os.path.ismount(one)), Path("/"))


def _mount(line: str) -> tuple[str, str]:
    """The mount point and the kind of filesystem that a line of mountinfo tells."""
    before, _, after = line.partition(" - ")
    point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), before.split()[4])  # a space is \040
    return point, after.split()[0]
