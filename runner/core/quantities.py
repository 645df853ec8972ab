"""What people write for amounts of time, memory and cores, and for images."""

from __future__ import annotations

import re

from .errors import PipelineError, problem

_LONGEST = 10**9  # seconds, some thirty years; clocks and timers take no more
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MOST_BYTES = 2**63  # what an engine can be told
_BYTES = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def seconds_of(text: str | float) -> float:
    """Seconds meant by `10`, `30s`, `10m`, `2h`, `1d`. Raises PipelineError (E-VALUE) for all else."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", str(text))
    if not match or not 0 < float(match[1]) * _SECONDS[match[2] or "s"] <= _LONGEST:
        raise PipelineError(
            problem(
                "E-VALUE",
                what=f"{text!r} is not a duration",
                hint="Write 30s, 10m, 2h or a number of seconds.",
            )
        )
    return float(match[1]) * _SECONDS[match[2] or "s"]


def bytes_of(text: str | int) -> int:
    """Bytes meant by `512m`, `2g`, `1024`, in Docker's letters. Raises PipelineError (E-VALUE) for all else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([bkmgt]?)(?:i?b)?", str(text).lower())
    if not match or not 6 * 2**20 <= float(match[1]) * _BYTES[match[2]] < _MOST_BYTES:
        raise PipelineError(
            problem(
                "E-VALUE",
                what=f"{text!r} is not an amount of memory",
                hint="Write 512m, 2g or the like (6m at least).",
            )
        )
    return int(float(match[1]) * _BYTES[match[2]])


def cpus_of(text: str | float) -> float:
    """Cores meant by `0.5` or `2`. Raises PipelineError (E-VALUE) unless 0 < cores <= 4096."""
    try:
        cores = float(text)
    except ValueError:
        cores = 0.0
    if not 0 < cores <= 4096:
        raise PipelineError(
            problem("E-VALUE", what=f"{text!r} is not a number of cores", hint="Write 0.5, 1, 2 or the like.")
        )
    return cores


def check_image(image: str) -> str:
    """`image` itself, when it can be an image reference. Raises PipelineError (E-IMAGE-REF)."""
    if why := _image_fault(image):
        raise PipelineError(problem("E-IMAGE-REF", image=image[:120], why=why))
    return image


def _image_fault(image: str) -> str:
    if not image:
        return "it is empty"
    if re.search(r"\s", image):
        return "it holds white space"
    name, at, digest = image.partition("@")
    if at and not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        return "a digest is sha256: and 64 hexadecimal digits"
    path, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        path, colon = name, ""
    if colon and not re.fullmatch(r"\w[\w.-]{0,127}", tag, re.ASCII):
        return f"{tag!r} is not a tag"
    if path != path.lower() and "." not in path.split("/")[0]:
        return "its name holds capital letters"
    part = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
    host = r"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?/)?"
    if not re.fullmatch(f"{host}{part}(?:/{part})*", path):
        return f"{path!r} is not a repository name"
    return ""
