import numpy as np
import torch

from forecasting import residuals
from forecasting.batches import WindowBatches
from forecasting.configuration import RecurrentConfig
from forecasting.networks import RecurrentNetwork
from forecasting.windows import Windows, WindowSpec


def test_no_more_windows_than_enough_are_looked_at():
    count = residuals.MOST + 5000
    values = torch.sin(0.1 * torch.arange(float(count)))
    windows = Windows(np.array([0, count]), WindowSpec(seq_len=2, horizon=1))
    network = RecurrentNetwork(RecurrentConfig(hidden_size=1), seq_len=2, horizon=1)

    errors, volatility = residuals.find_residuals(
        [network.eval()], WindowBatches(values, windows, "none"), "float32"
    )

    assert errors.shape == (residuals.MOST, 1)
    assert volatility.shape == (residuals.MOST,)
