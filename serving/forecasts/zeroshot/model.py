"""The zero-shot forecaster as a model of batches, always in memory."""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from forecasting.data.panel import Panel
from forecasting.timestamps.calendar import Calendar
from forecasting.types import FloatArray, IntArray
from forecasting.zeroshot import MAX_CONTEXT, choose_season_lengths, load_zero_shot
from forecasting.zeroshot.network import season_lengths
from serving.forecasts.zeroshot.arrays import ZeroShotArrays

NAME = "zero_shot"
PRODUCTS_PER_SERIES = 2**23  # half a millisecond, as `MAX_INLINE_PRODUCTS` counts
PRODUCTS_PER_POINT = 2**13
WARM_UP_LENGTH = 200  # observations, enough for a regression and the networks


class ZeroShotModel:
    """The zero-shot forecaster, in the interface of `BatchModel`.

    Attributes:
        name: name in responses, metrics and logs.
        key: key of the requests that may share a pass.
    """

    name = key = NAME

    def __init__(self) -> None:
        self._forecaster = load_zero_shot()

    @property
    def version(self) -> str:
        """Version of the method and its weights."""
        return self._forecaster.version

    def warm_up(self) -> None:
        """Load the compiled loops and the networks, by a forecast with each season."""
        values = np.arange(1.0, WARM_UP_LENGTH)
        for season_length in (1, *season_lengths()):
            self._forecaster.forecast(
                values,
                np.array([0, len(values)]),
                season_lengths=np.array([season_length]),
                steps=1,
            )

    def work(self, requests: Sequence[ZeroShotArrays], steps: int) -> int:
        """Return the approximate cost of requests, in multiplications."""
        lengths = [len(row) for request in requests for row in request.values]
        points = sum([min(length, MAX_CONTEXT) + steps for length in lengths])
        return PRODUCTS_PER_SERIES * len(lengths) + PRODUCTS_PER_POINT * points

    def forecast(
        self, requests: Sequence[ZeroShotArrays], steps: int, levels: tuple[float, ...]
    ) -> tuple[FloatArray, FloatArray, Sequence[str]]:
        """Return points, bounds and methods of requests, one after another.

        Args:
            requests: with the same steps ahead.
            steps: steps ahead.
            levels: of the intervals in percent, ascending.

        Returns:
            Points ``(series, steps)``, bounds ``(2 * levels, series, steps)``, lower
            ones first, and the name of the method of each series.
        """
        lists = [row for request in requests for row in request.values]
        offsets = np.array([0, *map(len, lists)]).cumsum()
        values = np.fromiter(chain.from_iterable(lists), np.float64, offsets[-1])
        seasons = np.concatenate([*_season_lengths(requests, values, offsets)])
        return self._forecaster.forecast(
            values, offsets, season_lengths=seasons, steps=steps, levels=levels
        )

    def forecast_panel(
        self, panel: Panel, steps: int, levels: tuple[float, ...]
    ) -> tuple[FloatArray, FloatArray]:
        """Return points and bounds of each series of a panel, as `forecast` does."""
        points, bounds, _ = self._forecaster.forecast(
            panel.values,
            panel.offsets,
            season_lengths=choose_season_lengths(panel),
            steps=steps,
            levels=levels,
        )
        return points, bounds


def make_panel(values: FloatArray, offsets: IntArray, calendar: Calendar) -> Panel:
    """Return checked values as a panel, with steps for timestamps.

    Args:
        values: of all series one after another, ``(points,)``.
        offsets: borders of the series, ``(series + 1,)``.
        calendar: of the series.
    """
    return Panel(
        series_ids=tuple(map(str, range(len(offsets) - 1))),
        values=values,
        offsets=offsets,
        timestamps=np.arange(len(values)),
        calendar=calendar,
    )


def _season_lengths(
    requests: Sequence[ZeroShotArrays], values: FloatArray, offsets: IntArray
) -> Iterator[IntArray]:
    """Yield the season lengths of the series of each request."""
    first = 0
    for request in requests:
        borders = offsets[first : first + len(request.values) + 1]
        part = values[borders[0] : borders[-1]]
        panel = make_panel(part, borders - borders[0], request.calendar)
        yield choose_season_lengths(panel, request.season_length)
        first += len(request.values)
