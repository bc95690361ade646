"""Features of the outputs of random units over the valid steps of a series."""

import numpy as np
import torch
from torch import Tensor

MAX_OUTPUTS = 2048  # of a unit, from which thresholds are drawn
MARGIN = 1e-4  # of the deviation of a unit's outputs


def pool_above(outputs: Tensor, thresholds: Tensor, lengths: Tensor) -> Tensor:
    """Return the share, mean and mean position of the outputs above thresholds.

    The poolings of Dempster et al. (2020) and Tan et al. (2022).

    Args:
        outputs: ``(series, units, steps)``, float32.
        thresholds: ``(count, units)``.
        lengths: valid steps of each series, ``(series,)``.

    Returns:
        ``(series, count * 3 * units)``; the position is from 0 to 1.
    """
    from forecasting.sequences.features.pooling_loops import pool_outputs

    series, units = outputs.shape[:2]
    features = np.empty((series, len(thresholds), 3, units), np.float32)
    pool_outputs(outputs.numpy(), lengths.numpy(), thresholds.numpy(), features)
    return torch.from_numpy(features).flatten(1)


def pool_winners(outputs: Tensor, competing: int, lengths: Tensor) -> Tensor:
    """Return how strongly, and how often, each unit wins within its group.

    Args:
        outputs: ``(series, groups * competing, steps)``, float32.
        competing: units of a group.
        lengths: valid steps of each series, ``(series,)``.

    Returns:
        Square roots of the sum of the outputs at the steps where a unit is the largest,
        and of the number of steps where it is the smallest, over the length,
        ``(series, 2 * groups * competing)``.
    """
    from forecasting.sequences.features.pooling_loops import count_winners

    features = np.empty((len(outputs), 2, outputs.shape[1]), np.float32)
    count_winners(outputs.numpy(), lengths.numpy(), competing, features)
    return torch.from_numpy(features).flatten(1)


def draw_thresholds(
    outputs: Tensor, mask: Tensor, count: int, generator: torch.Generator
) -> Tensor:
    """Return quantiles of the valid outputs of each unit, ``(count, units)``.

    They are a little above an output, so that rounding moves none across. The
    probabilities are a low-discrepancy sequence, different for each unit.

    Args:
        outputs: ``(series, units, steps)``.
        mask: whether a step is valid, ``(series, 1, steps)``.
        count: thresholds of a unit.
        generator: of the drawn steps.
    """
    valid = outputs.transpose(1, 2)[mask[:, 0] > 0]  # (steps, units)
    drawn = torch.randperm(len(valid), generator=generator)[:MAX_OUTPUTS]
    ordered = valid[drawn].sort(0).values
    ordered += MARGIN * ordered.std(0, correction=0)
    units = outputs.shape[1]
    golden = (5**0.5 - 1) / 2
    places = (torch.arange(1, count * units + 1) * golden % 1 * len(ordered)).long()
    return ordered.gather(0, places.view(count, units))
