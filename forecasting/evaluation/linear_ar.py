"""Linear autoregression, a baseline with fitted weights.

A ridge regression, shared by all series, from the last seq_len observations to the next
ones, each series in units of its naive error and minus its last value.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.data.windows import Windows, WindowSpec
from forecasting.errors import SeriesTooShort
from forecasting.evaluation.naive_scale import naive_scales
from forecasting.models.ridge import fit_ridge_path
from forecasting.types import FloatArray, IntArray

PENALTY = 1e-3  # in units of the inputs' mean variance
MAX_WINDOWS = 200_000  # fitted on at most
BATCH = 16_384  # windows in memory at once


@dataclass(frozen=True, slots=True)
class LinearAutoregression:
    """A fitted linear autoregression.

    Attributes:
        weights: ``(seq_len, horizon)``; bias: ``(horizon,)``.
        season_length: the unit of a series is its mean change over as many steps.
    """

    weights: FloatArray
    bias: FloatArray
    season_length: int

    @classmethod
    def fit(
        cls, panel: Panel, ends: IntArray, spec: WindowSpec, season_length: int
    ) -> Self:
        """Fit on the first ``ends`` observations of each series.

        Raises:
            SeriesTooShort: no series has seq_len + horizon of them.
        """
        windows = Windows(panel.offsets, spec, stop=ends)
        if len(windows) == 0:
            lengths = zip(panel.series_ids, ends.tolist(), strict=True)
            raise SeriesTooShort(lengths, spec.length, "seq_len + horizon")
        origins = Origins(series=np.arange(len(panel)), ends=ends)
        scales = torch.from_numpy(naive_scales(panel, origins, season_length))
        values, chosen = (
            torch.from_numpy(panel.values),
            windows.sample_evenly(MAX_WINDOWS),
        )

        def batches() -> Iterator[tuple[Tensor, Tensor]]:
            for index in chosen.split(BATCH):
                series, _ = windows.locate(index)
                window = windows.gather(values, index) / scales[series]
                window = window - window[:, spec.seq_len - 1, None]
                yield window[:, : spec.seq_len], window[:, spec.seq_len :]

        weights, bias = fit_ridge_path(batches()).solve(PENALTY)
        return cls(weights.numpy(), bias.numpy(), season_length)

    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> FloatArray:
        """Forecast from each origin, ``(origins, horizon)``, in original units.

        Raises:
            SeriesTooShort: there are fewer than seq_len observations before one.
        """
        seq_len = len(self.weights)
        short = np.flatnonzero(origins.ends < seq_len)
        if len(short):
            names = [panel.series_ids[series] for series in origins.series[short]]
            lengths = zip(names, origins.ends[short].tolist(), strict=True)
            raise SeriesTooShort(lengths, seq_len, f"seq_len {seq_len}")
        begin = panel.offsets[origins.series] + origins.ends - seq_len
        window = panel.values[begin[:, None] + np.arange(seq_len)]
        scales = naive_scales(panel, origins, self.season_length)
        last = window[:, -1:]
        return np.asarray(
            last + scales * self._extend((window - last) / scales, horizon)
        )

    def _extend(self, window: FloatArray, horizon: int) -> FloatArray:
        """Return the next ``horizon`` values, feeding forecasts back where needed."""
        path, seq_len = window, len(self.weights)
        while path.shape[1] < seq_len + horizon:
            last = path[:, -1:]
            block = last + (path[:, -seq_len:] - last) @ self.weights + self.bias
            path = np.concatenate([path, block], axis=1)
        return path[:, seq_len : seq_len + horizon]
