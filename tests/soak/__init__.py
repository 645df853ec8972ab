"""A long time, and many at once: `python -m tests.soak --help`.

A long-lived session runs pipelines one after the other, while other processes run some that are killed at random
moments and resumed; or a crowd of processes runs pipelines on one store. In the end every run came to what it should,
the auditor finds nothing, and what processes and the store hold has not grown.
"""
