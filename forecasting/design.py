"""What the linear part of a forecast with covariates is linear in."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from forecasting.features import Layout

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


class LinearSkip(nn.Linear):
    """The linear part of a forecast; it is set, not trained.

    Args:
        window: numbers of a window without covariates.
        steps: steps ahead.
        design: what to take of windows with covariates.
    """

    def __init__(self, window: int, steps: int, design: Design | None = None) -> None:
        window, ahead = (window, 0) if design is None else design.sizes
        super().__init__(window, steps)
        self.design = design
        self.ahead = nn.Linear(ahead, 1, bias=False) if ahead else None
        self.requires_grad_(False)

    @torch.no_grad()
    def set(self, weights: Tensor, bias: Tensor, ahead: Tensor | None = None) -> None:
        """Set what was solved.

        Args:
            weights: of the window, ``(seq_len * features, steps)``.
            bias: ``(steps,)``.
            ahead: of the covariates of each step ahead, ``(features,)``.
        """
        self.weight.copy_(weights.T)
        self.bias.copy_(bias)
        if self.ahead is not None and ahead is not None:
            self.ahead.weight.copy_(ahead[None])

    def forward(self, inputs: Tensor) -> Tensor:
        """Return ``(batch, steps)``."""
        if self.design is None:
            return super().forward(inputs.flatten(1))
        forecast = super().forward(self.design.window(inputs))
        if self.ahead is not None:
            forecast = forecast + self.ahead(self.design.ahead(inputs))[..., 0]
        return forecast
