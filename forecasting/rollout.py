"""From the last observations to forecasts: scale, run the networks, feed back, unscale.

Only the windows before the origins are read, and, of series unknown in training, the
observations before them: nothing behind an origin is looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from forecasting.ahead import CovariateWindows
from forecasting.devices import Precision, autocast, fitting_threads
from forecasting.ensemble import ensemble_forecast, ensemble_spread
from forecasting.errors import DataError, SeriesTooShort, SettingError
from forecasting.features import beside_covariates
from forecasting.fitted import Fitted
from forecasting.forecasts import Intervals, check_levels
from forecasting.normalization import Normalizer, window_level
from forecasting.quantiles import from_scores
from forecasting.series import FloatArray, Panel
from forecasting.splits import Origins
from forecasting.volatility import window_volatility

BLOCK = 8192  # windows in one forward pass: bounds the memory of a large request


@dataclass(frozen=True, slots=True)
class Rows:
    """The windows before origins, and how their forecasts come back.

    Attributes:
        normalizer: fitted statistics, a row an origin.
        inputs: u of `forecasting.normalization`, ``(origins, seq_len)``, float32.
        size: of each window, in units of u, ``(origins, 1)``.
        floor: what no forecast goes below, original units, ``(origins, 1)``: 0 where
            neither training nor the window saw less, else minus infinity.
    """

    normalizer: Normalizer
    inputs: Tensor
    size: FloatArray
    floor: FloatArray

    @property
    def volatility(self) -> FloatArray:
        """How much each window moves, in units of its size, ``(origins,)``."""
        return window_volatility(self.inputs.double().numpy() / self.size)

    def scale(self, values: FloatArray) -> FloatArray:
        """Return u of values ``(origins, steps)``."""
        return self.normalizer.scale_values(values, np.arange(len(values)))

    def unscale(self, scaled: FloatArray) -> FloatArray:
        """Return original units of u ``(origins, steps)``, not below the floor."""
        values = self.normalizer.unscale(scaled, np.arange(len(scaled)))
        return np.maximum(values, self.floor)


def read_windows(fitted: Fitted, panel: Panel, origins: Origins, seq_len: int) -> Rows:
    """Gather and scale the last ``seq_len`` observations before each origin.

    Raises:
        SeriesTooShort: an origin has fewer.
        InvalidValues: the model takes logarithms and a value of a series that it has
            not seen in training is not positive.
    """
    short = np.flatnonzero(origins.ends < seq_len)
    if len(short):
        raise SeriesTooShort(
            [
                (panel.series_ids[origins.series[i]], int(origins.ends[i]))
                for i in short
            ],
            seq_len,
            f"seq_len {seq_len}",
        )
    windows = panel.pieces(origins.series, origins.ends - seq_len, origins.ends)
    normalizer = _statistics_for(fitted, panel, origins, seq_len)
    inputs = normalizer.scale_series(windows).reshape(-1, seq_len)
    _, size = window_level(inputs, normalizer.method)
    least = windows.values.reshape(-1, seq_len).min(1, keepdims=True)
    floor = np.where(fitted.non_negative & (least >= 0), 0.0, -np.inf)
    return Rows(normalizer, inputs, size.double().numpy(), floor)


def roll_out(
    fitted: Fitted,
    rows: Rows,
    steps: int,
    precision: Precision,
    covariates: CovariateWindows | None = None,
) -> FloatArray:
    """Return forecasts ``(origins, steps)``, original units.

    Beyond the trained horizon, forecasts are fed back as if they had been observed.

    Raises:
        SettingError: so far ahead, forecasts exceed every number.
        DataError: they do so from the first step on.
    """
    points = rows.unscale(_run(fitted, rows.inputs, steps, precision, covariates))
    finite = np.isfinite(points).all(0)
    if not finite.all():
        most = int(np.argmin(finite))
        if most == 0:
            raise DataError(
                "no finite forecast follows these observations: they are far beyond "
                "what the model was trained on. Check their unit."
            )
        raise SettingError("horizon", steps, f"at most {most}: forecasts explode")
    return points


def bound(
    fitted: Fitted,
    rows: Rows,
    points: FloatArray,
    levels: Iterable[float],
    precision: Precision,
) -> Intervals:
    """Return central intervals round forecasts, original units, by level in percent.

    Raises:
        SettingError: a level lies outside 1 to 99.
    """
    scaled, intervals = rows.scale(points), {}
    table, quantiles = fitted.intervals, fitted.networks[0].config.quantiles
    size = table.scaling.sizes(rows.volatility)
    spread = read_spread(fitted, rows, precision)

    def shift(offsets: FloatArray) -> FloatArray:
        errors = offsets * size
        if spread is not None:
            errors = from_scores(errors, spread, quantiles)
        return scaled + errors * rows.size

    for level in check_levels(levels):
        lower, upper = table.offsets(level, points.shape[1])
        intervals[level] = (  # rounding may put neither beyond the point
            np.minimum(rows.unscale(shift(lower)), points),
            np.maximum(rows.unscale(shift(upper)), points),
        )
    return intervals


@torch.no_grad()
def read_spread(fitted: Fitted, rows: Rows, precision: Precision) -> FloatArray | None:
    """Return quantile - median, in units of the window's size.

    ``(origins, horizon, quantiles)``; None if the networks forecast no quantiles.
    """
    size, blocks = fitted.networks[0].config.hidden_size, []
    if not fitted.networks[0].config.quantiles:
        return None
    with fitting_threads(fitted.device, size):
        for begin in range(0, len(rows.inputs), BLOCK):
            window = rows.inputs[begin : begin + BLOCK].to(fitted.device)
            level, width = window_level(window, fitted.normalizer.method)
            with autocast(window.device, precision, size):
                spread = ensemble_spread(
                    fitted.networks, ((window - level) / width)[..., None]
                )
            assert spread is not None
            blocks.append(spread.cpu())
    return torch.cat(blocks).double().numpy()


@torch.no_grad()
def _run(
    fitted: Fitted,
    inputs: Tensor,
    steps: int,
    precision: Precision,
    covariates: CovariateWindows | None,
) -> FloatArray:
    """Return u of forecasts, ``(origins, steps)``, block by block."""
    blocks, length = [], inputs.shape[1] + fitted.networks[0].horizon
    with fitting_threads(fitted.device, fitted.networks[0].config.hidden_size):
        for begin in range(0, len(inputs), BLOCK):
            block = slice(begin, begin + BLOCK)
            window = inputs[block].to(fitted.device)
            parts, made = [], 0
            while made < steps:
                own = None
                if covariates is not None:
                    own = covariates.take(block, made, made + length)
                parts.append(next_steps(fitted, window, precision, own))
                made += parts[-1].shape[1]
                window = torch.cat([window, parts[-1]], 1)[:, -inputs.shape[1] :]
            blocks.append(torch.cat(parts, 1)[:, :steps].cpu())
    return torch.cat(blocks).double().numpy()


def next_steps(
    fitted: Fitted, window: Tensor, precision: Precision, own: Tensor | None = None
) -> Tensor:
    """Return what the networks give in one pass: u, ``(B, horizon)``.

    Differentiable in the window, u, ``(B, seq_len)``, where gradients are enabled.
    """
    level, size = window_level(window, fitted.normalizer.method)
    levelled = ((window - level) / size)[..., None]
    if own is not None:
        levelled = beside_covariates(levelled, own.to(window.device))
    with autocast(window.device, precision, fitted.networks[0].config.hidden_size):
        forecast = ensemble_forecast(fitted.networks, levelled)
    return forecast * size + level


def _statistics_for(
    fitted: Fitted, panel: Panel, origins: Origins, seq_len: int
) -> Normalizer:
    """Return statistics, a row an origin.

    Series seen in training keep theirs, others get those of what their origin sees; a
    model of one series takes whatever it is given for that series.
    """
    known, normalizer = fitted.context.series_ids, fitted.normalizer
    if len(known) == 1:
        return normalizer.select(np.zeros(len(origins), dtype=np.int64))
    place = {name: i for i, name in enumerate(known)}
    found = np.array([place.get(name, -1) for name in panel.series_ids])[origins.series]
    statistics, new = normalizer.select(found), found < 0
    if not new.any():
        return statistics
    series, ends = origins.series[new], origins.ends[new]
    seen = panel.pieces(series, np.zeros_like(ends), ends)
    own = Normalizer.fit(seen, normalizer.method, seq_len=seq_len)
    for name in ("center", "scale", "floor"):
        getattr(statistics, name)[new] = getattr(own, name)
    return statistics
