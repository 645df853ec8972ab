"""One pipeline spec as a node; what the model has no field for goes into the node's `origin`."""

from __future__ import annotations

from typing import Any

from ...core.dialect import DatumInput, DatumKind, Datums, Dialect, Secret, Transform
from ...core.errors import PipelineError
from ...core.model import Kind, Node
from ...core.quantities import check_image
from ..documents import bare
from .findings import Findings
from .inputs import InputReader, check_names
from .repos import DEFAULT_PROJECT, Repos, output_branch_of, project_of, repositories_in, source_of
from .schemas import NO_EFFECT, NO_EFFECT_IN_TRANSFORM, Reprocess, Resources, Spec, TransformSpec

USUAL_IMAGE = "ubuntu:20.04"
USUAL_TRIES = 3
SMALLEST_MEMORY = 6 * 2**20  # bytes; a container does not start with less
LIMITS = ("resource_limits", "resource_requests")  # what is given by the first is not taken from the second
_WRITTEN = ("datum_timeout", "job_timeout")


def node_of(spec: Spec, findings: Findings, repos: Repos) -> Node | None:
    """The node of a spec; None after a fault, also one of another spec: then none is wanted."""
    transform = spec.transform or TransformSpec()
    _check_kind(spec, findings)
    reader = InputReader(findings, repos, project_of(spec))
    source = reader.read(spec.input) if spec.input else DatumInput(kind=DatumKind.UNION)
    check_names(source, findings)
    _check_secrets(transform, findings)
    origin: dict[str, Any] = {"project": project_of(spec)} if project_of(spec) != DEFAULT_PROJECT else {}
    origin |= {"inputs": reader.extras} if reader.extras else {}
    origin |= _check_image(spec, findings)
    origin |= _kept(spec, findings)
    amounts = _amounts(spec, findings)
    findings.tell_without_effect()
    if findings.ledger.failed:
        return None
    try:
        return Node(
            title=spec.pipeline.name,
            kind=Kind.COMMAND,
            dialect=Dialect.PACHYDERM,
            after=_repositories(spec, repos),
            image=transform.image or USUAL_IMAGE,
            env=dict(transform.env),
            timeout=spec.job_timeout or None,
            cache=False if spec.reprocess_spec is Reprocess.EVERY_JOB else None,
            transform=_transform_of(transform),
            secrets=_secrets_of(transform),
            datums=_datums_of(spec, source),
            publishes=f"{spec.pipeline.name}@{output_branch_of(spec)}",
            unresolved=tuple(findings.unresolved),
            origin=origin,
            **amounts,
        )
    except PipelineError as error:
        findings.take(error, ())
        return None


def _repositories(spec: Spec, repos: Repos) -> tuple[str, ...]:
    """The titles of the nodes whose files it takes, in the order in which they are named first."""
    project = project_of(spec)
    found = (repos.title_of(source_of(pfs, project)) for pfs, _ in repositories_in(spec.input))
    return tuple(dict.fromkeys(found))


def _check_image(spec: Spec, findings: Findings) -> dict[str, Any]:
    """Tell an image that is not named, or that may change; what is to be kept of it."""
    if spec.transform is None:
        return {}
    image = spec.transform.image
    if not image:
        what = f"no image is named, and {USUAL_IMAGE} is the usual one"
        findings.note("W-CHANGED", ("transform",), f"read as {USUAL_IMAGE}", what=what, hint="Name the image.")
        return {"image": "usual"}
    try:
        check_image(image)
    except PipelineError as error:
        findings.take(error, ("transform", "image"))
        return {}
    if _is_moving(image):
        findings.note("W-LATEST", ("transform", "image"), "kept", image=image)
    return {}


def _secrets_of(transform: TransformSpec) -> tuple[Secret, ...]:
    return tuple(
        Secret(name=one.name, key=one.key or None, variable=one.env_var or None, path=one.mount_path or None)
        for one in transform.secrets
    )


def _transform_of(transform: TransformSpec) -> Transform:
    return Transform(
        argv=transform.cmd,
        stdin=transform.stdin,
        rescue_argv=transform.err_cmd,
        rescue_stdin=transform.err_stdin,
        accepted=transform.accept_return_code,
        folder=transform.working_dir or None,
        user=transform.user or None,
    )


def _datums_of(spec: Spec, source: DatumInput) -> Datums:
    return Datums(
        input=source,
        workers=(spec.parallelism_spec.constant if spec.parallelism_spec else 0) or 1,
        tries=spec.datum_tries or USUAL_TRIES,
        timeout=spec.datum_timeout or None,
        salt=spec.salt,
    )


def _is_moving(image: str) -> bool:
    """Whether the image has no tag, or the tag `latest`."""
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag in ("", "latest")


def _check_kind(spec: Spec, findings: Findings) -> None:
    """Faults of what kind of pipeline it is, and kinds that cannot run here."""
    if spec.tf_job is not None:
        hint = "Write a transform that runs the training."
        findings.note("E-UNSUPPORTED", ("tf_job",), what="a TensorFlow job (tf_job)", hint=hint)
    if spec.inputs is not None:
        hint = "Write `input:` with a cross of them; newer versions take nothing else."
        findings.note("E-UNSUPPORTED", ("inputs",), what="the old list of inputs", hint=hint)
    if spec.s3_out and (spec.service or spec.spout):
        findings.conflict(("s3_out",), "s3_out goes with neither a service nor a spout", "Take one of them out.")
    if spec.spout and not spec.spout.service and spec.input:
        findings.conflict(("spout",), "a spout has no input", "Take the input or the spout out.")
    constant = spec.parallelism_spec.constant if spec.parallelism_spec else 0
    if spec.service and constant > 1:
        where = f'the number of workers of "{spec.pipeline.name}"'
        what = f"is {constant}, and a service has one"
        findings.out_of_range(("parallelism_spec", "constant"), where, what, "Write 1.")
    if spec.transform and not spec.transform.cmd and not spec.service:
        findings.not_here(("transform",), "a transform without cmd", "Write what is run, as a list of words.")
    if spec.service:
        findings.not_here(("service",), "a service", "Only what ends by itself is run here.")
    if spec.spout:
        findings.not_here(("spout",), "a spout", "Only what ends by itself is run here.")
    if spec.s3_out:
        findings.not_here(("s3_out",), "writing by s3 (s3_out)", "Let the command write to /pfs/out.")
    if spec.transform and spec.transform.datum_batching:
        hint = "Let the command do one datum, and take datum_batching out."
        findings.not_here(("transform", "datum_batching"), "one command for many datums (datum_batching)", hint)
    if spec.egress is not None:
        findings.not_here(("egress",), "sending results elsewhere (egress)", "Fetch the output from where it is kept.")


def _check_secrets(transform: TransformSpec, findings: Findings) -> None:
    for number, secret in enumerate(transform.secrets):
        if secret.env_var and not secret.key:
            hint = "Write which key of the secret the variable gets."
            findings.missing(("transform", "secrets", number), f"the secret {secret.name}", "key", hint)


def _kept(spec: Spec, findings: Findings) -> dict[str, Any]:
    """What the model has no field for, under the spec's names."""
    kept: dict[str, Any] = {}
    for name in NO_EFFECT:
        if (value := getattr(spec, name)) is not None:
            kept["datum_set_spec" if name == "chunk_spec" else name] = bare(value)
            findings.without_effect((name,))
    said = {name: getattr(spec.transform, name, None) for name in NO_EFFECT_IN_TRANSFORM}
    if transform := {name: bare(value) for name, value in said.items() if value is not None}:
        kept["transform"] = transform
        for name in transform:
            findings.without_effect(("transform", name))
    if spec.transform and spec.transform.datum_batching:
        kept["transform"] = kept.get("transform", {}) | {"datum_batching": True}
    if spec.parallelism_spec:
        old = {name: bare(getattr(spec.parallelism_spec, name)) for name in ("coefficient", "strategy")}
        if old := {name: value for name, value in old.items() if value is not None}:
            kept["parallelism_spec"] = old
            findings.without_effect(("parallelism_spec", next(iter(old))))
    plain = bare(findings.entry.plain())
    for name in ("$schema", "description", "egress", "service", "spout", "s3_out", *LIMITS):
        if plain.get(name) not in (None, "", False):
            kept[name] = plain[name]
    if written := {name: str(plain[name]) for name in _WRITTEN if getattr(spec, name)}:
        kept["written"] = written
    return kept


def _amounts(spec: Spec, findings: Findings) -> dict[str, Any]:
    """Cores, memory and GPUs: the limits, or else what is requested."""
    given = {name: getattr(spec, name) for name in LIMITS if getattr(spec, name)}
    found: dict[str, Any] = {}
    for name, resources in given.items():
        for quantity, value in meant_by(resources).items():
            if quantity in found:
                findings.without_effect((name,))
            found.setdefault(quantity, value)
        if resources.disk is not None:
            findings.without_effect((name, "disk"))
    if 0 < found.get("memory", 0) < SMALLEST_MEMORY:
        name = next(name for name in given if "memory" in meant_by(given[name]))
        what = f"the memory is {found.pop('memory')} bytes, and a container needs {SMALLEST_MEMORY}"
        findings.note("W-CHANGED", (name, "memory"), "kept for export", what=what, hint="No limit is set.")
    if found.get("cpus", 0) > 4096:
        name = next(name for name in given if "cpus" in meant_by(given[name]))
        findings.out_of_range((name, "cpu"), "the number of cores", f"is {found['cpus']}; 4096 are the most")
    return found


def meant_by(resources: Resources) -> dict[str, Any]:
    """What the resources say, under the model's names; zero says nothing."""
    gpus = resources.gpu.number if resources.gpu else 0
    said = {"cpus": resources.cpu, "memory": resources.memory, "gpus": gpus}
    return {name: value for name, value in said.items() if value}
