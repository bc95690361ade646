"""Shrinkage of a trained network towards the linear forecast that it started from.

A network trained on few windows may have fitted noise. Its gain over the linear
forecast on later windows is compared with the uncertainty of that gain: with t, the
gain in standard errors, the network's departure from the linear forecast is multiplied
by t^2 / (1 + t^2), the factor by which Thompson (1968) shrinks an uncertain mean.
"""

import torch
from torch import Tensor

from forecasting.models.network import RecurrentNetwork
from forecasting.models.window_ridge import LinearPart


def network_share(linear: Tensor, trained: Tensor, actual: Tensor) -> float:
    """Return the share, 0 to 1, of the network's departure from the linear forecast.

    Args:
        linear: forecasts of later windows, ``(windows, horizon)``.
        trained: forecasts of the trained network.
        actual: targets. Neighbouring windows share targets: ``horizon`` of them count
            as one.
    """
    gain = ((linear - actual).square() - (trained - actual).square()).mean(1)
    independent = max(actual.shape[0] / actual.shape[1], 1.0)
    mean, variance = float(gain.mean()), float(gain.var(correction=0)) / independent
    return mean**2 / (mean**2 + variance) if mean > 0 else 0.0


@torch.no_grad()
def shrink(network: RecurrentNetwork, linear: LinearPart, share: float) -> None:
    """Shrink a network's departure from the linear forecast to ``share`` of it."""
    assert network.skip is not None
    network.head.weight.mul_(share)
    network.head.bias.mul_(share)
    start = (linear.weights.T, linear.bias)
    for trained, initial in zip(network.skip.parameters(), start, strict=True):
        trained.copy_(initial + share * (trained - initial))
