"""Write down what would be served, and where; the secrets are there, and are not written down."""

import argparse
import json
import os
from pathlib import Path

parser = argparse.ArgumentParser()
for name in ("deploy-name", "detect-bucket-uri", "serving-image"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--detect-batch-size", type=int, required=True)
given = parser.parse_args()

model = json.loads(Path("/pfs/data/model.json").read_text())
secrets = ("DET_MASTER", "DET_USER", "DET_PASSWORD", "SEL_URL", "SEL_SECRET", "SEL_NAMESPACE")
told = {
    **vars(given),
    "model": model["name"],
    "accuracy": model["accuracy"],
    "secrets": [name for name in secrets if os.environ.get(name)],
}
Path("/pfs/out/deployment.json").write_text(json.dumps(told, indent=1))
print(f"{given.deploy_name}: would serve {model['name']} at", os.environ.get("SEL_URL", "a place that SEL_URL does not name"))
