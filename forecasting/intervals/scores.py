"""Errors of quantile forecasts as standard normal scores, and back.

An error is calibrated as a score: the standard normal quantile of the probability that
the network gave to the observed value. If the network is right, scores are standard
normal; where it is not, the quantiles of its scores on held-out observations correct
it. This is conformalized quantile regression (Romano, Patterson and Candes 2019) on the
scale of the predicted distribution (Chernozhukov, Wuthrich and Zhu 2021), so that one
table serves any level, and levels nest. Between two quantiles, and beyond the outer
ones, a value is linear in its score, as it is for a normal distribution.
"""

from statistics import NormalDist

import numpy as np

from forecasting.types import FloatArray


def to_scores(
    errors: FloatArray, offsets: FloatArray, quantiles: tuple[float, ...]
) -> FloatArray:
    """Return the scores of errors ``(origins, steps)``.

    Args:
        errors: actual - median.
        offsets: quantile - median, ``(origins, horizon, quantiles)``; steps beyond the
            horizon take the last step's.
        quantiles: probabilities of the quantiles.
    """
    offsets = _to_length(offsets, errors.shape[1])
    return _interpolate(errors, offsets, _scores(quantiles, offsets))


def from_scores(
    scores: FloatArray, offsets: FloatArray, quantiles: tuple[float, ...]
) -> FloatArray:
    """Return the errors that have these scores: the inverse of `to_scores`."""
    offsets = _to_length(offsets, scores.shape[1])
    return _interpolate(scores, _scores(quantiles, offsets), offsets)


def _scores(quantiles: tuple[float, ...], offsets: FloatArray) -> FloatArray:
    scores = [NormalDist().inv_cdf(probability) for probability in quantiles]
    return np.broadcast_to(scores, offsets.shape)


def _to_length(offsets: FloatArray, steps: int) -> FloatArray:
    last = offsets.shape[1] - 1
    return offsets[:, np.minimum(np.arange(steps), last)]


def _interpolate(x: FloatArray, xs: FloatArray, ys: FloatArray) -> FloatArray:
    """Interpolate linearly between knots ``(..., knots)``; extrapolate beyond them."""
    segment = np.sum(xs[..., 1:-1] <= x[..., None], axis=-1, keepdims=True)

    def ends(knots: FloatArray) -> tuple[FloatArray, FloatArray]:
        left = np.take_along_axis(knots, segment, -1)[..., 0]
        return left, np.take_along_axis(knots, segment + 1, -1)[..., 0]

    (x0, x1), (y0, y1) = ends(xs), ends(ys)
    return np.asarray(y0 + (x - x0) * (y1 - y0) / (x1 - x0))
