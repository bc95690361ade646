"""Timing, results, data files and command options that the benchmarks share."""
