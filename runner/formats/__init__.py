"""Reads and writes what people write: magic lines, notebooks, scripts, settings."""
