"""The parts of `benchmarks.serving`: who answers, who asks, and the rows."""
