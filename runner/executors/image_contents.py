"""What is in an image: a shell, a python3 with ipykernel, kernelspecs.

An image is looked into once (by its id), by a container of it; what was seen is remembered in the user's cache folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from .caches import recall, remember
from .engine_trouble import TIMES, told
from .trial import Endless, Silent, said

if TYPE_CHECKING:
    from docker import APIClient

LOOK = 3  # raise it when images are looked into differently
LOOK_SECONDS = 60.0

# Python is asked as nodes start it: without the image's search path.
_LOOK_SCRIPT = r"""
unset PYTHONPATH
export PYTHONIOENCODING=utf-8
if command -v python3 >/dev/null; then
    python3 -c 'print("it runs")' 2>&1 | {
        while read -r line || [ -n "$line" ]; do
            case $line in "it runs") exit ;; *rror*) error=$line ;; ?*) said=$line ;; esac
        done
        printf '\036broken\n%s\n' "${error:-$said}"
        exit 1
    } && {
        python3 -c 'import sys; print("\036python"); print(sys.prefix)' 2>/dev/null
        python3 -c 'import ipykernel.kernelapp; print("\036ipykernel")' 2>/dev/null
        prefix=$(python3 -c 'import sys; print(sys.prefix)' 2>/dev/null)
    }
fi
for folder in "$prefix" /opt/conda /usr/local /usr; do
    for spec in "$folder"/share/jupyter/kernels/*/kernel.json; do
        [ -f "$spec" ] && printf '\036kernel %s\n' "$spec" && cat "$spec"
    done
done
printf '\n\036end\n'
"""


@dataclass(frozen=True, slots=True)
class Spec:
    """A kernelspec of an image: `argv` with {connection_file} in it, `language`, environment variables."""

    argv: tuple[str, ...]
    language: str
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is in an image: a shell, a python3 that runs, ipykernel for it, other kernels by name.

    `broken` is what a python3 says that does not run, `refused` why the image could not be looked into.
    """

    shell: bool = False
    python: bool = False
    ipykernel: bool = False
    kernels: dict[str, Spec] = field(default_factory=dict)
    broken: str = ""
    refused: str = ""


def look(client: APIClient, image: str) -> Seen:
    """What is in the image with this id; a container of it is started when it is looked into for the first time.

    Raises MachineError (E-DOCKER-FAILED): what the engine cannot do says nothing of the image.
    """
    from docker.errors import APIError

    if (known := seen_before(image)) is not None:
        return known
    try:
        seen = _told(client, image)
    except Endless:
        return Seen(refused="asked what is in it, it answers without end")
    except Silent:
        return Seen(refused=f"asked what is in it, it does not answer within {LOOK_SECONDS:g} s")
    except APIError as error:
        why = str(error.explanation or error)[:300]
        if not re.search(r"[\"`']sh[\"`']", why):  # else it is that there is none
            return Seen(refused=f"the engine starts no container of it: {why}")
        remember(_fact(image), asdict(Seen()))
        return Seen()
    if seen.shell:
        remember(_fact(image), asdict(seen))
    return seen


def _told(client: APIClient, image: str) -> Seen:
    """What the image says. Asked again where its last word is missing: the engine may have broken it off."""
    for _ in range(TIMES - 1):
        seen = _seen(told("look into an image", lambda: _said(client, image)))
        if seen.shell:
            return seen
    return _seen(told("look into an image", lambda: _said(client, image)))


def seen_before(image: str) -> Seen | None:
    """What was seen in the image with this id when it was looked into; None where it never was."""
    known = recall(_fact(image))
    if known is None:
        return None
    kernels = {name: Spec(**{**spec, "argv": tuple(spec["argv"])}) for name, spec in known["kernels"].items()}
    return Seen(**{**known, "kernels": kernels})


def _fact(image: str) -> str:
    return f"image-{LOOK}-{image.removeprefix('sha256:')[:32]}"


def _said(client: APIClient, image: str) -> str:
    return said(client, image, _LOOK_SCRIPT, user="0:0", label="look", seconds=LOOK_SECONDS)


def _seen(output: str) -> Seen:
    kernels: dict[str, Spec] = {}
    heads: dict[str, str] = {}
    for part in output.split("\036"):
        head, _, body = part.partition("\n")
        heads[head.partition(" ")[0]] = body
        if head.startswith("kernel "):
            path = head.removeprefix("kernel ")
            for spec in _spec(path, body):
                kernels.setdefault(path.split("/")[-2], spec)
    broken = (heads["broken"].strip()[:200] or "it says nothing") if "broken" in heads else ""
    return Seen("end" in heads, "python" in heads, "ipykernel" in heads, kernels, broken)


def _spec(path: str, text: str) -> Iterator[Spec]:
    try:
        spec = json.loads(text)
        argv = tuple(str(part).replace("{resource_dir}", path.rpartition("/")[0]) for part in spec["argv"])
        language = str(spec.get("language") or "python")
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    language = "python" if language.lower() == "python" else language
    yield Spec(argv, language, {str(k): str(v) for k, v in (spec.get("env") or {}).items()})
