"""Which image each node runs in, and which kernel of it: found, pulled, looked into, or made.

An image is looked into once (by its id): is there a python3 with ipykernel, which kernelspecs are there. What was
seen is remembered in the user's cache folder.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ..core.errors import MachineError, PipelineError, Problem, nearest, problem
from ..core.model import Kind
from .caches import recall, remember
from .contract import Needs, Runtime
from .derived import Derived, Recipe
from .streamed import steps_of

if TYPE_CHECKING:
    from docker import APIClient

SILENCE_SECONDS = 30.0  # without a word from the registry, a pull is given up
LOOK_SECONDS = 60.0
LOOK = 2  # raise it when images are looked into differently

_LOOK_SCRIPT = r"""
python3 -c 'import sys; print("\036python"); print(sys.prefix)' 2>/dev/null
python3 -c 'import ipykernel.kernelapp; print("\036ipykernel")' 2>/dev/null
prefix=$(python3 -c 'import sys; print(sys.prefix)' 2>/dev/null)
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
    """What is in an image: a shell, a python3, ipykernel for it, other kernels by name."""

    shell: bool = False
    python: bool = False
    ipykernel: bool = False
    kernels: dict[str, Spec] = field(default_factory=dict)


class Images:
    """Settles the images of a plan on one engine. `build_network` None: the engine's default network."""

    def __init__(self, client: APIClient, default_image: str | None, build_network: str | None) -> None:
        self._client = client
        self._default = default_image
        self._found: dict[str, dict[str, Any]] = {}
        self._derived = Derived(client, build_network)

    def settle(self, needs: Sequence[Needs], tell: Callable[[str], None]) -> tuple[dict[str, Runtime], list[Problem]]:
        """A runtime for each node, and the findings (E-IMAGE-MISSING, E-IMAGE-KERNEL); builds come last.

        Raises PipelineError (E-BUILD-FAILED).
        """
        found: list[Problem] = []
        bases: dict[str, dict[str, Any]] = {}
        for reference in dict.fromkeys(self.reference(need) for need in needs):
            why = self.fetch(reference, tell)
            if why:
                asking = [need for need in needs if self.reference(need) == reference]
                found.append(_missing(reference, asking, why))
            else:
                bases[reference] = self._base(reference)
        chosen = {}
        for need in needs:
            if base := bases.get(self.reference(need)):
                try:
                    chosen[need.title] = kernel_for(need, self.reference(need), self.look(base["Id"]))
                except PipelineError as error:
                    found += error.problems
        if any(one.is_error for one in found):
            return {}, found
        return {n.title: self._runtime(n, bases[self.reference(n)], *chosen[n.title], tell) for n in needs}, found

    def _base(self, reference: str) -> dict[str, Any]:
        if reference not in self._found:  # it was pulled just now
            self._found[reference] = self._client.inspect_image(reference)  # type: ignore[no-untyped-call]
        return self._found[reference]

    def reference(self, need: Needs) -> str:
        """The image of a node as asked for; without a tag it means :latest, as everywhere."""
        return need.image or self._default or ""

    def fetch(self, reference: str, tell: Callable[[str], None]) -> str:
        """Make sure that the image is on the engine; gives why it cannot be, empty when it is."""
        try:
            self._found[reference] = self._client.inspect_image(reference)  # type: ignore[no-untyped-call]
            return ""
        except Exception as error:
            from docker.errors import DockerException, ImageNotFound  # it takes its time, and seldom is needed

            if not isinstance(error, DockerException):
                raise
            if not isinstance(error, ImageNotFound):
                return str(getattr(error, "explanation", None) or error)[:300]
        tell(f"pulling {reference}")
        return self._pull(reference, tell)

    def _pull(self, reference: str, tell: Callable[[str], None]) -> str:
        def pull() -> Any:
            name, tag = _name_and_tag(reference)
            return self._client.pull(name, tag=tag, stream=True, decode=True)

        said = ""
        for step in steps_of(pull, SILENCE_SECONDS):
            if "error" in step:
                return str(step["error"])[:300]
            if (line := f"{step.get('id', '')} {step.get('status', '')}".strip()) != said:
                said = line
                tell(f"pulling {reference}: {line}")
        return ""

    def _runtime(
        self, need: Needs, base: dict[str, Any], kernel: str, spec: Spec | None, bare: bool, tell: Callable[[str], None]
    ) -> Runtime:
        requirements = (*(["ipykernel"] if bare else []), *need.requirements)
        image = base
        if requirements or need.prerun:
            recipe = Recipe(base["Id"], requirements, need.prerun)
            image = self._derived.image(recipe, base, need, tell)
        digests = base.get("RepoDigests") or [""]
        settled = {"reference": self.reference(need), "digest": image["Id"], "repo_digest": digests[0]}
        if spec is None:
            return Runtime(**settled)
        return Runtime(**settled, kernel=kernel, language=spec.language, launch=spec.argv, environment=spec.environment)

    def look(self, image: str) -> Seen:
        """What is in the image with this id; a container of it is started when it is looked into for the first time."""
        if (known := seen_before(image)) is not None:
            return known
        seen = _seen(self._output(image))
        remember(_fact(image), asdict(seen))
        return seen

    def _output(self, image: str) -> str:
        """What the script says that looks into an image; nothing where there is no sh in it.

        Raises MachineError (E-DOCKER-FAILED): what the engine cannot do says nothing of the image.
        """
        from docker.errors import APIError

        try:
            return self._said(image)
        except APIError as error:
            if error.is_client_error():
                return ""
            why = str(error.explanation or error)[:300]
            raise MachineError(problem("E-DOCKER-FAILED", what="look into an image", why=why)) from None

    def _said(self, image: str) -> str:
        host = self._client.create_host_config(network_mode="none")
        created = self._client.create_container(
            image,
            entrypoint=["sh", "-c", _LOOK_SCRIPT],
            command=[],
            user="0:0",
            network_disabled=True,
            host_config=host,
        )
        try:
            self._client.start(created["Id"])
            self._client.wait(created["Id"], timeout=int(LOOK_SECONDS))
            return str(self._client.logs(created["Id"], stderr=False).decode(errors="replace"))
        finally:
            self._client.remove_container(created["Id"], force=True, v=True)


def _fact(image: str) -> str:
    return f"image-{LOOK}-{image.removeprefix('sha256:')[:32]}"


def seen_before(image: str) -> Seen | None:
    """What was seen in the image with this id when it was looked into; None where it never was."""
    known = recall(_fact(image))
    if known is None:
        return None
    kernels = {name: Spec(**{**spec, "argv": tuple(spec["argv"])}) for name, spec in known["kernels"].items()}
    return Seen(**{**known, "kernels": kernels})


def _name_and_tag(reference: str) -> tuple[str, str | None]:
    if "@" in reference:
        return reference, None
    name, colon, tag = reference.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (reference, "latest")


def _seen(output: str) -> Seen:
    kernels: dict[str, Spec] = {}
    heads = set()
    for part in output.split("\036"):
        head, _, body = part.partition("\n")
        heads.add(head.partition(" ")[0])
        if head.startswith("kernel "):
            path = head.removeprefix("kernel ")
            for spec in _spec(path, body):
                kernels.setdefault(path.split("/")[-2], spec)
    return Seen("end" in heads, "python" in heads, "ipykernel" in heads, kernels)


def _spec(path: str, text: str) -> Iterator[Spec]:
    try:
        spec = json.loads(text)
        argv = tuple(str(part).replace("{resource_dir}", path.rpartition("/")[0]) for part in spec["argv"])
        language = str(spec.get("language") or "python")
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    language = "python" if language.lower() == "python" else language
    yield Spec(argv, language, {str(k): str(v) for k, v in (spec.get("env") or {}).items()})


def kernel_for(need: Needs, reference: str, seen: Seen) -> tuple[str, Spec | None, bool]:
    """The kernel's name, its spec (None: ipykernel of python3), and whether ipykernel must be put in first.

    Raises PipelineError (E-IMAGE-KERNEL).
    """
    facts = {"image": reference, "kernel": need.kernel or "python3"}
    if not seen.shell:
        hint = "Choose an image with a shell; distroless images have none."
        raise PipelineError(problem("E-IMAGE-KERNEL", need.place, **facts, why="there is no sh in it", hint=hint))
    if need.kind is Kind.COMMAND:
        return "", None, False
    plain = need.kernel in (None, "python3", "python") and need.language == "python"
    if plain and (seen.ipykernel or (seen.python and not seen.kernels)):
        return "python3", None, not seen.ipykernel
    if need.kernel in seen.kernels:
        return need.kernel, seen.kernels[need.kernel], False
    fitting = {n: s for n, s in seen.kernels.items() if need.language in ("python", s.language) or need.kernel}
    if need.kernel is None and len(fitting) == 1:
        [(name, spec)] = fitting.items()
        return name, spec, False
    if plain and seen.python:
        return "python3", None, True
    if need.kernel is None and len(fitting) > 1:
        why, hint = f"it has several ({', '.join(sorted(fitting))})", "Choose one with --kernel NAME."
    elif need.kernel is None or not seen.kernels:
        why, hint = "it has no Jupyter kernel and no python3", "Choose an image with one of the two."
    else:
        why, hint = "no kernelspec has that name", nearest(need.kernel, seen.kernels)
    raise PipelineError(problem("E-IMAGE-KERNEL", need.place, **facts, why=why, hint=hint))


def _missing(reference: str, needs: Sequence[Needs], why: str) -> Problem:
    titles = ", ".join(f'"{need.title}"' for need in needs)
    hint = f"Needed by {titles}. Pull or build it first (docker pull {reference}), or take another in its place: "
    hint += f"--image-map '{reference}=OTHER' for a file that names it, --image OTHER for nodes that name none."
    return problem("E-IMAGE-MISSING", needs[0].place, image=reference or "(none)", why=why.strip(), hint=hint)
