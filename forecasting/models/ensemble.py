"""Forecast of an ensemble of networks: the median of its members."""

import torch
from torch import Tensor

from forecasting.datasets.window_dataset import EVALUATION_BATCH, BatchSource
from forecasting.models.network import RecurrentNetwork
from forecasting.models.quantile_head import QuantileHead


def ensemble_forecast(networks: list[RecurrentNetwork], inputs: Tensor) -> Tensor:
    """Return the members' median, ``(batch, horizon)``, for ``(batch, seq_len, 1)``."""
    members: list[Tensor] = [network(inputs).float() for network in networks]
    if len(members) == 1:
        return members[0]
    median = torch.stack(members).quantile(0.5, dim=0)
    return median  # of an even number: the mean of the two middle ones


def ensemble_spread(networks: list[RecurrentNetwork], inputs: Tensor) -> Tensor:
    """Return the ensemble's quantiles as offsets from its median.

    ``(batch, horizon, quantiles)``; the networks must forecast quantiles.
    """
    if len(networks) == 1:
        return networks[0].forward_spread(inputs).float()
    members = [network.forward_quantiles(inputs).float() for network in networks]
    quantiles = torch.stack(members).quantile(0.5, dim=0)
    middle = networks[0].config.quantiles.index(0.5)
    return quantiles - quantiles[..., middle, None]


@torch.no_grad()
def start_spread(
    spread: QuantileHead, network: RecurrentNetwork, batches: BatchSource
) -> None:
    """Initialise the quantile gaps by those of the untrained network's errors."""
    inputs, targets = batches.sample_evenly(EVALUATION_BATCH)
    spread.set_gaps(targets - network.eval()(inputs))
