"""What the linear part of a forecast with covariates is linear in."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from forecasting.covariates.layout import Layout

MOST_INDICATORS = 12  # categories up to which each has a weight of its own


@dataclass(frozen=True, slots=True)
class Design:
    """What the linear part of a forecast is linear in.

    The window's numbers, each observation's on its own, and the numbers of the step
    forecast, with weights that all steps share. Categories count as indicators unless
    there are more than 12; the positions in the seasons count ahead only, for
    those of the window follow from them.

    Attributes:
        layout: of the columns.
        seq_len: observations in a window.
        steps: steps ahead.
    """

    layout: Layout
    seq_len: int
    steps: int

    def window(self, inputs: Tensor) -> Tensor:
        """Return ``(batch, seq_len * features)``."""
        rows, layout = inputs[:, : self.seq_len], self.layout
        numbers = layout.numbers(rows, ahead=False)
        parts = [numbers[..., : 1 + layout.past + layout.known]]
        return torch.cat([*parts, *self._indicators(rows, ahead=False)], -1).flatten(1)

    def ahead(self, inputs: Tensor) -> Tensor:
        """Return ``(batch, steps, features)``, possibly without any feature."""
        rows = inputs[:, self.seq_len : self.seq_len + self.steps]
        numbers = self.layout.numbers(rows, ahead=True)
        return torch.cat([numbers, *self._indicators(rows, ahead=True)], -1)

    @property
    def sizes(self) -> tuple[int, int]:
        """Number of features of a window and of a step ahead."""
        layout = self.layout
        past, known, static = (
            sum(size - 1 for size in sizes if size <= MOST_INDICATORS + 1)
            for sizes in (layout.past_codes, layout.known_codes, layout.static_codes)
        )
        observation = 1 + layout.past + layout.known + past + known
        ahead = layout.known + layout.seasons + layout.static + known + static
        return self.seq_len * observation, ahead

    def _indicators(self, rows: Tensor, *, ahead: bool) -> list[Tensor]:
        return [
            one_hot(codes, size)[..., 1:].to(rows.dtype)
            for codes, size in self.layout.codes(rows, ahead=ahead)
            if size <= MOST_INDICATORS + 1
        ]
