"""The zero-shot forecast as a rung of the guard: measured origins, and the choice.

It reads more than a window, in original units, and no other series, so that it is
measured apart: from the last origins of the validation part, a horizon apart, beside
what the guard has chosen. One choice holds for all series. The networks and the rungs
have been chosen on these observations, and the zero-shot forecast has not: a comparison
in favour of the former, so that the latter answers only where it is clearly better.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.evaluation.naive_scale import naive_scales
from forecasting.types import FloatArray, IntArray
from forecasting.zeroshot import MAX_CONTEXT, MIN_HISTORY

MIN_ORIGINS = 8  # of all series together, to show a gain
MIN_GAIN = 0.02  # share of the error
MIN_STANDARD_ERRORS = 2.0
MAX_ORIGINS = 2_000  # measured, of all series
MAX_ORIGINS_OF_SERIES = 24


@dataclass(frozen=True, slots=True)
class ZeroShotGain:
    """Mean scaled errors in validation, for which the zero-shot forecast answers.

    Attributes:
        error: of the zero-shot forecast.
        other: of the forecasts that would have answered.
    """

    error: float
    other: float


def forecast_zero_shot(
    values: FloatArray,
    offsets: IntArray,
    *,
    season_length: int,
    horizon: int,
    steps: int,
) -> FloatArray:
    """Forecast series without training, ``(series, steps)``, original units.

    The first steps of a horizon do not depend on the number of steps.

    Args:
        values: of all series, ``(points,)``; the last `MAX_CONTEXT` of each are read.
        offsets: borders of the series, ``(series + 1,)``.
        season_length: steps of a season; 1 for none.
        horizon: steps that are forecast at least.
        steps: steps ahead.
    """
    from forecasting.zeroshot import load_zero_shot  # imports the compiled loops

    points, _, _ = load_zero_shot().forecast(
        values,
        offsets,
        season_lengths=np.full(len(offsets) - 1, season_length),
        steps=max(steps, horizon),
    )
    return points[:, :steps]


def forecast_origins(
    panel: Panel, origins: Origins, *, season_length: int, horizon: int
) -> FloatArray:
    """Forecast from origins without training, ``(origins, horizon)``.

    Args:
        panel: the series; no value after an origin is read.
        origins: with at least `MIN_HISTORY` observations each.
        season_length: steps of a season; 1 for none.
        horizon: steps ahead.
    """
    begins = np.maximum(origins.ends - MAX_CONTEXT, 0)
    seen = panel.pieces(origins.series, begins, origins.ends)
    return forecast_zero_shot(
        seen.values,
        seen.offsets,
        season_length=season_length,
        horizon=horizon,
        steps=horizon,
    )


def recent_origins(panel: Panel, ends: IntArray, horizon: int) -> Origins:
    """Return the last origins of each series, a horizon apart, none before ``ends``.

    At most `MAX_ORIGINS_OF_SERIES` of a series and, of evenly spaced series,
    `MAX_ORIGINS`. Their forecasts end within the series.

    Args:
        panel: the series.
        ends: number of observations before the first origin at least, ``(series,)``.
        horizon: steps ahead.
    """
    first = np.maximum(ends, MIN_HISTORY)
    counts = np.clip((panel.lengths - first) // horizon, 0, MAX_ORIGINS_OF_SERIES)
    usable = np.flatnonzero(counts)
    total = int(counts.sum())
    if total > MAX_ORIGINS:
        kept = max(len(usable) * MAX_ORIGINS // total, 1)
        usable = usable[np.arange(kept) * len(usable) // kept]
    series = np.repeat(usable, counts[usable])
    number = np.concatenate([np.arange(n, 0, -1) for n in counts[usable]] or [series])
    return Origins(series=series, ends=panel.lengths[series] - number * horizon)


def measure_gain(
    panel: Panel,
    origins: Origins,
    *,
    others: FloatArray,
    horizon: int,
    season_length: int,
    squared: bool = False,
) -> ZeroShotGain | None:
    """Return the mean errors where the zero-shot forecast is clearly better, else None.

    Errors are absolute, or squared, in units of the mean change from season to season
    before each origin, as those of MASE. The gain must exceed two standard errors and
    two percent of the error, from eight origins or more.

    Args:
        panel: the series.
        origins: of the forecasts, a horizon apart.
        others: forecasts from them, ``(origins, horizon)``.
        horizon: steps ahead.
        season_length: steps of a season; 1 for none.
        squared: whether to compare squared errors, as ``loss: mse`` does.
    """
    if len(origins) < MIN_ORIGINS:
        return None
    zero_shot = forecast_origins(
        panel, origins, season_length=season_length, horizon=horizon
    )
    actual = panel.pieces(origins.series, origins.ends, origins.ends + horizon)
    targets = actual.values.reshape(-1, horizon)
    unit = naive_scales(panel, origins, season_length)
    error, other = (
        (np.abs((targets - points) / unit) ** (2 if squared else 1)).mean(1)
        for points in (zero_shot, others)
    )
    gains = other - error
    deviation = gains.std(ddof=1) / np.sqrt(len(gains))
    limit = max(MIN_STANDARD_ERRORS * deviation, MIN_GAIN * other.mean())
    if not gains.mean() > limit:
        return None
    return ZeroShotGain(float(error.mean()), float(other.mean()))
