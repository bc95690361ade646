"""Classifier of series as in tutorials: torch.nn layers, a linear layer, Adam.

No module of Recast is imported. Series of unequal length are padded with zeros and
packed, as the tutorials of torch do.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, TensorDataset

CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class TutorialClassifier:
    """Recurrent layers with a linear layer on their last state.

    Args:
        cell: ``rnn``, ``gru`` or ``lstm``.
        hidden_size: units of a layer.
        num_layers: layers on top of each other.
        epochs: passes over the series.
        batch_size: series of a step.
    """

    def __init__(
        self,
        cell: str,
        hidden_size: int,
        num_layers: int,
        *,
        epochs: int = 10,
        batch_size: int = 16,
    ) -> None:
        self.cell, self.hidden_size, self.num_layers = cell, hidden_size, num_layers
        self.epochs, self.batch_size = epochs, batch_size

    def fit(
        self, series: Sequence[npt.NDArray[np.float64]], labels: Sequence[str]
    ) -> "TutorialClassifier":
        """Train on series ``(steps, channels)`` with a label each."""
        torch.manual_seed(0)
        self.classes = sorted(set(labels))
        joined = np.concatenate(series)
        self.center, self.scale = joined.mean(0), joined.std(0) + 1e-9
        channels = joined.shape[1]
        self.layers = CELLS[self.cell](
            channels, self.hidden_size, self.num_layers, batch_first=True
        )
        self.head = nn.Linear(self.hidden_size, len(self.classes))
        parameters = [*self.layers.parameters(), *self.head.parameters()]
        optimizer = torch.optim.Adam(parameters, lr=1e-3)
        criterion = nn.CrossEntropyLoss()
        targets = torch.tensor([self.classes.index(label) for label in labels])
        values, lengths = self._pad(series)
        dataset = TensorDataset(values, lengths, targets)
        loader = DataLoader(dataset, batch_size=self.batch_size, shuffle=True)
        for _ in range(self.epochs):
            for inputs, steps, classes in loader:
                optimizer.zero_grad()
                loss = criterion(self._logits(inputs, steps), classes)
                loss.backward()
                optimizer.step()
        return self

    def score(
        self, series: Sequence[npt.NDArray[np.float64]], labels: Sequence[str]
    ) -> float:
        """Return the share of series with the right label."""
        with torch.no_grad():
            codes = self._logits(*self._pad(series)).argmax(1).tolist()
        pairs = zip(codes, labels, strict=True)
        return float(np.mean([self.classes[code] == label for code, label in pairs]))

    def _pad(self, series: Sequence[npt.NDArray[np.float64]]) -> tuple[Tensor, Tensor]:
        scaled = [
            torch.tensor((one - self.center) / self.scale, dtype=torch.float32)
            for one in series
        ]
        lengths = torch.tensor([len(one) for one in scaled])
        return pad_sequence(scaled, batch_first=True), lengths

    def _logits(self, values: Tensor, lengths: Tensor) -> Tensor:
        inputs: Tensor | PackedSequence = values
        if bool((lengths < values.shape[1]).any()):  # packing takes time
            inputs = pack_padded_sequence(
                values, lengths, batch_first=True, enforce_sorted=False
            )
        _, state = self.layers(inputs)
        last = state[0] if self.cell == "lstm" else state
        logits: Tensor = self.head(last[-1])
        return logits
