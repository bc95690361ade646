"""Plain requests, of values alone: read and forecast without pydantic and pandas.

What is not plain, or wrong in any way, is None here and left to `serving.answers`,
which knows how to say what is wrong.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct

from forecasting.errors import InvalidValues
from forecasting.forecasts import check_levels
from forecasting.histories import least_history
from serving.encoding import Encoded
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


_decoder = msgspec.json.Decoder(PlainRequest)


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
) -> Encoded | None:
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
    return Encoded(ascending, points, bounds) if np.isfinite(points).all() else None
