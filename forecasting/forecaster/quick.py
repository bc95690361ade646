"""Quick forecasts of plain values: for a service that answers thousands a second.

The numbers are those of `Forecaster.predict`, to float32 rounding, by a shorter way: no
timestamps, no panel, no covariates, and small networks run in NumPy.
"""

# MERGED """Windows of plain values in NumPy: original units to z and back, without tensors.
# MERGED
# MERGED What is done here is what `forecasting.scaling.normalization` and `forecasting.scaling.window_scaling` do.
# MERGED """
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from forecasting.devices import Precision, autocast, computes_in_bfloat16
from forecasting.errors import InvalidValues
from forecasting.forecaster.history import required_memory
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
    """The end of histories u, and it in units of its own, see `forecasting.scaling.window_scaling`."""

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
    """The statistics of rows as columns: original units to u, and back."""

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


def frame(history: Array, method: Method, seq_len: int) -> PlainWindows:
    """Return the windows at the end of histories u, ``(series, memory)``."""
    window = history[:, -seq_len:]
    last = window[:, -1:]
    one = np.ones_like(last)
    if method in LEVEL_FREE_METHODS:
        return PlainWindows(history, window, np.zeros_like(last), one)
    if method in ("last", "log"):
        return PlainWindows(history, window - last, last, one)
    mean = window.mean(1, keepdims=True)
    if method == "mean":
        return PlainWindows(history, window - mean, mean, one)
    size = np.sqrt(window.var(1, keepdims=True) + np.float32(MIN_SCALE**2))
    return PlainWindows(history, (window - mean) / size, mean, size)


def last_values(values: Sequence[Sequence[float]], count: int) -> FloatArray:
    """Return the last values ``(series, count)``, the first one before too few."""
    kept = (_last(own, count) for own in values)
    numbers = np.fromiter(chain.from_iterable(kept), np.float64, len(values) * count)
    return numbers.reshape(-1, count)


def _last(values: Sequence[float], count: int) -> Sequence[float]:
    missing = count - len(values)
    if missing <= 0:
        return values[-count:] if missing else values
    return [values[0]] * missing + [*values]


class QuickModel:
    """A fitted model, laid out for quick forecasts of plain values.

    Args:
        fitted: the model, one that `is_quick`.
        precision: of its networks' arithmetic where torch runs them.
    """

    def __init__(self, fitted: TrainedModel, precision: Precision = "auto") -> None:
        network = fitted.networks[0]
        self._fitted, self._precision = fitted, precision
        self._method = fitted.normalizer.method
        self._seq_len, self._horizon = network.seq_len, network.horizon
        self._memory = required_memory(network, self._method)
        self._season = network.config.season_length
        config, device = network.config, fitted.device
        small = is_plain(network) and not computes_in_bfloat16(
            device, precision, config.hidden_size, config.cell
        )
        self._small = [small_network(n) for n in fitted.networks] if small else []
        self._most = min((own.most for own in self._small), default=0)
        guard, weights = fitted.guard, (p.numel() for p in network.parameters())
        self._work = sum(weights) * network.seq_len * len(fitted.networks)
        if guard is not None:
            self._linear = guard.linear.weights.numpy(), guard.linear.bias.numpy()

    def work(self, series: int, steps: int) -> int:
        """Return how many products the networks form, roughly."""
        return series * self._work * -(-steps // self._horizon)

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

        Infinite or NaN where forecasts are beyond every number, or nothing is known.

        Args:
            series_ids: a name each; the same one may come again. Series seen in
                training are scaled as they were there.
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
        windows = frame(history, self._method, self._seq_len)
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
        np.minimum(
            lower, points, out=lower
        )  # rounding may put neither beyond the point
        np.maximum(upper, points, out=upper)
        return points, bounds

    def _find_places(self, series_ids: Sequence[str]) -> IntArray:
        """Return where the model knows each series, or -1; see `find_places`."""
        known = self._fitted.places
        if len(known) == 1:
            return np.zeros(len(series_ids), dtype=np.int64)
        return np.array([known.get(name, -1) for name in series_ids])

    def _read_statistics(
        self, places: IntArray, values: Sequence[Sequence[float]]
    ) -> Normalizer:
        """Return statistics, a row a series: fitted ones, or those of its values."""
        normalizer, new = self._fitted.normalizer, np.flatnonzero(places < 0)
        if not len(new):
            return normalizer.select(places)
        own = self._fit([values[row] for row in new.tolist()])
        if len(new) == len(places):
            return own
        statistics = normalizer.select(places)
        for name in ("center", "scale", "floor", "shift"):
            getattr(statistics, name)[new] = getattr(own, name)
        return statistics

    def _fit(self, values: Sequence[Sequence[float]]) -> Normalizer:
        lengths = [len(own) for own in values]
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
            kept = joined[:, -self._memory :]
            windows = frame(kept, self._method, self._seq_len)
            parts.append(windows.restore(self._pass(windows, places)))
        return np.hstack(parts)[:, :steps].astype(np.float64)

    def _pass(self, windows: PlainWindows, places: IntArray) -> Array:
        """Return z of one pass, ``(series, horizon)``; see `forecasting.selection.guard`."""
        guard = self._fitted.guard
        if guard is None:
            return self._ask(windows.z)
        choices = guard.choices(places)
        given = np.empty((len(places), self._horizon), np.float32)
        if guard.asks_network(choices):
            given = self._ask(windows.z)
        rungs = set(choices.tolist())
        if len(rungs) == 1:
            return self._rung(RUNGS[rungs.pop()], given, windows)
        chosen = np.empty_like(given)
        for rung in rungs:
            here = choices.numpy() == rung
            chosen[here] = self._rung(RUNGS[rung], given, windows)[here]
        return chosen

    def _rung(self, name: str, given: Array, windows: PlainWindows) -> Array:
        if name == "network":
            return given
        if name in ("linear", "halfway"):
            weights, bias = self._linear
            linear = windows.z.astype(np.float64) @ weights + bias
            chosen = (linear + given) / 2 if name == "halfway" else linear
            forecast: Array = chosen.astype(np.float32)
            return forecast
        season = 1 if name == "last_value" else self._season
        recent = windows.history[:, -season:]
        return windows.measure(recent[:, np.arange(self._horizon) % season])

    def _ask(self, z: Array) -> Array:
        """Return what the networks forecast, their median."""
        if len(z) <= self._most:
            members = [network(z) for network in self._small]
            return members[0] if len(members) == 1 else _median(members)
        networks = self._fitted.networks
        config, precision = networks[0].config, self._precision
        inputs = torch.from_numpy(np.ascontiguousarray(z))[..., None]
        with (
            torch.inference_mode(),
            autocast(inputs.device, precision, config.hidden_size, config.cell),
        ):
            forecast: Array = ensemble_forecast(networks, inputs).numpy()
        return forecast


def is_quick(fitted: TrainedModel) -> bool:
    """Return whether `QuickModel` can take the place of a model.

    It can but for covariates, quantiles, exponential smoothing and other devices.
    """
    smoothed = fitted.normalizer.method in ETS_METHODS
    quantiles = bool(fitted.networks[0].config.quantiles)
    here = fitted.device.type == "cpu"
    return here and not (fitted.covariates or smoothed or quantiles)


def _median(members: list[Array]) -> Array:
    median: Array = np.median(members, axis=0)
    return median
