"""Plain requests: read and forecast without pydantic and pandas.

Plain are values, and timestamps that follow one another; covariates are not.

What is not plain, or wrong in any way, is None here and left to `serving.forecasts.forecast`,
which knows how to say what is wrong.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta, Struct

from forecasting.data.forecast import check_levels
from forecasting.errors import InvalidValues
from forecasting.forecaster.history import least_history
from serving.forecasts.encoding import Encoded
from serving.forecasts.fast_timestamps import NotConsecutive, find_next
from serving.registry.loaded_model import LoadedModel
from serving.schemas.series import LONGEST_ID
from serving.settings import MOST_LEVELS


class FastSeries(Struct, forbid_unknown_fields=True, gc=False):
    """One series; see `serving.schemas.series.Series`."""

    id: Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
    values: Annotated[list[float], Meta(min_length=1)]
    timestamps: list[str | int] | None = None


class FastRequest(Struct, forbid_unknown_fields=True, gc=False):
    """What to forecast; see `serving.schemas.forecast.ForecastRequest`."""

    series: Annotated[list[FastSeries], Meta(min_length=1)]
    horizon: Annotated[int, Meta(ge=1)] | None = None
    levels: Annotated[
        tuple[Annotated[float, Meta(ge=1, le=99)], ...], Meta(max_length=MOST_LEVELS)
    ] = (80.0, 95.0)


class FastForecast(NamedTuple):
    """A plain request that a model can answer.

    Attributes:
        names, values: of its series.
        steps: ahead.
        levels: of the intervals, as they were asked for.
        timestamps: of the steps ahead, JSON, a text a series; None without.
    """

    names: list[str]
    values: list[list[float]]
    steps: int
    levels: tuple[float, ...]
    timestamps: list[bytes] | None

    def tell(self, made: Encoded, first: int = 0) -> bytes:
        """Return its forecasts, of which the first one is the row ``first``."""
        return made.tell(self.names, first, self.levels, self.timestamps)


_decoder = msgspec.json.Decoder(FastRequest)


def decode_fast(body: bytes, model: LoadedModel) -> FastRequest | None:
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


def plan(asked: FastRequest, model: LoadedModel) -> FastForecast | None:
    """Return a request with all that is known before its forecast."""
    fitted = model.forecaster.fitted
    assert fitted is not None
    steps = asked.horizon or model.forecaster.windows.horizon
    names, values, stamps = [], [], []
    for one in asked.series:
        names.append(one.id)
        values.append(one.values)
        if one.timestamps is not None:
            if len(one.timestamps) != len(one.values):
                return None
            stamps.append(one.timestamps)
    if not stamps:
        return FastForecast(names, values, steps, asked.levels, None)
    if len(stamps) < len(names):
        return None
    try:
        following = find_next(fitted.context.calendar, stamps, steps)
    except NotConsecutive:
        return None
    return FastForecast(names, values, steps, asked.levels, following)


def forecast_fast(
    model: LoadedModel,
    requests: Sequence[FastForecast],
    steps: int,
    levels: Iterable[float],
) -> Encoded | None:
    """Return forecasts of the series of all requests, in one pass."""
    assert model.quick is not None
    ascending = check_levels(levels)
    try:
        points, bounds = model.quick.forecast(
            [name for each in requests for name in each.names],
            [values for each in requests for values in each.values],
            steps=steps,
            levels=ascending,
        )
    except InvalidValues:
        return None
    return Encoded(ascending, points, bounds) if np.isfinite(points).all() else None


def answer_fast(model: LoadedModel, asked: FastForecast) -> bytes | None:
    """Return the forecasts of a single request as JSON."""
    made = forecast_fast(model, [asked], asked.steps, asked.levels)
    return None if made is None else asked.tell(made)
