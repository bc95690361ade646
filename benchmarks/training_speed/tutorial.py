"""Training loop as in tutorials: a list of windows, a DataLoader, torch.nn, Adam.

It is the usual first version, and a contestant for Recast's training. No module of
Recast is imported.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.common.job import Job

CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}

Series = Sequence[npt.NDArray[np.float64]]
Loader = DataLoader[tuple[Tensor, ...]]


class Network(nn.Module):
    """A recurrent layer with a linear head on its last output."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.layer = CELLS[job.cell](1, job.hidden_size, batch_first=True)
        self.head = nn.Linear(job.hidden_size, job.horizon)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return forecasts ``(batch, horizon)`` for inputs ``(batch, seq_len, 1)``."""
        outputs, _ = self.layer(inputs)
        forecast: Tensor = self.head(outputs[:, -1])
        return forecast


def run_tutorial(series: Series, job: Job, device: str = "cpu") -> int:
    """Run the whole job on the series and return the number of training windows."""
    return train_network(make_loader(series, job), job, device)


def make_loader(series: Series, job: Job) -> Loader:
    """Standardise each series and return a loader of its windows, shuffled."""
    inputs, targets = [], []
    for values in series:
        scaled = (values - values.mean()) / (values.std() + 1e-9)
        for start in range(len(scaled) - job.seq_len - job.horizon + 1):
            cutoff = start + job.seq_len
            inputs.append(scaled[start:cutoff])
            targets.append(scaled[cutoff : cutoff + job.horizon])
    dataset = TensorDataset(
        torch.tensor(np.array(inputs), dtype=torch.float32).unsqueeze(-1),
        torch.tensor(np.array(targets), dtype=torch.float32),
    )
    return DataLoader(dataset, batch_size=job.batch_size, shuffle=True)


def train_network(loader: Loader, job: Job, device: str = "cpu") -> int:
    """Train a new network and return the number of training windows."""
    network = Network(job).to(device)
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    losses: list[float] = []
    windows = 0
    for _ in range(1 if job.steps else job.epochs):
        for step, (inputs, targets) in enumerate(loader):
            if step == job.steps:
                break
            inputs, targets = inputs.to(device), targets.to(device)
            optimizer.zero_grad()
            loss = criterion(network(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            windows += len(inputs)
    return windows
