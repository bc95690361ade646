"""Executor by Ray: the driver of a cluster, and the run of a task on a node."""
