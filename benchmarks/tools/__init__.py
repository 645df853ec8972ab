"""The tools that are compared: how a workload is written for each, how it is run, and where its results are."""
