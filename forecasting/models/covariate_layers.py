"""Layers for covariates: embeddings, and a head for future covariates.

A window with covariates is one tensor: a row for each of its seq_len observations and
of the horizon's steps, a column for each feature. The target comes first, then

    numbers     past, known, positions in the seasons, static
    categories  past, known, static, as codes; 0 is a category never seen

Each step of a forecast depends on the known covariates of that step only: later ones
change nothing. Letters in comments: B batch, L seq_len, T any steps, F features, D
state size.
"""

import torch
from torch import Tensor, nn

from forecasting.covariates.layout import Layout, embedding_size


class FeatureReader(nn.Module):
    """Splits windows into features and embeds their categories; code 0 is zero."""

    def __init__(self, layout: Layout, seq_len: int) -> None:
        super().__init__()
        self.layout, self.seq_len = layout, seq_len
        groups = (layout.past_codes, layout.known_codes, layout.static_codes)
        past_tables, known_tables, static_tables = (
            [nn.Embedding(size, embedding_size(size), padding_idx=0) for size in sizes]
            for sizes in groups
        )
        self.embeddings = nn.ModuleList([*past_tables, *known_tables, *static_tables])
        before, until = len(past_tables), len(past_tables) + len(known_tables)
        self._window, self._ahead = slice(0, until), slice(before, None)
        widths = [embedding_size(size) for sizes in groups for size in sizes]
        self.window_size = (
            1 + layout.past + layout.known + layout.seasons + sum(widths[self._window])
        )
        self.ahead_size = (
            layout.known + layout.seasons + layout.static + sum(widths[self._ahead])
        )

    def window(self, inputs: Tensor) -> Tensor:
        """Return the observations' features, ``(batch, seq_len, window_size)``."""
        return self._read(inputs[:, : self.seq_len], ahead=False)

    def ahead(self, inputs: Tensor, first: int | None = None) -> Tensor:
        """Return the features of the steps ahead, ``(batch, steps, ahead_size)``.

        With ``first``, those of all rows from that one on, counted from 0.
        """
        begin = self.seq_len if first is None else first
        return self._read(inputs[:, begin:], ahead=True)

    def _read(self, rows: Tensor, *, ahead: bool) -> Tensor:
        tables = list(self.embeddings)[self._ahead if ahead else self._window]
        pairs = zip(tables, self.layout.codes(rows, ahead=ahead), strict=True)
        embedded = [table(codes) for table, (codes, _) in pairs]
        return torch.cat([self.layout.numbers(rows, ahead=ahead), *embedded], -1)


class FutureCovariateHead(nn.Module):
    """Correction of each step's forecast by the state and the step's covariates."""

    def __init__(self, state_size: int, ahead_size: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(state_size + ahead_size, state_size)
        self.output = nn.Linear(state_size, 1)

    def forward(self, state: Tensor, ahead: Tensor) -> Tensor:
        """Return ``(..., steps)`` for ``(..., state)`` and ``(..., steps, ahead)``."""
        states = state[..., None, :].expand(*ahead.shape[:-1], -1)
        hidden = self.hidden(torch.cat([states, ahead], -1)).relu()
        forecast: Tensor = self.output(hidden)[..., 0]
        return forecast


def init_zero(layer: nn.Linear) -> None:
    """Set a layer to zero output; training changes it."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
