"""Pipeline specs of the kinds that people write, and reading them."""

from __future__ import annotations

import json
from typing import Any

from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.formats.documents import documents_of
from dagbook.runner.formats.imported import Counts, Ledger, Record
from dagbook.runner.formats.pachyderm import read_pachyderm


def spec(name: str = "count", **more: Any) -> dict[str, Any]:
    """A spec with what it must have; `more` takes the place of that, and None takes it away."""
    base = {
        "pipeline": {"name": name},
        "transform": {"image": "counter:1.2", "cmd": ["python3", "/count.py"]},
        "input": pfs("texts"),
    }
    return {key: value for key, value in {**base, **more}.items() if value is not None}


def pfs(repo: str, glob: str = "/*", **more: Any) -> dict[str, Any]:
    return {"pfs": {"repo": repo, "glob": glob, **more}}


def transform(**more: Any) -> dict[str, Any]:
    return {"image": "counter:1.2", "cmd": ["python3", "/count.py"], **more}


def text(*specs: Any) -> str:
    return "\n".join(json.dumps(one, indent=1) for one in specs)


def read(written: str, name: str = "file") -> tuple[list[tuple[Pipeline, Counts]], list[Record]]:
    """What a text holds, and the report."""
    ledger = Ledger("specs.json")
    return read_pachyderm(documents_of(written, "specs.json"), ledger, name), ledger.records


def pipeline_of(*specs: Any) -> Pipeline:
    """The pipeline of specs that have no fault."""
    found, records = read(text(*specs))
    assert [record.problem.message for record in records if record.problem.is_error] == []
    [(pipeline, _)] = found
    return pipeline


def node_of(**more: Any) -> Node:
    return pipeline_of(spec(**more)).node("count")


def codes(*specs: Any) -> list[str]:
    """The codes of the report."""
    return [record.problem.code for record in read(text(*specs))[1]]


VALID: dict[str, list[dict[str, Any]]] = {
    "one": [spec()],
    "chain": [spec("second", input=pfs("first")), spec("first"), spec("third", input=pfs("second", "/"))],
    "everything": [
        spec(
            "train-all",
            pipeline={"name": "train-all", "project": {"name": "birds"}},
            description="Trains on all songs.\nTwice a day.",
            metadata={"annotations": {"ownerName": "ida"}, "labels": {"tier": "gold"}},
            transform={
                "image": "registry.example.org:5000/birds/train:2.0",
                "cmd": ["/bin/sh"],
                "stdin": ["set -e", "", "python3 /train.py /pfs/songs"],
                "err_cmd": ["/bin/sh"],
                "err_stdin": ["echo later"],
                "accept_return_code": [3, 4],
                "env": {"Epochs": "12", "camelName": "x"},
                "secrets": [
                    {"name": "hub", "key": "token", "env_var": "HUB_TOKEN"},
                    {"name": "certs", "mount_path": "/certs"},
                ],
                "working_dir": "/work",
                "user": "nobody",
                "image_pull_secrets": ["hub-login"],
                "debug": True,
                "memory_volume": True,
                "dockerfile": "Dockerfile",
            },
            input={
                "cross": [
                    {
                        "join": [
                            pfs("songs", "/(*).wav", name="wav", join_on="$1"),
                            pfs("songs", "/(*).txt", name="txt", join_on="$1", outer_join=True),
                        ]
                    },
                    {
                        "union": [
                            pfs("maps", "/", name="map", branch="staging", lazy=True),
                            pfs("charts", "/*/*", name="map", empty_files=True),
                        ]
                    },
                    {"group": [pfs("places", "/(*)/*", group_by="$1", trigger={"size": "3KB", "branch": "raw"})]},
                    pfs("species", "{a,b}/*", project="insects"),
                ]
            },
            parallelism_spec={"constant": 6},
            datum_set_spec={"number": 10},
            datum_timeout="1h30m",
            job_timeout="36h",
            datum_tries=5,
            resource_requests={"cpu": 0.5, "memory": "256Mi", "disk": "1Gi"},
            resource_limits={"memory": "2G", "gpu": {"type": "nvidia.com/gpu", "number": 1}},
            sidecar_resource_limits={"memory": "64M"},
            output_branch="main",
            reprocess_spec="every_job",
            salt="pepper",
            autoscaling=True,
            scheduling_spec={"node_selector": {"kubernetes.io/arch": "arm64"}, "priority_class_name": "high"},
            tolerations=[{"key": "gpu", "operator": "EXISTS"}],
            pod_patch='[{"op": "add"}]',
            maximum_expected_uptime="24h",
        )
    ],
    "two branches": [spec("a", input=pfs("texts")), spec("b", input=pfs("texts", branch="dev"))],
    "cannot run here": [
        spec(
            "loader",
            input={"cross": [{"cron": {"name": "tick", "spec": "@every 10m", "overwrite": True}}, pfs("urls")]},
            egress={"URL": "s3://bucket/folder"},
            s3_out=True,
        ),
        spec(
            "web", input=pfs("loader", "/"), service={"internal_port": 80, "external_port": 30080, "type": "NodePort"}
        ),
        spec("feed", input=None, spout={}, parallelism_spec={"constant": 2}, datum_tries=1),
        spec("bucket", input=pfs("feed", "/", s3=True), transform=transform(datum_batching=True)),
    ],
    "no image": [spec(transform={"cmd": ["sh", "-c", "ls"], "stdin": []})],
    "old": [
        spec(
            input={"atom": {"repo": "texts", "glob": "/*"}},
            parallelism_spec={"strategy": "CONSTANT", "constant": "3"},
            chunk_spec={"number": 2},
            standby=True,
            cache_size="64M",
            enable_stats=True,
        )
    ],
}
