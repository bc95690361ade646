"""Compile the loops that train small networks: `python -m forecasting.training`."""

from forecasting.training.compiling import load_loops

load_loops()
