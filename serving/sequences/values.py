"""Series of numbers in a request as arrays, in groups of similar length."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from forecasting.errors import join_shown
from forecasting.types import FloatArray
from serving.errors import Loc, RequestError, RequestTooLarge
from serving.http.limits import check_limits
from serving.registry.loaded_model import LoadedSequences
from serving.schemas.sequence_requests import NumberSeries
from serving.sequences.encoding import SERIES
from serving.settings import Settings

GROUP_STEPS = 2**15
MAX_STEPS = 100_000  # of a series: each step waits for the one before


def check_size(
    settings: Settings,
    lengths: Sequence[int],
    *,
    channels: int = 1,
    numbers: int,
    loc: Loc = SERIES,
) -> None:
    """Refuse a request over the limits.

    Args:
        settings: the limits.
        lengths: steps of each series in the request.
        channels: numbers of a step.
        numbers: numbers in the response.
        loc: location of the series.

    Raises:
        RequestTooLarge: there are too many, or a series is too long.
    """
    check_limits(
        settings,
        series=len(lengths),
        points=sum(lengths) * channels,
        horizon=None,
        levels=0,
        numbers=numbers,
    )
    longest = max(lengths, default=0)
    if longest > MAX_STEPS:
        raise RequestTooLarge("steps in one series", longest, MAX_STEPS, loc)


def make_arrays(
    series: Sequence[NumberSeries], model: LoadedSequences
) -> list[FloatArray]:
    """Return the numbers of each series, ``(steps, channels)``.

    Raises:
        RequestError: the steps of a series do not have the channels of the model.
    """
    names = model.details.channels
    return [
        _make_array(one.values, names, (*SERIES, number, "values"))
        for number, one in enumerate(series)
    ]


def _make_array(values: list[Any], names: Sequence[str], loc: Loc) -> FloatArray:
    try:
        array = np.array(values, np.float64)
    except ValueError:  # steps of unequal lengths
        array = np.empty(0)
    if array.ndim == 1 and len(array) and len(names) == 1:
        return array[:, None]
    if array.ndim == 2 and array.shape[1] == len(names):
        return array
    for step, row in enumerate(values):
        length = len(row) if isinstance(row, list) else None
        if length != len(names):
            shown = "a number" if length is None else f"a list of {length}"
            raise RequestError([((*loc, step), f"{_expected(names)}; found {shown}")])
    raise RequestError([(loc, _expected(names))])  # of one channel: lists and numbers


def _expected(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"a number at each step is needed, of {names[0]!r}"
    shown = join_shown(map(repr, names))
    return f"a list of {len(names)} numbers at each step is needed: {shown}"


def group_by_length(arrays: Sequence[FloatArray]) -> Iterator[list[int]]:
    """Yield the numbers of series that may be padded to one length.

    The longest of a group has less than twice the steps of its shortest, so that one
    long series among many short ones costs no more memory than its own. A group of
    several series has at most `GROUP_STEPS`.
    """
    groups: dict[int, list[int]] = {}
    for number, array in enumerate(arrays):
        groups.setdefault(len(array).bit_length(), []).append(number)
    for bits, group in groups.items():
        size = max(GROUP_STEPS >> bits, 1)
        for begin in range(0, len(group), size):
            yield group[begin : begin + size]
