"""Quantiles that a network forecasts: their head, and errors on their scale.

The head gives distances between neighbouring quantiles, which are positive, and sums
them up from the median outwards: quantiles cannot cross, whatever the weights.

An error is calibrated as a score: the standard normal quantile of the probability that
the network gave to what came. If the network is right, scores are standard normal;
where it is not, the quantiles of its scores on held-out observations say by how much.
This is conformalized quantile regression (Romano, Patterson and Candes 2019) on the
scale of the predicted distribution (Chernozhukov, Wuthrich and Zhu 2021), so that one
table serves any level, and levels nest. Between two quantiles, and beyond the outer
ones, a value is linear in its score, as it is for a normal distribution.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

LEAST = 0.01  # of a gap's first width: no two quantiles are one


class QuantileHead(nn.Module):
    """From an encoder's state to quantiles, as offsets from the median.

    Args:
        size: of the state.
        horizon: steps ahead.
        quantiles: probabilities, ascending, 0.5 among them.
    """

    gaps: Tensor

    def __init__(self, size: int, horizon: int, quantiles: tuple[float, ...]) -> None:
        super().__init__()
        self.quantiles, self.below = quantiles, quantiles.index(0.5)
        count = len(quantiles) - 1
        self.linear = nn.Linear(size, horizon * count)
        nn.init.zeros_(self.linear.weight)  # training starts at the gaps
        nn.init.constant_(self.linear.bias, math.log(math.e - 1))  # softplus gives 1
        self.register_buffer("gaps", torch.ones(horizon, count))

    def set_gaps(self, residuals: Tensor) -> None:
        """Start from the distances between quantiles of residuals ``(n, horizon)``."""
        at = torch.tensor(self.quantiles, device=residuals.device)
        gaps = torch.quantile(residuals.float(), at, dim=0).diff(dim=0).T
        least = torch.finfo(gaps.dtype).eps + LEAST * gaps.mean()
        self.gaps.copy_(gaps.clamp(min=float(least)))

    def forward(self, state: Tensor) -> Tensor:
        """Return offsets from the median, ``(batch, horizon, quantiles)``."""
        growth = softplus(self.linear(state).float()).unflatten(1, self.gaps.shape)
        gaps = self.gaps * (LEAST + (1 - LEAST) * growth)
        lower, upper = gaps[..., : self.below], gaps[..., self.below :]
        below = -lower.flip(-1).cumsum(-1).flip(-1)
        none = torch.zeros_like(gaps[..., :1])
        return torch.cat([below, none, upper.cumsum(-1)], -1)
