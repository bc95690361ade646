"""Compile the training loops for small networks: `python -m forecasting.training`."""

from forecasting.kernels.compilation import load_loops

load_loops()
