"""Observers of a run: they read its facts in the run's process, and tell others of it. None of them can hold it up."""
