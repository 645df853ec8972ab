"""Runs pipelines: a pure core that decides, formats, records, executors, and the engine that does."""
