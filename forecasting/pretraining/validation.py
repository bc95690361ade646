"""Validation of pretrained networks on series, synthetic or real, that they never saw.

The end of each series is held out. Errors are those of the network, of the simple
forecasts without it (`forecasting.zeroshot.combination`: smoothing and a regression of
each series), and of means of both. A network is worth its place where a mean with it
errs less than the simple forecasts. The network forecasts each series as it is and,
where it is positive, on logarithms; both are averaged.
"""

from dataclasses import replace

import numpy as np

from forecasting.data.panel import Panel
from forecasting.data.splits import last_origins
from forecasting.errors import SeriesTooShort
from forecasting.evaluation.naive_scale import naive_scales
from forecasting.forecaster.forecaster import Forecaster
from forecasting.pretraining.prior import draw_panel
from forecasting.pretraining.recipe import Recipe
from forecasting.types import FloatArray
from forecasting.zeroshot.combination import forecast_series

NUM_SERIES = 2000  # synthetic ones, of another seed than those trained on
MIN_HISTORY = 10
LIMIT = 20.0  # a synthetic series that hardly changed before must not decide alone
MAX_EXPONENT = 500.0  # its exponential is a finite number
METHODS = ("network", "simple", "third", "half")  # the shares of the network in a mean
COMBINED = "combined"


def validate(
    forecaster: Forecaster, recipe: Recipe, *, series: int = NUM_SERIES
) -> dict[str, float]:
    """Return errors on new synthetic series of a recipe, see `holdout_errors`."""
    panel, _ = draw_panel(recipe.prior, series, recipe.seed + 1)
    return holdout_errors(forecaster, panel, recipe.windows.horizon, limit=LIMIT)


def holdout_errors(
    forecaster: Forecaster,
    panel: Panel,
    horizon: int,
    *,
    scale_lag: int | None = None,
    context: int | None = None,
    limit: float = np.inf,
    combined: bool = False,
) -> dict[str, float]:
    """Return the MASE of each of `METHODS` on the last steps of series, by name.

    Series that have no more than two seasons, or fewer than ten observations, before
    them are left out.

    Args:
        forecaster: a pretrained one.
        panel: the series.
        horizon: steps to hold out.
        scale_lag: lag of the naive forecast that scales errors; default the season.
        context: observations before them to forecast from; default all. Errors are
            scaled by all in either case, and shorter series are left out.
        limit: of the scaled error of a series.
        combined: measure ``combined``, too, the zero-shot forecast with the network of
            the package, weighted by a backtest of each series.

    Returns:
        The errors, and the number of ``series`` that they are means over.

    Raises:
        SeriesTooShort: no series is long enough.
    """
    m = forecaster.model.season_length
    panel = _select_long(panel, horizon, max(2 * m + 1, MIN_HISTORY, context or 0))
    ends, every = panel.lengths - horizon, np.arange(len(panel))
    actual = panel.pieces(every, ends, panel.lengths).values.reshape(-1, horizon)
    observed = panel.until(ends)
    scale = naive_scales(observed, last_origins(observed), scale_lag or m)
    observed = observed if context is None else observed.tail(context)
    network = _forecast(forecaster, observed, horizon)
    simple = forecast_series(
        observed.values, observed.offsets, m, horizon, networks=False
    ).points
    forecasts = {
        "network": network,
        "simple": simple,
        "third": (network + 2 * simple) / 3,
        "half": (network + simple) / 2,
    }
    if combined:
        forecasts[COMBINED] = forecast_series(
            observed.values, observed.offsets, m, horizon
        ).points
    errors = {
        name: round(_mean_error(points - actual, scale, limit), 4)
        for name, points in forecasts.items()
    }
    return {**errors, "series": len(panel)}


def _mean_error(errors: FloatArray, scale: FloatArray, limit: float) -> float:
    """Return the mean over series of their scaled absolute errors, each limited."""
    by_series = np.abs(errors).mean(1) / scale[:, 0]
    return float(np.minimum(by_series, limit).mean())


def _select_long(panel: Panel, horizon: int, history: int) -> Panel:
    """Return the series with enough observations before the held-out ones."""
    required = horizon + history
    usable = np.flatnonzero(panel.lengths >= required)
    if not len(usable):
        lengths = zip(panel.series_ids, panel.lengths.tolist(), strict=True)
        reason = f"{history} before a horizon of {horizon}"
        raise SeriesTooShort(list(lengths), required, reason)
    return panel.select(usable)


def _forecast(forecaster: Forecaster, panel: Panel, horizon: int) -> FloatArray:
    """Return the network's forecast, averaged with that on logarithms if there is one.

    The shape is ``(series, horizon)``.
    """
    points = forecaster.predict(panel, horizon=horizon, levels=()).points
    lowest = np.minimum.reduceat(panel.values, panel.offsets[:-1])
    rows = np.flatnonzero(lowest > 0)
    if not len(rows):
        return points
    positive = panel.select(rows)
    logarithms = replace(positive, values=np.log(positive.values))
    raised = forecaster.predict(logarithms, horizon=horizon, levels=()).points
    averaged = points.copy()
    averaged[rows] = (points[rows] + np.exp(np.minimum(raised, MAX_EXPONENT))) / 2
    return averaged
