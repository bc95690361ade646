"""Encoding of forecast arrays as JSON, without Python objects for the numbers.

The JSON has the schema of `serving.schemas.forecast.ForecastAnswer`.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import orjson

from forecasting.data.forecast import check_levels
from forecasting.types import FloatArray

NULL = b"null"


class EncodedForecasts:
    """Forecasts of many series with their numbers encoded as JSON.

    Args:
        levels: levels of the intervals in percent, ascending.
        points: point forecasts ``(series, steps)``.
        bounds: ``(2 * levels, series, steps)``, lower bounds first; infinite ones are
            written as null.
    """

    def __init__(
        self, levels: tuple[float, ...], points: FloatArray, bounds: FloatArray
    ) -> None:
        self._levels, self._series = levels, len(points)
        table = np.concatenate([points[None], bounds])
        rows = table.reshape(-1, table.shape[-1])
        numbers = orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY)
        self._numbers = numbers[2:-2].split(
            b"],["
        )  # one text per row, without brackets

    def select(
        self,
        names: Sequence[str],
        first: int,
        levels: Sequence[float],
        timestamps: Sequence[bytes] | None = None,
        *,
        methods: Sequence[str],
    ) -> bytes:
        """Return the forecasts of consecutive series as JSON objects with commas.

        Args:
            names: series ids of the rows from ``first`` on.
            first: index of the first row.
            levels: a subset of the encoded levels, in any order.
            timestamps: timestamps of the steps as JSON, one text per series; None
                writes null.
            methods: names of the methods that forecast the series.
        """
        count = len(names)
        template, rows = _template(tuple(levels), self._levels)
        size = 3 + len(rows)
        parts = [NULL] * (count * size)
        parts[::size] = map(orjson.dumps, names)
        parts[1::size] = map(str.encode, methods)
        if timestamps is not None:
            parts[2::size] = timestamps
        for place, row in enumerate(rows, 3):
            begin = row * self._series + first
            parts[place::size] = self._numbers[begin : begin + count]
        return b",".join([template] * count) % tuple(parts)


def encode_answer(
    name: str, version: str, alias: str | None, forecasts: bytes
) -> bytes:
    """Return the response body of a forecast request.

    Args:
        name: of the model of the forecasts.
        version: of the model.
        alias: alias in the request; None where it named a version, or no model.
        forecasts: JSON of the series' forecasts, joined by commas.
    """
    answering = {"name": name, "version": version, "alias": alias}
    return b'{"model":%b,"forecasts":[%b]}' % (orjson.dumps(answering), forecasts)


@lru_cache(1024)
def _template(
    requested: tuple[float, ...], levels: tuple[float, ...]
) -> tuple[bytes, list[int]]:
    """Return the JSON template of a series' forecast, and the rows of numbers in it.

    The levels appear by name, each once, ascending. The template takes the name, the
    method, the timestamps and then the rows of numbers.
    """
    places = {f"{level:g}": levels.index(level) for level in check_levels(requested)}
    intervals = ",".join(f'"{level}":{{"lower":[%b],"upper":[%b]}}' for level in places)
    head = '{"id":%b,"method":"%b","timestamps":%b,"point":[%b]'
    template = f'{head},"intervals":{{{intervals}}}}}'
    lower = [1 + place for place in places.values()]
    pairs = [row for low in lower for row in (low, low + len(levels))]
    return template.encode(), [0, *pairs]
