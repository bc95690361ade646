"""Quantile head of a network, with quantiles that cannot cross.

The head gives distances between neighbouring quantiles, which are positive, and sums
them up from the median outwards: quantiles cannot cross, for any weights. Their errors
are calibrated in `forecasting.intervals.scores`.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

MIN_GAP = 0.01  # share of a gap's initial width: quantiles stay distinct


class QuantileHead(nn.Module):
    """Linear head from an encoder's state to quantiles, as offsets from the median.

    Args:
        size: size of the state.
        horizon: steps ahead.
        quantiles: probabilities, ascending, 0.5 among them.
    """

    gaps: Tensor

    def __init__(self, size: int, horizon: int, quantiles: tuple[float, ...]) -> None:
        super().__init__()
        self.quantiles, self.below = quantiles, quantiles.index(0.5)
        count = len(quantiles) - 1
        self.linear = nn.Linear(size, horizon * count)
        nn.init.zeros_(self.linear.weight)  # initial offsets are the gaps
        nn.init.constant_(self.linear.bias, math.log(math.e - 1))  # softplus gives 1
        self.register_buffer("gaps", torch.ones(horizon, count))

    def set_gaps(self, residuals: Tensor) -> None:
        """Set the gaps to those between quantiles of residuals ``(n, horizon)``."""
        probabilities = torch.tensor(self.quantiles, device=residuals.device)
        gaps = torch.quantile(residuals.float(), probabilities, dim=0).diff(dim=0).T
        min_gap = torch.finfo(gaps.dtype).eps + MIN_GAP * gaps.mean()
        self.gaps.copy_(gaps.clamp(min=float(min_gap)))

    def forward(self, state: Tensor) -> Tensor:
        """Return offsets from the median, ``(batch, horizon, quantiles)``."""
        growth = softplus(self.linear(state).float()).unflatten(1, self.gaps.shape)
        gaps = self.gaps * (MIN_GAP + (1 - MIN_GAP) * growth)
        lower, upper = gaps[..., : self.below], gaps[..., self.below :]
        below = -lower.flip(-1).cumsum(-1).flip(-1)
        median = torch.zeros_like(gaps[..., :1])
        return torch.cat([below, median, upper.cumsum(-1)], -1)
