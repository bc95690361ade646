"""Training losses: squared, absolute, Huber and pinball; cross-entropy of classes."""

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import huber_loss, l1_loss, log_softmax, mse_loss

from forecasting.models.network import TaskLoss

LossName = Literal["mse", "mae", "huber", "quantile"]
LOSSES: tuple[str, ...] = get_args(LossName)


def make_loss(
    name: LossName | TaskLoss,
    *,
    huber_delta: float = 1.0,
    quantile: float = 0.5,
    quantiles: tuple[float, ...] = (),
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a loss function of forecast and actual, of one shape, to a scalar.

    Args:
        name: ``mse`` (squared error), ``mae`` (absolute error), ``huber`` (squared up
            to ``huber_delta``, linear beyond), ``quantile`` (pinball),
            ``cross_entropy``, see `cross_entropy`.
        huber_delta: where the Huber loss turns linear, in normalised units.
        quantile: probability of the quantile loss; 0.5 is half the MAE.
        quantiles: if not empty, the forecast is ``(..., quantiles)``, and the loss is
            the sum of their pinball losses, whatever the name.
    """
    if quantiles:
        return lambda forecast, actual: pinball_sum(forecast, actual, quantiles)
    if name == "cross_entropy":
        return cross_entropy
    if name == "mse":
        return mse_loss
    if name == "mae":
        return l1_loss
    if name == "huber":
        return lambda forecast, actual: huber_loss(forecast, actual, delta=huber_delta)
    return lambda forecast, actual: pinball_loss(forecast, actual, quantile)


def pinball_loss(forecast: Tensor, actual: Tensor, quantile: float) -> Tensor:
    """Return the mean of ``max(q e, (q - 1) e)``, ``e = actual - forecast``.

    It is minimal when the forecast is the ``q`` quantile (Koenker and Bassett 1978).
    """
    error = actual - forecast
    return (quantile * error).maximum((quantile - 1) * error).mean()


def pinball_sum(
    forecast: Tensor, actual: Tensor, quantiles: tuple[float, ...]
) -> Tensor:
    """Return the sum of the pinball losses of quantiles ``(..., quantiles)``."""
    pairs = zip(forecast.unbind(-1), quantiles, strict=True)
    return torch.stack([pinball_loss(f, actual, q) for f, q in pairs]).sum()


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats.

    Args:
        logits: ``(batch, classes)``, or ``(batch, steps, classes)``.
        targets: the weight of each class, ``(batch, classes)``, floating point; or the
            code of the class at each step, ``(batch, steps)``: negative codes do not
            count.
    """
    losses = -log_softmax(logits, -1)
    if targets.is_floating_point():
        return (losses * targets).sum(-1).mean()
    counted = targets >= 0
    at_target = losses.gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    return (at_target * counted).sum() / counted.sum().clamp(min=1)
