"""Features of the outputs of random units over the valid steps of a series."""

import torch
from torch import Tensor

MAX_OUTPUTS = 2048  # of a unit, from which thresholds are drawn
MARGIN = 1e-4  # of the deviation of a unit's outputs


def pool_above(outputs: Tensor, thresholds: Tensor, mask: Tensor) -> list[Tensor]:
    """Return the share, mean and mean position of the outputs above thresholds.

    The poolings of Dempster et al. (2020) and Tan et al. (2022).

    Args:
        outputs: ``(series, units, steps)``.
        thresholds: ``(units,)``.
        mask: whether a step is valid, ``(series, 1, steps)``, floating point.

    Returns:
        Three tensors ``(series, units)``; the position is from 0 to 1.
    """
    excess = (outputs - thresholds[:, None]).clamp_(min=0)
    excess *= mask
    above = (excess > 0).to(outputs.dtype)
    length = mask.sum(2)  # (series, 1)
    count = above.sum(2)
    steps = torch.arange(outputs.shape[2], dtype=outputs.dtype)
    some = count.clamp(min=1)
    return [count / length, excess.sum(2) / some, above @ steps / some / length]


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
