"""Runs in the hands of a program: `Run`, its `NodeRun`s, waiting for one or for many."""

from __future__ import annotations
