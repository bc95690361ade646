"""Timing, results, data files and command options shared by the benchmarks."""
