"""Forecasts of panels: series and origins to arrays, and arrays to forecasts."""

from collections.abc import Iterable

import numpy as np

from forecasting.covariates.windows import read_covariates
from forecasting.data.forecast import Intervals, check_levels
from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.errors import DataError, SeriesTooShort, SettingError
from forecasting.forecaster.history import Histories
from forecasting.forecaster.predictor import Predictor
from forecasting.scaling.normalization import check_positive
from forecasting.types import BoolArray, FloatArray


def forecast(
    predictor: Predictor,
    panel: Panel,
    origins: Origins,
    steps: int,
    levels: Iterable[float],
) -> tuple[FloatArray, Intervals]:
    """Return forecasts ``(origins, steps)`` and their intervals, original units.

    Beyond the trained horizon, forecasts are fed back as if they had been observed.

    Raises:
        SettingError: forecasts are not finite before the last step; or a level lies
            outside 1 to 99.
        DataError: forecasts are not finite at the first step.
        SeriesTooShort, InvalidValues, MissingCovariates: as `read_histories`.
    """
    sorted_levels = check_levels(levels)
    histories = read_histories(predictor, panel, origins, steps)
    points, bounds = predictor.forecast(histories, steps=steps, levels=sorted_levels)
    check_finite(points)
    return points, by_level(sorted_levels, bounds)


def compute_intervals(
    predictor: Predictor,
    panel: Panel,
    origins: Origins,
    points: FloatArray,
    levels: Iterable[float],
) -> Intervals:
    """Return central intervals around forecasts, original units, by level in percent.

    Raises:
        SettingError: a level lies outside 1 to 99.
        SeriesTooShort, InvalidValues, MissingCovariates: as `read_histories`.
    """
    sorted_levels = check_levels(levels)
    bounds = np.empty((2 * len(sorted_levels), *points.shape))
    histories = read_histories(predictor, panel, origins, points.shape[1])
    for block in histories.blocks(predictor.model.memory):
        scaled = predictor.read(histories, block)
        bounds[:, block] = predictor.bounds(scaled, points[block], sorted_levels)
    return by_level(sorted_levels, bounds)


def read_histories(
    predictor: Predictor, panel: Panel, origins: Origins, steps: int
) -> Histories:
    """Return the observations before each origin, and covariates up to the last step.

    Args:
        predictor: the model.
        panel: the series.
        origins: the forecast origins.
        steps: steps ahead that known covariates must reach.

    Raises:
        SeriesTooShort: an origin has fewer observations than the model reads.
        InvalidValues: the model takes logarithms and a value of a series that is not
            among those of the training is not positive.
        MissingCovariates, SettingError: as
            `forecasting.covariates.windows.read_covariates`.
    """
    model = predictor.model
    _check_lengths(predictor, panel, origins)
    names = panel.series_ids
    places = model.find_places([names[s] for s in origins.series.tolist()])
    _check_logarithms(predictor, panel, origins, places < 0)
    begins = panel.offsets[origins.series]
    return Histories(
        values=panel.values,
        begins=begins,
        ends=begins + origins.ends,
        places=places,
        covariates=read_covariates(
            model.covariates,
            panel,
            origins,
            seq_len=model.seq_len,
            horizon=model.horizon,
            steps=steps,
            calendar=model.context.calendar,
        ),
    )


def check_finite(points: FloatArray) -> None:
    """Check that all forecasts ``(rows, steps)`` are finite.

    Raises:
        SettingError: they are not before the last step.
        DataError: they are not at the first step.
    """
    finite = np.isfinite(points)
    if finite.all():
        return
    num_finite = int(np.argmin(finite.all(0)))
    if num_finite == 0:
        raise DataError(
            "no finite forecast follows these observations: they are far beyond "
            "what the model was trained on. Check their unit."
        )
    steps = points.shape[1]
    raise SettingError("horizon", steps, f"at most {num_finite}: forecasts explode")


def by_level(levels: tuple[float, ...], bounds: FloatArray) -> Intervals:
    """Return bounds ``(2 * levels, rows, steps)`` as pairs by level."""
    halves = bounds[: len(levels)], bounds[len(levels) :]
    return dict(zip(levels, zip(*halves, strict=True), strict=True))


def _check_logarithms(
    predictor: Predictor, panel: Panel, origins: Origins, new: BoolArray
) -> None:
    """Refuse values without a logarithm, if the model takes them of ``new`` origins.

    Raises:
        InvalidValues: names their timestamps.
    """
    if predictor.model.scaling.is_logarithmic and new.any():
        series, ends = origins.series[new], origins.ends[new]
        check_positive(
            panel.pieces(series, np.zeros_like(ends), ends), predictor.model.method
        )


def _check_lengths(predictor: Predictor, panel: Panel, origins: Origins) -> None:
    """Refuse origins with fewer observations than the model reads.

    Raises:
        SeriesTooShort: names their series.
    """
    required = predictor.model.min_observations
    if origins.ends.min() >= required:
        return
    rows = np.flatnonzero(origins.ends < required)
    short = [(panel.series_ids[origins.series[i]], int(origins.ends[i])) for i in rows]
    raise SeriesTooShort(short, required, f"seq_len {predictor.model.seq_len}")
