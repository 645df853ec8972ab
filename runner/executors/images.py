"""Which image each node runs in, and which kernel of it: found, pulled, looked into, or made."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..core.errors import PipelineError, Problem, nearest, problem
from ..core.image_names import registry_of, split_image
from ..core.model import Kind
from .contract import Needs, Runtime
from .derived import Derived, Recipe
from .engine_trouble import asked, failure, is_engines, why_of
from .image_contents import Seen, Spec, look
from .streamed import steps_of

if TYPE_CHECKING:
    from docker import APIClient

SILENCE_SECONDS = 30.0  # without a word from the registry, a pull is given up


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
        """Make sure that the image is on the engine; gives why it cannot be, empty when it is.

        Raises MachineError (E-DOCKER-FAILED).
        """
        try:
            self._found[reference] = asked(partial(self._client.inspect_image, reference))
            return ""
        except Exception as error:
            from docker.errors import DockerException, NotFound  # it takes its time, and seldom is needed

            if not isinstance(error, NotFound):
                if is_engines(error):
                    raise failure(f"tell whether it has the image {reference}", error) from None
                if isinstance(error, DockerException):
                    return why_of(error)[:300]
                raise
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
        environment = _search_path(image)
        settled = Runtime(self.reference(need), image["Id"], repo_digest=digests[0], environment=environment)
        if spec is None:
            return settled
        environment |= spec.environment
        return replace(settled, kernel=kernel, language=spec.language, launch=spec.argv, environment=environment)

    def look(self, image: str) -> Seen:
        """What is in the image with this id; see `image_contents.look`."""
        return look(self._client, image)


def _search_path(image: dict[str, Any]) -> dict[str, str]:
    """The image's PYTHONPATH: nodes have one of their own, which is added to it."""
    named = dict(one.partition("=")[::2] for one in (image.get("Config") or {}).get("Env") or ())
    return {"PYTHONPATH": named["PYTHONPATH"]} if named.get("PYTHONPATH") else {}


def _name_and_tag(reference: str) -> tuple[str, str | None]:
    if "@" in reference:
        return reference, None
    name, colon, tag = reference.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (reference, "latest")


def kernel_for(need: Needs, reference: str, seen: Seen) -> tuple[str, Spec | None, bool]:
    """The kernel's name, its spec (None: ipykernel of python3), and whether ipykernel must be put in first.

    Raises PipelineError (E-IMAGE-KERNEL).
    """
    facts = {"image": reference, "kernel": need.kernel or "python3"}
    if seen.refused or not seen.shell:
        why, hint = seen.refused, f"Look at what this says: docker run --rm {reference} true"
        if not why:
            why, hint = "no sh is found in it", "Choose an image with a shell on its PATH; distroless images have none."
        raise PipelineError(problem("E-IMAGE-KERNEL", need.place, **facts, why=why, hint=hint))
    if need.kind is Kind.COMMAND:
        return "", None, False
    plain = need.kernel in (None, "python3", "python") and need.language == "python"
    if plain and (seen.ipykernel or (seen.python and not seen.kernels)):
        return "python3", None, not seen.ipykernel
    if plain and seen.broken and all(spec.language == "python" for spec in seen.kernels.values()):
        hint = f"Its ENV or its PATH may lead astray. Look at what this says: docker run --rm {reference} python3 -V"
        why = f"its python3 does not run ({seen.broken})"
        raise PipelineError(problem("E-IMAGE-KERNEL", need.place, **facts, why=why, hint=hint))
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


def _remedy(reference: str, why: str) -> str:
    """What to do first about what the registry said, where that is known."""
    if re.search(r"unauthorized|authentication required|no basic auth|access denied", why):
        registry = registry_of(split_image(reference)[0])
        return f"If it exists, its registry asks for a login: docker login {registry}. "
    if "no matching manifest" in why:
        return "Its registry has it only for processors that are not the engine's: choose another tag. "
    return ""


def _missing(reference: str, needs: Sequence[Needs], why: str) -> Problem:
    titles = ", ".join(f'"{need.title}"' for need in needs)
    hint = f"Needed by {titles}. {_remedy(reference, why)}Pull or build it first (docker pull {reference}), or take "
    hint += f"another in its place: --image-map '{reference}=OTHER' for a file that names it, --image OTHER for nodes "
    hint += "that name none."
    return problem("E-IMAGE-MISSING", needs[0].place, image=reference or "(none)", why=why.strip(), hint=hint)
