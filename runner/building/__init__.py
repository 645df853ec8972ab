"""Pipelines that are built by a program: `dagbook.Pipeline`, and programs as files of the command line."""

from __future__ import annotations
