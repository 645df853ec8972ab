"""Decides and touches nothing: the model of a pipeline, its graph, axes and routes, the lifecycle, the scheduler.

No file, clock, process, network or async code in this room; everything is told by values and answers by values.
"""
