"""Kills of jobs: the moments, the processes that die, and the store afterwards."""
