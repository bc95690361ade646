"""Linear skip connection: the closed-form linear part of a forecast."""

import torch
from torch import Tensor, nn

from forecasting.covariates.design import Design


class LinearSkip(nn.Linear):
    """The linear part of a forecast, with weights that are set and not trained.

    Args:
        window: size of a window without covariates.
        steps: steps ahead.
        design: selection of regressors from windows with covariates.
    """

    def __init__(self, window: int, steps: int, design: Design | None = None) -> None:
        window, ahead = (window, 0) if design is None else design.sizes
        super().__init__(window, steps)
        self.design = design
        self.ahead = nn.Linear(ahead, 1, bias=False) if ahead else None
        self.requires_grad_(False)

    @torch.no_grad()
    def set(self, weights: Tensor, bias: Tensor, ahead: Tensor | None = None) -> None:
        """Set the weights and the bias.

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
