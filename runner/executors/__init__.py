"""Runs one node: in a Docker container, or as a process of this machine."""
