"""Learning-rate schedule: the learning rate and Adam's first beta of every step."""

import numpy as np

from forecasting.training.recipe.config import TrainingConfig
from forecasting.types import FloatArray

DEFAULT_BETA = 0.9  # Adam's first beta in a constant schedule
RISING_SHARE = 0.3  # share of the cycle with a rising rate
STEP_EPOCHS = 10  # number of epochs that a fixed number of steps is divided into


def num_epochs(windows: int, config: TrainingConfig) -> tuple[int, int]:
    """Return the number of epochs and the number of steps per epoch.

    Args:
        windows: number of training windows.
        config: training settings.
    """
    if config.steps is None:
        return config.epochs, -(-windows // config.batch_size)
    return min(STEP_EPOCHS, config.steps), -(-config.steps // STEP_EPOCHS)


def num_steps(windows: int, config: TrainingConfig) -> int:
    """Return the number of optimizer steps of all epochs."""
    epochs, steps = num_epochs(windows, config)
    return epochs * steps


def step_rates(steps: int, config: TrainingConfig) -> tuple[FloatArray, FloatArray]:
    """Return learning rates and first betas, ``(steps,)`` each.

    One cycle is that of torch's OneCycleLR (Smith and Topin 2019): along cosines, the
    rate rises to its maximum and falls to almost zero while the beta falls and rises.
    """
    rate = float(config.learning_rate)
    if config.schedule == "constant":
        return np.full(steps, rate), np.full(steps, DEFAULT_BETA)
    # The cycle has one step more: at the last one the rate would be negligible.
    top, last = RISING_SHARE * (steps + 1) - 1, steps
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
    """Interpolate from ``begin`` to ``end`` along half a cosine wave."""
    return end + (begin - end) / 2 * (1 + np.cos(np.pi * share))
