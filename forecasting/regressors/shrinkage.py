"""How far a network may lead away from the linear forecast that it started from.

A network that was trained on few windows may have learnt noise. What it gained over
its linear start on later windows is weighed against the uncertainty of that gain: with
t, the gain in standard errors, the forecast goes t^2 / (1 + t^2) of the way, the factor
by which Thompson (1968) shrinks an uncertain mean.
"""

import torch
from torch import Tensor

from forecasting.models.network import RecurrentNetwork
from forecasting.models.window_ridge import LinearPart


def trust(linear: Tensor, learnt: Tensor, actual: Tensor) -> float:
    """Return the share of the way from the linear forecast to the learnt one.

    Args:
        linear: forecasts of later windows, ``(windows, horizon)``.
        learnt: the network's.
        actual: what came. Neighbouring windows share targets: ``horizon`` of them
            count as one.
    """
    gain = ((linear - actual).square() - (learnt - actual).square()).mean(1)
    independent = max(actual.shape[0] / actual.shape[1], 1.0)
    mean, variance = float(gain.mean()), float(gain.var(correction=0)) / independent
    return mean**2 / (mean**2 + variance) if mean > 0 else 0.0


@torch.no_grad()
def shrink(network: RecurrentNetwork, linear: LinearPart, share: float) -> None:
    """Bring a network's forecasts to ``share`` of the way from the linear ones."""
    assert network.skip is not None
    network.head.weight.mul_(share)
    network.head.bias.mul_(share)
    start = (linear.weights.T, linear.bias)
    for learnt, first in zip(network.skip.parameters(), start, strict=True):
        learnt.copy_(first + share * (learnt - first))
