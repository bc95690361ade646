"""Forecasts and intervals of series given as arrays: the one path of every forecast.

    histories -> u -> windows z -> networks, guard -> u -> original units -> bounds
        └──────────── zero-shot forecast ───────────────────────┘

`Forecaster` reads the arrays from panels, the service from requests.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from forecasting.covariates.layout import join_inputs
from forecasting.devices import autocast, limit_threads
from forecasting.errors import InvalidValues
from forecasting.forecaster.history import Histories, ScaledHistories, start_history
from forecasting.forecaster.trained_model import GlobalModel
from forecasting.intervals.scores import from_scores
from forecasting.intervals.shown import BOUND_REACH, POINT_REACH, ShownRange
from forecasting.kernels.network import Evaluator
from forecasting.models.ensemble import ensemble_spread
from forecasting.scaling.normalization import Normalizer, fit_values
from forecasting.scaling.window_scaling import ScaledWindows
from forecasting.selection.guard import GuardInputs
from forecasting.selection.rungs import ZERO_SHOT
from forecasting.selection.zero_shot import forecast_zero_shot
from forecasting.types import FloatArray, IntArray

ZERO_SHOT_PRODUCTS = 2**24  # cost of a zero-shot forecast: a millisecond


class Predictor:
    """A trained model that forecasts series given as arrays.

    Args:
        model: the trained model; its weights are copied for the compiled loops.

    Attributes:
        model: the trained model.
    """

    def __init__(self, model: GlobalModel) -> None:
        self.model, self._precision = model, model.config.training.precision
        self._evaluate = Evaluator(model.networks, self._precision)
        network = model.networks[0]
        weights = sum(parameter.numel() for parameter in network.parameters())
        self._num_products = weights * model.seq_len * len(model.networks)

    def work(self, rows: int, steps: int) -> int:
        """Return the approximate number of multiplications of a forecast."""
        guard = self.model.guard
        if guard is not None and guard.uses_zero_shot:
            return rows * ZERO_SHOT_PRODUCTS
        return rows * self._num_products * -(-steps // self.model.horizon)

    @np.errstate(over="ignore", invalid="ignore")
    def forecast(
        self, histories: Histories, *, steps: int, levels: tuple[float, ...] = ()
    ) -> tuple[FloatArray, FloatArray]:
        """Forecast each row, with central intervals, original units.

        Beyond the trained horizon, forecasts are fed back as if they had been observed,
        other than zero-shot ones, which are made for all steps at once. Numbers may be
        infinite or NaN: overflow, or steps without a bound.

        Args:
            histories: the observations, at least ``model.min_history`` in each row.
            steps: steps ahead.
            levels: of the intervals, in percent, ascending.

        Returns:
            Points ``(rows, steps)``, and bounds ``(2 * levels, rows, steps)``: the
            lower ones of every level, then the upper ones.

        Raises:
            InvalidValues: the model takes logarithms and a value of a series that is
                not among those of the training is not positive.
        """
        blocks = [*histories.blocks(self.model.memory)]
        if len(blocks) == 1:
            return self._forecast(histories, blocks[0], steps, levels)
        points = np.empty((len(histories), steps))
        bounds = np.empty((2 * len(levels), len(histories), steps))
        for block in blocks:
            points[block], bounds[:, block] = self._forecast(
                histories, block, steps, levels
            )
        return points, bounds

    def bounds_at(
        self, histories: Histories, points: FloatArray, levels: tuple[float, ...]
    ) -> FloatArray:
        """Return the bounds around forecasts of each row, original units.

        Args:
            histories: the observations.
            points: their forecasts, ``(rows, steps)``.
            levels: in percent, ascending.

        Returns:
            ``(2 * levels, rows, steps)``, see `bounds`.

        Raises:
            InvalidValues: as `forecast`.
        """
        bounds = np.empty((2 * len(levels), *points.shape))
        for block in histories.blocks(self.model.memory):
            scaled = self.read(histories, block)
            bounds[:, block] = self.bounds(scaled, points[block], levels)
        return bounds

    def _forecast(
        self, histories: Histories, block: slice, steps: int, levels: tuple[float, ...]
    ) -> tuple[FloatArray, FloatArray]:
        scaled = self.read(histories, block)
        points = self._forecast_points(histories, scaled, steps)
        return points, self.bounds(scaled, points, levels)

    def _forecast_points(
        self, histories: Histories, scaled: ScaledHistories, steps: int
    ) -> FloatArray:
        """Return forecasts ``(rows, steps)`` of scaled histories, original units."""
        rows = find_zero_shot(scaled)
        if not len(rows):
            return self._roll_out(scaled, steps)
        points = np.empty((len(scaled), steps))
        if len(rows) < len(scaled):
            points = self._roll_out(scaled, steps)
        values, offsets = histories.complete_series(rows + scaled.rows.start)
        points[rows] = forecast_zero_shot(
            values,
            offsets,
            season_length=self.model.season_length,
            horizon=self.model.horizon,
            steps=steps,
        )
        return points

    @np.errstate(over="ignore")  # beyond float32 is infinite
    def read(self, histories: Histories, block: slice) -> ScaledHistories:
        """Read and scale the observations of some rows.

        Raises:
            InvalidValues: as `forecast`.
        """
        places = histories.places[block]
        lengths = histories.ends[block] - histories.begins[block]
        length = self.model.window_memory
        if self.model.scaling.is_smoothed:  # it reads no padding
            length = min(length, int(lengths.max()))
        observed = histories.last_values(block, length)
        normalizer = self._read_statistics(histories, block, places)
        history = start_history(normalizer.scale_values(observed), lengths, self.model)
        rungs = self.model.choose_rungs(places, lengths)
        floor = np.full(len(places), -np.inf)
        if self.model.non_negative:
            floor = np.where(observed.min(1) >= 0, 0.0, -np.inf)
        return ScaledHistories(
            normalizer=normalizer,
            history=history,
            frame=history.scaled_windows(),
            floor=floor[:, None],
            rows=block,
            covariates=histories.covariates,
            choices=None if rungs is None else torch.from_numpy(rungs),
            shown=self._read_range(histories, block, places, observed),
        )

    def _read_range(
        self, histories: Histories, block: slice, places: IntArray, observed: FloatArray
    ) -> ShownRange | None:
        """Return the range of each row: of training, and of the observations."""
        trained, new = self.model.shown, np.flatnonzero(places < 0)
        if trained is None:
            return None
        if len(new):
            complete = histories.complete_series(new + block.start)
            shown = trained.select(places).replace(
                new, ShownRange.from_values(*complete)
            )
        else:
            is_one = len(places) == len(trained.lowest) == 1
            shown = trained if is_one else trained.select(places)
        lengths = histories.ends[block] - histories.begins[block]
        return shown.extend(observed, lengths)

    def _read_statistics(
        self, histories: Histories, block: slice, places: IntArray
    ) -> Normalizer:
        """Return statistics, one row per row: from training, or of the observations."""
        trained, new = self.model.normalizer, np.flatnonzero(places < 0)
        if not len(new):
            is_one = len(places) == len(trained.center) == 1
            return trained if is_one else trained.select(places)
        values, offsets = histories.complete_series(new + block.start)
        unusable = self.model.scaling.unusable(values)
        if len(unusable):
            series = np.searchsorted(offsets, unusable, side="right") - 1
            raise InvalidValues(
                "values",
                [
                    f"value {at - offsets[row] + 1} of row {new[row] + block.start}"
                    for at, row in zip(unusable, series, strict=True)
                ],
                "values without a logarithm",
                "The logarithm needs positive values.",
            )
        fitted = fit_values(values, offsets, self.model.method, self.model.seq_len)
        if len(new) == len(places):
            return fitted
        return trained.select(places).replace(new, fitted)

    def _roll_out(self, scaled: ScaledHistories, steps: int) -> FloatArray:
        """Return forecasts ``(rows, steps)``, original units, possibly not finite."""
        length = self.model.seq_len + self.model.horizon
        history, frame, parts, num_steps = scaled.history, scaled.frame, [], 0
        while True:
            covariates = scaled.covariates_from(num_steps, length)
            u = forecast_windows(
                self.model, frame, self._evaluate, covariates, scaled.choices
            )
            free = scaled.unscale(u.numpy().astype(np.float64))
            parts.append(scaled.limit(free, POINT_REACH, num_steps))
            num_steps += u.shape[1]
            if num_steps >= steps:
                break
            history = history.extend(_replace_limited(u, free, parts[-1], scaled))
            frame = history.scaled_windows()
        points = parts[0] if len(parts) == 1 else np.concatenate(parts, 1)
        return points[:, :steps]

    @np.errstate(over="ignore", invalid="ignore")
    def bounds(
        self, scaled: ScaledHistories, points: FloatArray, levels: tuple[float, ...]
    ) -> FloatArray:
        """Return the lower bounds of every level, then the upper bounds.

        Args:
            scaled: the histories.
            points: their forecasts, original units, ``(rows, steps)``.
            levels: in percent, ascending.

        Returns:
            ``(2 * levels, rows, steps)``.
        """
        if not levels:
            return np.empty((0, *points.shape))
        table, quantiles = self.model.intervals, self.model.quantiles
        errors = table.bounds(levels, points.shape[1])[:, None]
        if table.scaling.exponent:
            errors = errors * table.scaling.sizes(scaled.volatility)
        if quantiles:
            spread = self.spread(scaled)
            errors = np.broadcast_to(errors, (len(errors), *points.shape))
            errors = np.stack([from_scores(row, spread, quantiles) for row in errors])
        if table.relative:
            sizes = scaled.size * scaled.slopes(points)
            bounds = np.maximum(points + errors * sizes, scaled.floor)
        else:
            bounds = scaled.unscale(scaled.scale(points) + errors * scaled.size)
        limited, count = scaled.limit(bounds, BOUND_REACH), len(levels)
        if limited is not bounds:  # narrow them only
            np.maximum(bounds[:count], limited[:count], out=bounds[:count])
            np.minimum(bounds[count:], limited[count:], out=bounds[count:])
        # rounding must not move a bound past the point
        np.minimum(bounds[:count], points, out=bounds[:count])
        np.maximum(bounds[count:], points, out=bounds[count:])
        return bounds

    @torch.no_grad()
    def spread(self, scaled: ScaledHistories) -> FloatArray:
        """Return the differences of quantiles to the median, in units of window sizes.

        The shape is ``(rows, horizon, quantiles)``; only for a model with quantiles.
        """
        config, device = self.model.config.model, self.model.device
        covariates = scaled.covariates_from(0, self.model.seq_len + self.model.horizon)
        inputs = join_inputs(scaled.frame.inputs, covariates)
        with (
            limit_threads(device, config.hidden_size),
            autocast(device, self._precision, config.hidden_size, config.cell),
        ):
            spread = ensemble_spread(self.model.networks, inputs.to(device))
        return spread.cpu().double().numpy()


def find_zero_shot(scaled: ScaledHistories) -> IntArray:
    """Return the rows for which the zero-shot forecast answers."""
    if scaled.choices is None:
        return np.empty(0, np.int64)
    return np.flatnonzero(scaled.choices.numpy() == ZERO_SHOT)


def _replace_limited(
    u: Tensor, free: FloatArray, limited: FloatArray, scaled: ScaledHistories
) -> Tensor:
    """Return forecasts u with the limits of the series where they exceed them."""
    is_limited = free != limited
    if not is_limited.any():
        return u
    return torch.from_numpy(
        np.where(is_limited, scaled.scale(limited), u.numpy()).astype(np.float32)
    )


def forecast_windows(
    model: GlobalModel,
    frame: ScaledWindows,
    run_networks: Callable[[Tensor, Tensor | None], Tensor],
    covariates: Tensor | None = None,
    choices: Tensor | None = None,
) -> Tensor:
    """Run one pass of the networks and the guard; return u, ``(n, horizon)``.

    It is differentiable with respect to the windows if ``run_networks`` is.

    Args:
        model: the trained model.
        frame: the scaled windows.
        run_networks: forecast z ``(n, horizon)`` of windows z and their covariates.
        covariates: of the windows and of the steps ahead.
        choices: the guard's rung of each window.
    """
    windows, guard = frame.inputs, model.guard
    if guard is None or choices is None:
        return frame.restore(run_networks(windows, covariates))
    if windows.requires_grad or guard.needs_network(choices):
        network_forecast = run_networks(windows, covariates)
    else:
        network_forecast = windows.new_zeros(len(windows), model.horizon)
    inputs = join_inputs(windows, covariates)
    guarded = guard.apply(GuardInputs(inputs, frame), network_forecast, choices)
    return frame.restore(guarded)
