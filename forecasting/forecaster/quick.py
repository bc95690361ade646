"""Fast forecasts of plain arrays, for a service with thousands of requests a second.

The numbers are those of `Forecaster.predict`, to float32 rounding, without timestamps,
panels or covariates; small networks run in NumPy. Windows are scaled from original
units to z and back in NumPy, like in `forecasting.scaling.normalization` and
`forecasting.scaling.window_scaling`.
"""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from forecasting.devices import Precision, autocast, computes_in_bfloat16
from forecasting.errors import InvalidValues
from forecasting.forecaster.trained_model import TrainedModel
from forecasting.intervals.volatility import window_volatility
from forecasting.kernels.network import small_network
from forecasting.kernels.numpy_network import is_plain
from forecasting.models.ensemble import ensemble_forecast
from forecasting.scaling.normalization import (
    LEVEL_FREE_METHODS,
    MIN_SCALE,
    Method,
    Normalizer,
    fit_values,
)
from forecasting.scaling.window_scaling import ETS_METHODS
from forecasting.selection.guard import RUNGS
from forecasting.types import FloatArray, IntArray

Array = npt.NDArray[np.float32]


class PlainWindows(NamedTuple):
    """Histories u, and the scaled windows z at their end, with level and size.

    See `forecasting.scaling.window_scaling`.
    """

    history: Array
    z: Array
    base: Array
    size: Array

    def restore(self, z: Array) -> Array:
        """Return u of forecasts z, ``(series, steps)``."""
        return z * self.size + self.base

    def measure(self, u: Array) -> Array:
        """Return z of values u, ``(series, steps)``."""
        measured: Array = (u - self.base) / self.size
        return measured


class Units:
    """Converts original units to u and back, by the statistics of each series."""

    def __init__(self, scaler: Normalizer) -> None:
        self._center, self._scale = scaler.center[:, None], scaler.scale[:, None]
        self._floor = scaler.floor[:, None]
        self._log = scaler.method == "log"

    def scale(self, values: FloatArray) -> FloatArray:
        """Return u of values ``(..., series, steps)``."""
        if self._log:
            values = np.log(np.where(values > 0, values, self._floor))
        return (values - self._center) / self._scale

    def unscale(self, u: FloatArray) -> FloatArray:
        """Return original units of u ``(..., series, steps)``."""
        values = u * self._scale + self._center
        return np.exp(values) if self._log else values


def scale_windows(history: Array, method: Method, seq_len: int) -> PlainWindows:
    """Scale the windows at the end of histories u, ``(series, memory)``."""
    window = history[:, -seq_len:]
    last = window[:, -1:]
    unit = np.ones_like(last)
    if method in LEVEL_FREE_METHODS:
        return PlainWindows(history, window, np.zeros_like(last), unit)
    if method in ("last", "log"):
        return PlainWindows(history, window - last, last, unit)
    mean = window.mean(1, keepdims=True)
    if method == "mean":
        return PlainWindows(history, window - mean, mean, unit)
    size = np.sqrt(window.var(1, keepdims=True) + np.float32(MIN_SCALE**2))
    return PlainWindows(history, (window - mean) / size, mean, size)


def last_values(values: Sequence[Sequence[float]], count: int) -> FloatArray:
    """Return the last ``count`` values per series, padded with the first value."""
    recent = (_take_last(row, count) for row in values)
    numbers = np.fromiter(chain.from_iterable(recent), np.float64, len(values) * count)
    return numbers.reshape(-1, count)


def _take_last(values: Sequence[float], count: int) -> Sequence[float]:
    missing = count - len(values)
    if missing <= 0:
        return values[-count:] if missing else values
    return [values[0]] * missing + [*values]


class QuickModel:
    """A fitted model prepared for fast forecasts of plain arrays.

    Args:
        fitted: a model for which `is_quick` is True.
        precision: of the networks' arithmetic if torch runs them.
    """

    def __init__(self, fitted: TrainedModel, precision: Precision = "auto") -> None:
        self._fitted, self._precision = fitted, precision
        self._method = fitted.method
        self._seq_len, self._horizon = fitted.seq_len, fitted.horizon
        self._memory, self._season = fitted.memory, fitted.season_length
        config, device = fitted.config.model, fitted.device
        is_small = all(map(is_plain, fitted.networks)) and not computes_in_bfloat16(
            device, precision, config.hidden_size, config.cell
        )
        self._small = [small_network(n) for n in fitted.networks] if is_small else []
        self._max_small_rows = min((n.max_windows for n in self._small), default=0)
        guard = fitted.guard
        weights = (p.numel() for n in fitted.networks for p in n.parameters())
        self._num_products = sum(weights) * fitted.seq_len
        if guard is not None:
            self._linear = guard.linear.weights.numpy(), guard.linear.bias.numpy()

    def work(self, series: int, steps: int) -> int:
        """Return the approximate number of multiplications in the networks."""
        return series * self._num_products * -(-steps // self._horizon)

    @np.errstate(over="ignore", invalid="ignore")
    def forecast(
        self,
        series_ids: Sequence[str],
        values: Sequence[Sequence[float]],
        *,
        steps: int,
        levels: tuple[float, ...],
    ) -> tuple[FloatArray, FloatArray]:
        """Return points ``(series, steps)`` and bounds ``(2 * levels, series, steps)``.

        Values may be infinite or NaN: overflow, or steps without a bound.

        Args:
            series_ids: one id per series, repeats allowed. Series seen in training
                keep their training scale.
            values: finite numbers of each series, oldest first, at least seq_len.
            steps: steps ahead.
            levels: of the intervals, in percent, ascending; lower bounds come first.

        Raises:
            InvalidValues: the model takes logarithms and a value of a series that it
                has not seen in training is not positive.
        """
        places = self._find_places(series_ids)
        scaler = self._read_statistics(places, values)
        observed = last_values(values, self._memory)
        floor = np.full((len(observed), 1), -np.inf)
        if self._fitted.non_negative:
            floor[observed.min(1) >= 0] = 0
        units = Units(scaler)
        history = units.scale(observed).astype(np.float32)
        windows = scale_windows(history, self._method, self._seq_len)
        u = self._roll_out(windows, places, steps)
        points = np.maximum(units.unscale(u), floor)
        table = self._fitted.intervals
        errors = table.bounds(levels, steps)[:, None]
        if table.scaling.exponent:
            volatility = window_volatility(windows.z.astype(float))
            errors = errors * table.scaling.sizes(volatility)
        bounds = units.unscale(units.scale(points) + errors * windows.size)
        np.maximum(bounds, floor, out=bounds)
        lower, upper = bounds[: len(levels)], bounds[len(levels) :]
        # Rounding must not move a bound past the point.
        np.minimum(lower, points, out=lower)
        np.maximum(upper, points, out=upper)
        return points, bounds

    def _find_places(self, series_ids: Sequence[str]) -> IntArray:
        """Return the position of each series in the model, or -1; see `find_places`."""
        positions = self._fitted.places
        if len(positions) == 1:
            return np.zeros(len(series_ids), dtype=np.int64)
        return np.array([positions.get(name, -1) for name in series_ids])

    def _read_statistics(
        self, places: IntArray, values: Sequence[Sequence[float]]
    ) -> Normalizer:
        """Return statistics, one row per series: from training, or of its values."""
        normalizer, new = self._fitted.normalizer, np.flatnonzero(places < 0)
        if not len(new):
            return normalizer.select(places)
        fitted_new = self._fit([values[row] for row in new.tolist()])
        if len(new) == len(places):
            return fitted_new
        statistics = normalizer.select(places)
        for name in ("center", "scale", "floor", "shift"):
            getattr(statistics, name)[new] = getattr(fitted_new, name)
        return statistics

    def _fit(self, values: Sequence[Sequence[float]]) -> Normalizer:
        lengths = [len(row) for row in values]
        offsets = np.array([0, *lengths]).cumsum()
        flat = np.fromiter(chain.from_iterable(values), np.float64, sum(lengths))
        if self._method == "log" and flat.min() <= 0:
            raise InvalidValues(
                "values",
                ["a series that the model has not seen in training"],
                "values of zero or less",
                "The logarithm needs positive values.",
            )
        return fit_values(flat, offsets, self._method, self._seq_len)

    def _roll_out(
        self, windows: PlainWindows, places: IntArray, steps: int
    ) -> FloatArray:
        """Return u of the steps ahead, ``(series, steps)``; forecasts are fed back."""
        parts = [windows.restore(self._pass(windows, places))]
        for _ in range((steps - 1) // self._horizon):
            joined = np.hstack([windows.history, parts[-1]])
            recent = joined[:, -self._memory :]
            windows = scale_windows(recent, self._method, self._seq_len)
            parts.append(windows.restore(self._pass(windows, places)))
        return np.hstack(parts)[:, :steps].astype(np.float64)

    def _pass(self, windows: PlainWindows, places: IntArray) -> Array:
        """Run one pass with the guard; return z, ``(series, horizon)``."""
        guard = self._fitted.guard
        if guard is None:
            return self._run_networks(windows.z)
        choices = guard.choices(places)
        network_forecast = np.empty((len(places), self._horizon), np.float32)
        if guard.needs_network(choices):
            network_forecast = self._run_networks(windows.z)
        rungs = set(choices.tolist())
        if len(rungs) == 1:
            return self._forecast_rung(RUNGS[rungs.pop()], network_forecast, windows)
        chosen = np.empty_like(network_forecast)
        for rung in rungs:
            rows = choices.numpy() == rung
            part = self._forecast_rung(RUNGS[rung], network_forecast, windows)
            chosen[rows] = part[rows]
        return chosen

    def _forecast_rung(
        self, name: str, network_forecast: Array, windows: PlainWindows
    ) -> Array:
        if name == "network":
            return network_forecast
        if name in ("linear", "halfway"):
            weights, bias = self._linear
            linear = windows.z.astype(np.float64) @ weights + bias
            chosen = (linear + network_forecast) / 2 if name == "halfway" else linear
            forecast: Array = chosen.astype(np.float32)
            return forecast
        season = 1 if name == "last_value" else self._season
        recent = windows.history[:, -season:]
        return windows.measure(recent[:, np.arange(self._horizon) % season])

    def _run_networks(self, z: Array) -> Array:
        """Return the median forecast of the networks."""
        if len(z) <= self._max_small_rows:
            members = [network(z) for network in self._small]
            return members[0] if len(members) == 1 else _median(members)
        networks = self._fitted.networks
        config, precision = self._fitted.config.model, self._precision
        inputs = torch.from_numpy(np.ascontiguousarray(z))[..., None]
        with (
            torch.inference_mode(),
            autocast(inputs.device, precision, config.hidden_size, config.cell),
        ):
            forecast: Array = ensemble_forecast(networks, inputs).numpy()
        return forecast


def is_quick(fitted: TrainedModel) -> bool:
    """Return whether `QuickModel` supports a model.

    It does not support covariates, quantiles, exponential smoothing and GPUs.
    """
    smoothed = fitted.normalizer.method in ETS_METHODS
    quantiles = bool(fitted.quantiles)
    is_on_cpu = fitted.device.type == "cpu"
    return is_on_cpu and not (fitted.covariates or smoothed or quantiles)


def _median(members: list[Array]) -> Array:
    median: Array = np.median(members, axis=0)
    return median
