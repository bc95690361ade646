"""Compile the loops ahead of the first training.

    python -m forecasting.training.compiling

Some ten seconds, once on a machine. Without it the first training that is long enough
to gain by it compiles them; shorter ones before that are trained by torch.
"""

import torch

from forecasting.configuration import RecurrentConfig
from forecasting.networks import RecurrentNetwork
from forecasting.regressors.rows import RowBatches
from forecasting.training.config import TrainingConfig
from forecasting.training.loop import train


def compile_loops() -> None:
    """Train next to nothing with the compiled loops, which compiles them."""
    config = RecurrentConfig(hidden_size=1, linear_skip=False)
    with torch.random.fork_rng([]):
        network = RecurrentNetwork(config, seq_len=1, horizon=1)
    rows = RowBatches(torch.zeros(1, 1, 1), torch.zeros(1, 1))
    train(network, rows, rows, TrainingConfig(device="cpu", engine="fused", epochs=1))


if __name__ == "__main__":
    compile_loops()
