import numpy as np
import torch

from forecasting.data.windows import Windows, WindowSpec
from forecasting.datasets.window_dataset import WindowDataset
from forecasting.forecaster.trained_model import ForecasterConfig
from forecasting.forecaster.validation import MAX_RESIDUAL_WINDOWS, find_errors
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork


def test_residuals_are_limited_to_a_maximum_of_windows():
    count = MAX_RESIDUAL_WINDOWS + 5000
    values = torch.sin(0.1 * torch.arange(float(count)))
    windows = Windows(np.array([0, count]), WindowSpec(seq_len=2, horizon=1))
    network = RecurrentNetwork(RecurrentConfig(hidden_size=1), seq_len=2, horizon=1)

    errors = find_errors(
        [network.eval()], WindowDataset(values, windows, "none"), ForecasterConfig()
    )

    assert errors.residuals.shape == (MAX_RESIDUAL_WINDOWS, 1)
    assert errors.volatility.shape == (MAX_RESIDUAL_WINDOWS,)
