"""Design matrix of the linear part of a forecast with covariates."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from forecasting.covariates.layout import Layout

MAX_INDICATORS = 12  # categories of a covariate that enter as indicators


@dataclass(frozen=True, slots=True)
class Design:
    """Features of the linear part of a forecast.

    These are the window's numbers, with a weight for each observation, and the numbers
    of the forecast step, with weights shared by all steps. Categories enter as
    indicators unless there are more than 12. The positions in the seasons enter for
    the steps ahead only, since they determine those of the window.

    Attributes:
        layout: order of the columns.
        seq_len: observations in a window.
        steps: steps ahead.
    """

    layout: Layout
    seq_len: int
    steps: int

    def window(self, inputs: Tensor) -> Tensor:
        """Return the features of the window, ``(batch, seq_len * features)``."""
        rows, layout = inputs[:, : self.seq_len], self.layout
        numbers = layout.numbers(rows, ahead=False)
        parts = [numbers[..., : 1 + layout.past + layout.known]]
        return torch.cat([*parts, *self._indicators(rows, ahead=False)], -1).flatten(1)

    def ahead(self, inputs: Tensor) -> Tensor:
        """Return the features of the steps ahead, ``(batch, steps, features)``.

        The number of features may be 0.
        """
        rows = inputs[:, self.seq_len : self.seq_len + self.steps]
        numbers = self.layout.numbers(rows, ahead=True)
        return torch.cat([numbers, *self._indicators(rows, ahead=True)], -1)

    @property
    def sizes(self) -> tuple[int, int]:
        """Number of features of a window and of a step ahead."""
        layout = self.layout
        past_indicators, known_indicators, static_indicators = (
            sum(size - 1 for size in sizes if size <= MAX_INDICATORS + 1)
            for sizes in (layout.past_codes, layout.known_codes, layout.static_codes)
        )
        observation = (
            1 + layout.past + layout.known + past_indicators + known_indicators
        )
        step = (
            layout.known
            + layout.seasons
            + layout.static
            + known_indicators
            + static_indicators
        )
        return self.seq_len * observation, step

    def _indicators(self, rows: Tensor, *, ahead: bool) -> list[Tensor]:
        return [
            one_hot(codes, size)[..., 1:].to(rows.dtype)
            for codes, size in self.layout.codes(rows, ahead=ahead)
            if size <= MAX_INDICATORS + 1
        ]
