"""Compile the loops that train small networks: `python -m forecasting.training`."""

from forecasting.kernels.compilation import load_loops

load_loops()
