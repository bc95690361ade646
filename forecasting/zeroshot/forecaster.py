"""Zero-shot forecasts of series given as arrays, as panels or as frames."""

from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from forecasting.data.forecast import (
    Forecast,
    check_horizon,
    check_levels,
)
from forecasting.data.panel import Panel
from forecasting.errors import SeriesTooShort, SettingError
from forecasting.intervals.shown import BOUND_REACH, POINT_REACH, ShownRange
from forecasting.io.frames import FrameLike
from forecasting.types import FloatArray, IntArray
from forecasting.zeroshot.combination import forecast_series
from forecasting.zeroshot.intervals import error_quantile
from forecasting.zeroshot.network import networks_digest
from forecasting.zeroshot.season import (
    MAX_CONTEXT,
    MIN_HISTORY,
    choose_season_lengths,
)

BLOCK = 64  # series forecast together: their arrays fit into the cache
RELEASE = "1"  # changes with the way of the forecasts


class ZeroShotForecaster:
    """Forecasts of series without training, from the values of each series alone.

    It has no state: a forecast of a series is the same alone and among others, and
    several threads may ask at once.

    Attributes:
        version: changes whenever forecasts change: the release of the method, and the
            start of the SHA-256 of the networks' digests.
    """

    def __init__(self) -> None:
        self.version = f"{RELEASE}-{networks_digest()[:8]}"

    @np.errstate(over="ignore", invalid="ignore")
    def forecast(
        self,
        values: FloatArray,
        offsets: IntArray,
        *,
        season_lengths: IntArray,
        steps: int,
        levels: tuple[float, ...] = (),
    ) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
        """Forecast each series after its end, with central intervals.

        Args:
            values: finite, series after series, ``(points,)``.
            offsets: borders of the series, ``(series + 1,)``; each holds at least
                `MIN_HISTORY` values, of which the last `MAX_CONTEXT` are read.
            season_lengths: steps of the season of each, ``(series,)``; 1 for none.
            steps: steps ahead.
            levels: of the intervals, in percent, ascending.

        Returns:
            Points ``(series, steps)``; bounds ``(2 * levels, series, steps)``: the
            lower ones of every level, then the upper ones; and the method of each
            series, such as ``smoothing+regression``.
        """
        values, offsets = last_values(values, offsets, MAX_CONTEXT)
        points, sizes, methods = _forecast_blocks(
            values, offsets, season_lengths, steps
        )
        shown = ShownRange.from_values(values, offsets)
        lowest = np.where(shown.lowest >= 0, 0.0, -np.inf)[:, None]
        points = np.maximum(shown.clip(points, POINT_REACH), lowest)
        quantiles = np.array([error_quantile(level) for level in levels])
        widths = quantiles[:, None, None] * sizes
        bounds = np.concatenate([points - widths, points + widths])
        bounds = np.maximum(shown.clip(bounds, BOUND_REACH), lowest)
        return points, bounds, methods


@cache
def load_zero_shot() -> ZeroShotForecaster:
    """Return the zero-shot forecaster, one in a process."""
    return ZeroShotForecaster()


def _forecast_blocks(
    values: FloatArray, offsets: IntArray, season_lengths: IntArray, steps: int
) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """Forecast series in blocks of one season length.

    Returns:
        Points and expected absolute errors, ``(series, steps)``, and methods.
    """
    count = len(offsets) - 1
    points, sizes = np.empty((2, count, steps))
    methods = np.empty(count, object)
    for season_length in np.unique(season_lengths):
        series = np.flatnonzero(season_lengths == season_length)
        for begin in range(0, len(series), BLOCK):
            rows = series[begin : begin + BLOCK]
            parts = [values[offsets[row] : offsets[row + 1]] for row in rows]
            borders = np.array([0, *map(len, parts)]).cumsum()
            result = forecast_series(
                np.concatenate(parts), borders, int(season_length), steps
            )
            points[rows], sizes[rows] = result.points, result.sizes
            methods[rows] = result.methods
    return points, sizes, tuple(methods)


def last_values(
    values: FloatArray, offsets: IntArray, length: int
) -> tuple[FloatArray, IntArray]:
    """Return the last ``length`` values of each series, and their borders."""
    lengths = np.diff(offsets)
    if lengths.max(initial=0) <= length:
        return values, offsets
    parts = [values[max(begin, end - length) : end] for begin, end in pairwise(offsets)]
    borders = np.concatenate([[0], np.cumsum(np.minimum(lengths, length))])
    return np.concatenate(parts), borders.astype(np.int64)


def zero_shot(
    data: "Panel | FrameLike",
    *,
    horizon: int = 14,
    season_length: int | Literal["auto"] = "auto",
    levels: Iterable[float] = (80.0, 95.0),
    **settings: Any,
) -> Forecast:
    """Forecast each series after its end, without any training.

    Args:
        data: the series, a panel or a frame.
        horizon: steps ahead.
        season_length: steps of the season; ``auto`` takes that of the calendar, or
            finds one in each series.
        levels: intervals in percent, from 1 to 99; 80 is the central 80 %.
        settings: attributes of `Schema` for a frame, such as ``target``.

    Raises:
        SeriesTooShort: a series has fewer than three values.
        SettingError: horizon, season length or a level is out of range, or the data
            have covariates, which these forecasts do not read.
        DataError: a frame cannot be read.

    >>> forecast = zero_shot(Panel.from_values({"a": [1.0, 2.0, 3.0] * 9}), horizon=3)
    >>> forecast.points.round(1).tolist()
    [[1.0, 2.0, 3.0]]
    """
    panel = _read(data, settings)
    steps, checked = check_horizon(horizon), check_levels(levels)
    seasons = choose_season_lengths(panel, season_length)
    lengths = panel.lengths
    short = np.flatnonzero(lengths < MIN_HISTORY)
    if len(short):
        names = [(panel.series_ids[row], int(lengths[row])) for row in short]
        raise SeriesTooShort(
            names, MIN_HISTORY, "for a forecast without training", "Give more history."
        )
    points, bounds, methods = load_zero_shot().forecast(
        panel.values,
        panel.offsets,
        season_lengths=seasons,
        steps=steps,
        levels=checked,
    )
    count = len(checked)
    return Forecast(
        series_ids=panel.series_ids,
        timestamps=panel.calendar.future(panel.last_timestamps(), steps),
        points=points,
        intervals={
            level: (bounds[place], bounds[count + place])
            for place, level in enumerate(checked)
        },
        zone=panel.calendar.zone,
        methods=methods,
        history=panel,
    )


def _read(data: "Panel | FrameLike", settings: dict[str, Any]) -> Panel:
    """Return the panel of a frame, without covariates.

    Raises:
        SettingError: there are covariates.
    """
    from forecasting.io import as_panel

    panel = as_panel(data, None, settings)
    if panel.roles:
        names = ", ".join(sorted(panel.roles))
        raise SettingError(
            "covariates",
            names,
            "none: a zero-shot forecast reads the target alone. Leave them out, or "
            "train a model that reads them",
        )
    return panel
