"""The learning rate, and Adam's first beta, of every step."""

import numpy as np

from forecasting.training.recipe.config import TrainingConfig
from forecasting.types import FloatArray

BETA = 0.9  # of Adam's mean, where no schedule moves it


RISE = 0.3  # share of the cycle in which the rate goes up


PARTS = 10  # epochs that a number of steps is cut into


def num_epochs(windows: int, config: TrainingConfig) -> tuple[int, int]:
    """Return the number of epochs, and of the steps in each.

    Args:
        windows: to learn from.
        config: how.
    """
    if config.steps is None:
        return config.epochs, -(-windows // config.batch_size)
    return min(PARTS, config.steps), -(-config.steps // PARTS)


def step_rates(steps: int, config: TrainingConfig) -> tuple[FloatArray, FloatArray]:
    """Return learning rates and first betas, ``(steps,)`` each.

    One cycle is that of torch's OneCycleLR (Smith and Topin 2019): by cosines, the rate
    goes up to its most and down to next to nothing while the beta goes down and up.
    """
    rate = float(config.learning_rate)
    if config.schedule == "constant":
        return np.full(steps, rate), np.full(steps, BETA)
    # One step more than is made: the last one of all would be too small to matter.
    top, last = RISE * (steps + 1) - 1, steps
    step = np.arange(steps)
    up = np.clip(step / max(top, 1e-9), 0, 1)
    down = np.clip((step - top) / (last - top), 0, 1)
    rising = step <= top
    rates = np.where(
        rising, _cosine(rate / 25, rate, up), _cosine(rate, rate / 25e4, down)
    )
    betas = np.where(rising, _cosine(0.95, 0.85, up), _cosine(0.85, 0.95, down))
    return rates, betas


def _cosine(begin: float, end: float, share: FloatArray) -> FloatArray:
    """Return what lies between, half a cosine wave along."""
    return end + (begin - end) / 2 * (1 + np.cos(np.pi * share))
