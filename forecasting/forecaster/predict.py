"""Forecasts of panels: series and origins to arrays, and arrays to forecasts."""

from collections.abc import Iterable

import numpy as np

from forecasting.covariates.windows import read_covariates
from forecasting.data.forecast import Forecast, Intervals, check_levels
from forecasting.data.panel import Panel
from forecasting.data.splits import Origins, last_origins
from forecasting.errors import DataError, SeriesTooShort, SettingError
from forecasting.forecaster.history import Histories
from forecasting.forecaster.local.predictor import AnyPredictor
from forecasting.forecaster.predictor import Predictor
from forecasting.forecaster.trained_model import GlobalModel, TrainedModel
from forecasting.intervals.errors import ForecastErrors
from forecasting.intervals.scores import to_scores
from forecasting.scaling.normalization import check_positive
from forecasting.types import BoolArray, FloatArray


def forecast(
    predictor: AnyPredictor,
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


def continue_series(
    predictor: AnyPredictor, series: Panel, steps: int, levels: Iterable[float]
) -> Forecast:
    """Return the forecast of each series after its end.

    Raises:
        IrregularTimestamps: the series have another frequency than the training.
        SettingError, DataError: as `forecast`.
    """
    trained = predictor.model
    calendar = trained.context.calendar.continued_by(series.calendar)
    origins = last_origins(series)
    points, intervals = forecast(predictor, series, origins, steps, levels)
    places = trained.find_places(series.series_ids)
    return Forecast(
        series_ids=series.series_ids,
        timestamps=calendar.future(series.last_timestamps(), steps),
        points=points,
        intervals=intervals,
        zone=series.calendar.zone,
        methods=trained.answering_methods(places, series.lengths),
        history=series,
    )


def compute_intervals(
    predictor: AnyPredictor,
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
    histories = read_histories(predictor, panel, origins, points.shape[1])
    bounds = predictor.bounds_at(histories, points, sorted_levels)
    return by_level(sorted_levels, bounds)


def measure_errors(
    predictor: Predictor, panel: Panel, origins: Origins, points: FloatArray
) -> ForecastErrors:
    """Measure the errors of past forecasts in units of their windows.

    Args:
        predictor: the model.
        panel: the series, up to the end of the forecasts.
        origins: origins of the forecasts.
        points: out-of-sample forecasts, original units, ``(origins, horizon)``.
    """
    trained = predictor.model
    steps, quantiles = points.shape[1], trained.quantiles
    errors = np.empty(points.shape)
    volatility, units = np.empty((2, len(points)))
    histories = read_histories(predictor, panel, origins, steps)
    for block in histories.blocks(trained.memory):
        scaled = predictor.read(histories, block)
        series, ends = origins.series[block], origins.ends[block]
        observed = panel.pieces(series, ends, ends + steps)
        actual = scaled.normalizer.scale_series(observed).double().numpy()
        actual = actual.reshape(len(scaled), -1)
        residuals = (actual - scaled.scale(points[block])) / scaled.size
        if quantiles:
            residuals = to_scores(residuals, predictor.spread(scaled), quantiles)
        errors[block], volatility[block] = residuals, scaled.volatility
        units[block] = scaled.normalizer.scale * scaled.size[:, 0]
    is_on_logarithms = trained.scaling.is_logarithmic and not quantiles
    return ForecastErrors(
        residuals=errors,
        volatility=volatility,
        log_units=units if is_on_logarithms else None,
    )


def read_histories(
    predictor: AnyPredictor, panel: Panel, origins: Origins, steps: int
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
    _check_lengths(model, panel, origins)
    names = panel.series_ids
    places = model.find_places([names[s] for s in origins.series.tolist()])
    _check_logarithms(model, panel, origins, places < 0)
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
    model: TrainedModel, panel: Panel, origins: Origins, new: BoolArray
) -> None:
    """Refuse values without a logarithm, if the model takes them of ``new`` origins.

    Raises:
        InvalidValues: names their timestamps.
    """
    if isinstance(model, GlobalModel) and model.scaling.is_logarithmic and new.any():
        series, ends = origins.series[new], origins.ends[new]
        check_positive(panel.pieces(series, np.zeros_like(ends), ends), model.method)


def _check_lengths(model: TrainedModel, panel: Panel, origins: Origins) -> None:
    """Refuse origins with fewer observations than the model reads.

    Raises:
        SeriesTooShort: names their series.
    """
    required = model.min_observations
    if origins.ends.min() >= required:
        return
    rows = np.flatnonzero(origins.ends < required)
    short = [(panel.series_ids[origins.series[i]], int(origins.ends[i])) for i in rows]
    raise SeriesTooShort(short, required, f"seq_len {model.seq_len}")
