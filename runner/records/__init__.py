"""Remembers: the store with its events, the artifacts, the notebooks of the node runs."""
