"""Baselines: simple forecasts as a reference for the networks.

    last_value      the last observation, repeated
    seasonal_naive  the last season, repeated
    drift           the line through the first and the last observation
    mean            the mean of all observations
    linear_ar       a ridge regression on the last seq_len observations

Formulas: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, section
5.2. No rule loops over origins: statistics of an origin's past are running sums.
"""

from collections.abc import Iterable
from typing import Self

import numpy as np

from forecasting.data.forecast import Forecast, Intervals, check_horizon, check_levels
from forecasting.data.panel import Panel
from forecasting.data.splits import Origins, last_origins, timestamps_at
from forecasting.data.windows import Windows, WindowSpec
from forecasting.errors import NotFittedError, SettingError
from forecasting.evaluation.linear_ar import LinearAutoregression
from forecasting.evaluation.naive_scale import (
    naive_scales,
    recent_windows,
    running_sums,
)
from forecasting.intervals.calibration import Calibration, IntervalMethod
from forecasting.intervals.errors import ForecastErrors
from forecasting.intervals.volatility import window_volatility
from forecasting.types import FloatArray, IntArray

RULES = ("last_value", "seasonal_naive", "drift", "mean", "linear_ar")
MAX_ORIGINS = 500  # for the calibration of intervals


class Baseline:
    """A forecast by a simple rule, with the interface of `Forecaster`.

    Args:
        rule: one of `RULES`.
        seq_len: lookback of linear_ar.
        horizon: steps ahead; linear_ar feeds its forecasts back for more.
        season_length: period of seasonal_naive; the unit of errors is the mean change
            over as many steps.
        intervals: calibration method, see `forecasting.intervals.calibration`.

    Raises:
        SettingError: an unknown rule, or a length below 1.

    >>> panel = Panel.from_values({"a": [1.0, 3.0, 2.0, 7.0]})
    >>> Baseline("drift", horizon=3).fit(panel).predict().points.tolist()
    [[9.0, 11.0, 13.0]]
    """

    def __init__(
        self,
        rule: str,
        *,
        seq_len: int = 5,
        horizon: int = 2,
        season_length: int = 1,
        intervals: IntervalMethod = "adaptive",
    ) -> None:
        if rule not in RULES:
            raise SettingError("rule", rule, f"one of {', '.join(RULES)}")
        if season_length < 1:
            raise SettingError("season_length", season_length, "at least 1")
        self.rule = rule
        self.spec = WindowSpec(seq_len=seq_len, horizon=horizon)
        self.season_length = season_length
        self.intervals = intervals
        self._linear: LinearAutoregression | None = None
        self._fitted: tuple[Panel, Calibration] | None = None

    def fit(self, panel: Panel) -> Self:
        """Fit the rule on all of ``panel`` and calibrate its intervals; return self.

        The intervals come from forecasts of each series' last half, by a regression on
        the first halves (on the full series, if the halves have too few windows).

        Raises:
            SeriesTooShort: linear_ar found no series with seq_len + horizon points.
        """
        half = panel.lengths - panel.lengths // 2
        num_windows = len(Windows(panel.offsets, self.spec, stop=half))
        use_half = num_windows > self.spec.seq_len
        self._fit_linear(panel, half if use_half else panel.lengths)
        residuals, volatility = self._scaled_residuals(panel, half)
        errors = ForecastErrors(residuals=residuals, volatility=volatility)
        self._fit_linear(panel, panel.lengths)
        self._fitted = panel, Calibration.start(errors, self.intervals)
        return self

    def forecast_at(
        self, panel: Panel, origins: Origins, horizon: int | None = None
    ) -> FloatArray:
        """Forecast from each origin, ``(origins, horizon)``, in original units.

        Only the first ``ends`` observations of each origin's series are used.

        Raises:
            NotFittedError: linear_ar has not been fitted.
            SeriesTooShort: linear_ar sees fewer than seq_len observations.
            SettingError: the horizon lies outside its range.
        """
        steps = self.spec.horizon if horizon is None else check_horizon(horizon)
        ahead = np.arange(1, steps + 1)
        first = panel.offsets[origins.series]
        end = first + origins.ends
        points: FloatArray = panel.values[end - 1, None]
        match self.rule:
            case "seasonal_naive":
                season = self.season_length
                back = np.where(origins.ends >= season, season, 1)[:, None]
                points = panel.values[end[:, None] - back + (ahead - 1) % back]
            case "drift":
                passed = np.maximum(origins.ends - 1, 1)[:, None]
                points = points + ahead * (points - panel.values[first, None]) / passed
            case "mean":
                sums = running_sums(panel.values, panel.offsets)
                points = (sums[end - 1] / origins.ends)[:, None]
            case "linear_ar":
                if self._linear is None:
                    raise NotFittedError("linear_ar baseline")
                points = self._linear.forecast(panel, origins, steps)
        return points if points.shape[1] == steps else points.repeat(steps, axis=1)

    def predict(
        self,
        panel: Panel | None = None,
        *,
        horizon: int | None = None,
        levels: Iterable[float] = (80, 95),
    ) -> Forecast:
        """Forecast the continuation of the series of ``panel``, with intervals.

        Args:
            panel: new observations; default: the series of `fit`.
            horizon: steps ahead; default: that of the constructor.
            levels: of the central intervals, in percent. An interval is NaN if
                `fit` had too few observations to calibrate it.

        Raises:
            NotFittedError: `fit` has not been called.
            SeriesTooShort: linear_ar sees fewer than seq_len observations of a series.
            SettingError: the horizon or a level lies outside its range.
        """
        fitted_panel, _ = self._fitted_state()
        panel = fitted_panel if panel is None else panel
        origins = last_origins(panel)
        points = self.forecast_at(panel, origins, horizon)
        return Forecast(
            series_ids=panel.series_ids,
            timestamps=panel.calendar.future(panel.last_timestamps(), points.shape[1]),
            points=points,
            intervals=self.intervals_at(panel, origins, points, levels),
            zone=panel.calendar.zone,
            history=panel,
        )

    def intervals_at(
        self,
        panel: Panel,
        origins: Origins,
        points: FloatArray,
        levels: Iterable[float] = (80, 95),
    ) -> Intervals:
        """Return central intervals round forecasts ``(origins, horizon)``, by level.

        Raises:
            NotFittedError: `fit` has not been called.
            SettingError: a level lies outside its range.
        """
        table = self._fitted_state()[1].table
        scales = naive_scales(panel, origins, self.season_length)
        volatility = self._volatility(panel, origins, scales)
        scales = scales * table.scaling.sizes(volatility)
        intervals = {}
        for level in check_levels(levels):
            lower, upper = table.offsets(level, points.shape[1])
            intervals[level] = points + scales * lower, points + scales * upper
        return intervals

    def calibrate(self, panel: Panel, origins: Origins, points: FloatArray) -> Self:
        """Add later errors to the calibration of the intervals.

        Args:
            panel: the series, at least up to the end of the forecasts.
            origins: of the forecasts.
            points: the forecasts, ``(origins, horizon)``.

        Raises:
            NotFittedError: `fit` has not been called.
        """
        fitted_panel, calibration = self._fitted_state()
        ends = origins.ends
        actual = panel.pieces(origins.series, ends, ends + points.shape[1]).values
        scales = naive_scales(panel, origins, self.season_length)
        errors = ForecastErrors(
            residuals=(actual.reshape(points.shape) - points) / scales,
            volatility=self._volatility(panel, origins, scales),
        )
        moments = timestamps_at(panel, origins)
        calibration = calibration.update(errors, moments)
        self._fitted = fitted_panel, calibration
        return self

    def _volatility(
        self, panel: Panel, origins: Origins, scales: FloatArray
    ) -> FloatArray:
        """Return the volatility of the last seq_len observations, in scaled units."""
        windows = recent_windows(panel, origins, self.spec.seq_len)
        return window_volatility(windows / scales)

    def _fitted_state(self) -> tuple[Panel, Calibration]:
        if self._fitted is None:
            raise NotFittedError(f"{self.rule} baseline")
        return self._fitted

    def _scaled_residuals(
        self, panel: Panel, half: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return residuals ``(origins, horizon)`` and volatilities ``(origins,)``.

        Residuals are actual - forecast in units of each series. The origins are evenly
        spaced over the later ``half`` of each series; steps after a series' end are
        NaN.
        """
        lookback = self.spec.seq_len if self.rule == "linear_ar" else 1
        one_step = WindowSpec(seq_len=lookback, horizon=1)
        windows = Windows(panel.offsets, one_step, start=half)
        index = windows.sample_evenly(MAX_ORIGINS)
        series, begin = (part.numpy() for part in windows.locate(index))
        origins = Origins(series=series, ends=begin + lookback - panel.offsets[series])
        ahead = origins.ends[:, None] + np.arange(self.spec.horizon)
        observed = ahead < panel.lengths[series, None]
        position = np.where(observed, panel.offsets[series, None] + ahead, 0)
        actual = np.where(observed, panel.values[position], np.nan)
        scales = naive_scales(panel, last_origins(panel), self.season_length)[series]
        errors = (actual - self.forecast_at(panel, origins)) / scales
        return errors, self._volatility(panel, origins, scales)

    def _fit_linear(self, panel: Panel, ends: IntArray) -> None:
        """Fit linear_ar on the first ``ends`` observations of each series."""
        if self.rule == "linear_ar":
            self._linear = LinearAutoregression.fit(
                panel, ends, self.spec, self.season_length
            )
