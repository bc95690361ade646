"""How fast networks are trained, as ratios: the parts of `benchmarks.training`."""
