"""dagbook and its peers on the same pipelines, in interleaved rounds: `scripts/bench --help`."""
