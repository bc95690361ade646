"""Trainings in one process or several, run by test_distributed.py.

python -m torch.distributed.run ... train_together.py FOLDER
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch

from forecasting.data.windows import Windows, WindowSpec
from forecasting.datasets.window_dataset import WindowDataset
from forecasting.errors import SettingError
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork
from forecasting.training import TrainingConfig, start_member, train_members
from forecasting.training.engines.distributed import process_group, rank

SPEC = WindowSpec(seq_len=6, horizon=2)
WINDOWS = 65  # four batches of 16, and one window that a single process gets
CASES = {
    "lstm": {"cell": "lstm"},
    "gru": {"cell": "gru", "optimizer": "adamw", "weight_decay": 0.1},
    "unclipped": {"cell": "gru", "clip_norm": None, "loss": "mse", "batch_size": 15},
    "drawn": {"cell": "lstm", "steps": 30, "balance": 0.5},
    "more processes than windows": {"cell": "gru", "batch_size": 1, "epochs": 1},
    "two members": {"cell": "gru", "members": 2, "epochs": 2},
    "early end": {"cell": "lstm", "patience": 1, "learning_rate": 0.5, "epochs": 40},
    "dropout": {"cell": "gru", "dropout": 0.5, "epochs": 1, "batch_size": 65},
}


def curves(engine: str = "torch") -> dict[str, dict[str, list[float]]]:
    """Return losses, weights and the number of training windows, by case."""
    return {name: _train(engine, **settings) for name, settings in CASES.items()}


def _train(engine, *, cell, members=1, dropout=0.0, **settings):
    steps = torch.arange(96.0)
    values = torch.cat([torch.sin(0.4 * steps), torch.cos(0.1 * steps)])
    offsets, ends = np.array([0, 96, 192]), np.array([40, 39])
    batches = WindowDataset(values, Windows(offsets, SPEC, stop=ends), "none")
    later = WindowDataset(values, Windows(offsets, SPEC, start=ends), "none")
    assert len(batches) == WINDOWS
    model = RecurrentConfig(
        cell=cell, hidden_size=4, num_layers=2, dropout=dropout, linear_skip=False
    )
    defaults = {"epochs": 4, "batch_size": 16, "clip_norm": 0.05, "learning_rate": 0.05}
    config = TrainingConfig(device="cpu", engine=engine, **{**defaults, **settings})

    def make() -> RecurrentNetwork:
        return RecurrentNetwork(model, seq_len=SPEC.seq_len, horizon=SPEC.horizon)

    untrained = [start_member(seed, batches.device, make) for seed in range(members)]
    num_windows: list[int] = []

    def count_windows(network: RecurrentNetwork, inputs: tuple[torch.Tensor]) -> None:
        if network.training:
            num_windows.append(len(inputs[0]))

    for member in untrained:
        member.network.register_forward_pre_hook(count_windows)
    records = train_members(untrained, batches, later, config)
    return {
        "train": [record.train_loss for record in records if record.epoch],
        "validation": [record.validation_loss for record in records],
        "weights": [
            number
            for member in untrained
            for parameter in member.network.parameters()
            for number in parameter.detach().flatten().tolist()
        ],
        "windows": [sum(num_windows)],
    }


def refusal() -> str:
    """Return the error message for the compiled engine."""
    try:
        _train("fused", cell="lstm")
    except SettingError as error:
        return str(error)
    return "nothing"


if __name__ == "__main__":
    with process_group():
        results = {"auto": curves("auto"), "refusal": refusal()}
        Path(sys.argv[1], f"{rank()}.json").write_text(json.dumps(results))
