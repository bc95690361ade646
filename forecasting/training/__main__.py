"""Compile the loops that have none yet: `python -m forecasting.training`."""

import numpy as np

from forecasting.kernels.compilation import load_loops
from forecasting.zeroshot import load_zero_shot

load_loops()
load_zero_shot().forecast(
    np.arange(3.0), np.array([0, 3]), season_lengths=np.array([12]), steps=1
)
