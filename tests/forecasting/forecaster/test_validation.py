import numpy as np
import torch

from forecasting.data.windows import Windows, WindowSpec
from forecasting.datasets.window_dataset import WindowDataset
from forecasting.forecaster import validation as residuals
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork


def test_no_more_windows_than_enough_are_looked_at():
    count = residuals.MOST + 5000
    values = torch.sin(0.1 * torch.arange(float(count)))
    windows = Windows(np.array([0, count]), WindowSpec(seq_len=2, horizon=1))
    network = RecurrentNetwork(RecurrentConfig(hidden_size=1), seq_len=2, horizon=1)

    errors, volatility = residuals.find_residuals(
        [network.eval()], WindowDataset(values, windows, "none"), "float32"
    )

    assert errors.shape == (residuals.MOST, 1)
    assert volatility.shape == (residuals.MOST,)
