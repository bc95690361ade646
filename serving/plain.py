"""Plain requests, of values alone: decoded and answered without pydantic and pandas.

What is not plain, or wrong in any way, is None here and left to `serving.answers`,
which knows how to say what is wrong. The JSON that comes out is the same.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct

from forecasting.errors import InvalidValues
from forecasting.forecasts import check_levels
from forecasting.histories import least_history
from forecasting.series import FloatArray
from serving.registry import Model
from serving.settings import MOST_LEVELS


class PlainSeries(Struct, forbid_unknown_fields=True, gc=False):
    """The values of one series; see `serving.series.Series`."""

    id: Annotated[str, Meta(min_length=1, max_length=500)]
    values: Annotated[list[float], Meta(min_length=1)]


class PlainRequest(Struct, forbid_unknown_fields=True, gc=False):
    """What to forecast; see `serving.schemas.ForecastRequest`."""

    series: Annotated[list[PlainSeries], Meta(min_length=1)]
    horizon: Annotated[int, Meta(ge=1)] | None = None
    levels: Annotated[
        tuple[Annotated[float, Meta(ge=1, le=99)], ...], Meta(max_length=MOST_LEVELS)
    ] = (80.0, 95.0)


class PlainBounds(Struct, gc=False):
    """See `serving.schemas.Interval`."""

    lower: list[float]
    upper: list[float]


class PlainForecast(Struct, gc=False):
    """See `serving.schemas.SeriesForecast`."""

    id: str
    timestamps: None
    point: list[float]
    intervals: dict[str, PlainBounds]


class PlainAnswer(Struct, gc=False):
    """See `serving.schemas.ForecastAnswer`."""

    model: dict[str, str | None]
    forecasts: list[PlainForecast]


class Made:
    """Forecasts that one pass made, ready to be told, a row a series."""

    def __init__(
        self, levels: tuple[float, ...], points: FloatArray, bounds: FloatArray
    ) -> None:
        self._points, count = points.tolist(), len(levels)
        told = bounds.tolist()
        self._bounds = {
            level: (told[place], told[count + place])
            for place, level in enumerate(levels)
        }

    def tell(
        self, series: Sequence[PlainSeries], first: int, levels: tuple[float, ...]
    ) -> list[PlainForecast]:
        """Return what is answered of series, the row ``first`` and those behind it."""
        bounds = [(name, *self._bounds[level]) for name, level in _named(levels)]
        return [
            PlainForecast(
                one.id,
                None,
                self._points[row],
                {name: PlainBounds(low[row], high[row]) for name, low, high in bounds},
            )
            for row, one in enumerate(series, first)
        ]


_decoder, _encoder = msgspec.json.Decoder(PlainRequest), msgspec.json.Encoder()


def decode_plain(body: bytes, model: Model) -> PlainRequest | None:
    """Return a plain request that a model can answer."""
    fitted = model.forecaster.fitted
    assert fitted is not None
    try:
        asked = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    series, least = asked.series, least_history(fitted)
    if len(series) > 1 and len({one.id for one in series}) < len(series):
        return None
    return None if any(len(one.values) < least for one in series) else asked


def forecast_plain(
    model: Model, series: Sequence[PlainSeries], steps: int, levels: Iterable[float]
) -> Made | None:
    """Return forecasts of series in one pass."""
    assert model.quick is not None
    ascending = check_levels(levels)
    try:
        points, bounds = model.quick.forecast(
            [one.id for one in series],
            [one.values for one in series],
            steps=steps,
            levels=ascending,
        )
    except InvalidValues:
        return None
    return Made(ascending, points, bounds) if np.isfinite(points).all() else None


def encode_plain(model: Model, alias: str | None, told: list[PlainForecast]) -> bytes:
    """Return an answer as JSON."""
    who = {"name": model.name, "version": model.version, "alias": alias}
    return _encoder.encode(PlainAnswer(who, told))


@lru_cache(1024)
def _named(levels: tuple[float, ...]) -> list[tuple[str, float]]:
    """Return levels as the ordinary answer has them: by name, each once, ascending."""
    return [(f"{level:g}", level) for level in check_levels(levels)]
