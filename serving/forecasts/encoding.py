"""Forecasts as JSON, written from arrays: numbers become text without objects between.

The JSON is that of `serving.schemas.forecast.ForecastAnswer`.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import orjson

from forecasting.data.forecast import check_levels
from forecasting.types import FloatArray
from serving.registry.loaded_model import LoadedModel

NULL = b"null"


class Encoded:
    """The numbers of the forecasts of many series, as text.

    Args:
        levels: of the intervals, in percent, ascending.
        points: ``(series, steps)``.
        bounds: ``(2 * levels, series, steps)``, the lower ones first; null is written
            for those that are beyond every number.
    """

    def __init__(
        self, levels: tuple[float, ...], points: FloatArray, bounds: FloatArray
    ) -> None:
        self._levels, self._series = levels, len(points)
        table = np.concatenate([points[None], bounds])
        rows = table.reshape(-1, table.shape[-1])
        numbers = orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY)
        self._numbers = numbers[2:-2].split(b"],[")  # a text a row, without brackets

    def tell(
        self,
        names: Sequence[str],
        first: int,
        levels: Sequence[float],
        timestamps: Sequence[bytes] | None = None,
    ) -> bytes:
        """Return the forecasts of some series, one after the other.

        Args:
            names: of the series, the row ``first`` and those behind it.
            first: row of the first one.
            levels: some of those that there are, as they were asked for.
            timestamps: of the steps, JSON, a text a series; null without.
        """
        count = len(names)
        form, rows = _form(tuple(levels), self._levels)
        parts = [NULL] * (count * (2 + len(rows)))
        parts[:: 2 + len(rows)] = map(orjson.dumps, names)
        if timestamps is not None:
            parts[1 :: 2 + len(rows)] = timestamps
        for place, row in enumerate(rows, 2):
            begin = row * self._series + first
            parts[place :: 2 + len(rows)] = self._numbers[begin : begin + count]
        return b",".join([form] * count) % tuple(parts)


def encode_answer(model: LoadedModel, alias: str | None, forecasts: bytes) -> bytes:
    """Return the answer to a request.

    Args:
        model: that made the forecasts.
        alias: that it was asked by; None by version.
        forecasts: of its series, one after the other.
    """
    who = {"name": model.name, "version": model.version, "alias": alias}
    return b'{"model":%b,"forecasts":[%b]}' % (orjson.dumps(who), forecasts)


@lru_cache(1024)
def _form(
    asked: tuple[float, ...], levels: tuple[float, ...]
) -> tuple[bytes, list[int]]:
    """Return the form of a series' forecast, and what it is filled with.

    The levels come in it by name, each once, ascending; behind the name and the
    timestamps come the rows of numbers.
    """
    places = {f"{one:g}": levels.index(one) for one in check_levels(asked)}
    intervals = ",".join(f'"{one}":{{"lower":[%b],"upper":[%b]}}' for one in places)
    form = f'{{"id":%b,"timestamps":%b,"point":[%b],"intervals":{{{intervals}}}}}'
    lower = [1 + place for place in places.values()]
    pairs = [row for low in lower for row in (low, low + len(levels))]
    return form.encode(), [0, *pairs]
