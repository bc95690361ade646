"""Whether one model is better than another on the same test part.

Series with a label each are independent: McNemar's exact test on the series that only
one of the two has right. Steps of a series are not: means over blocks of neighbouring
steps are compared, and their spread says how sure the difference is.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from forecasting.types import BoolArray, FloatArray

LEVEL = 0.05  # chance of so large a difference between equal models, at most
BLOCKS = 20
MIN_BLOCK = 5  # steps
MIN_ERRORS = 2.0  # standard errors of a clear difference


@dataclass(frozen=True, slots=True)
class Difference:
    """Difference of two models on the same test part.

    Attributes:
        gain: of the first over the second: right labels, or nats a symbol.
        is_clear: whether the first is better by more than chance.
        reason: the test, in words.
    """

    gain: float
    is_clear: bool
    reason: str


def compare_labels(new: BoolArray, old: BoolArray) -> Difference:
    """Compare two classifiers on the same series by McNemar's exact test, one-sided.

    Args:
        new, old: whether each label is right, ``(series,)``.
    """
    wins, losses = int((new & ~old).sum()), int((old & ~new).sum())
    reason = f"{wins} series right that it has wrong, {losses} wrong that it has right"
    if wins <= losses:
        return Difference(wins - losses, False, reason)
    chance = float(binomtest(wins, wins + losses, alternative="greater").pvalue)
    return Difference(wins - losses, chance < LEVEL, f"{reason}, p = {chance:.2g}")


def compare_steps(new: FloatArray, old: FloatArray) -> Difference:
    """Compare two models on the same steps by means over blocks of them.

    Args:
        new, old: figures of the steps in their order, higher is better, ``(steps,)``.
    """
    gains = np.asarray(new, np.float64) - np.asarray(old, np.float64)
    gain = float(gains.mean())
    count = min(BLOCKS, len(gains) // MIN_BLOCK)
    if count < 2:
        return Difference(gain, False, f"{len(gains)} steps are too few to tell")
    means = np.array([block.mean() for block in np.array_split(gains, count)])
    error = float(means.std(ddof=1)) / math.sqrt(count)
    reason = f"{gain:+.3g} with a standard error of {error:.2g} over {count} blocks"
    return Difference(gain, gain > MIN_ERRORS * error and gain > 0, reason)
