"""Requests for zero-shot forecasts as arrays; each flaw of a request has a location."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from forecasting.data.covariates import ROLES
from forecasting.timestamps.calendar import Calendar
from forecasting.zeroshot import MIN_HISTORY
from forecasting.zeroshot.season import check_season_length
from serving.forecasts.covariates import Flaws, locate_infinite, sent_values
from serving.forecasts.panels import (
    check_ids,
    check_lengths,
    check_timestamps,
    raise_if_any,
)
from serving.forecasts.timestamps import NotConsecutive
from serving.forecasts.zeroshot.time_axis import TimeAxis, parse_axis, read_axis
from serving.http.decoding import BodyDecoder
from serving.http.limits import check_limits
from serving.http.locations import located_errors
from serving.schemas.request import Series, ZeroShotRequest
from serving.settings import Settings

DECODER = BodyDecoder[ZeroShotRequest](ZeroShotRequest, locate_infinite)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroShotArrays:
    """The arguments of the zero-shot forecast that a request asks for.

    Attributes:
        series_ids: names of the series, ``(series,)``.
        values: their observations, oldest first.
        calendar: of all series.
        season_length: of all series, or ``auto``.
        steps: steps ahead.
        levels: levels of the intervals, in the order of the request.
        timestamps: of the steps ahead as JSON, one text per series; None for series
            without timestamps.
    """

    series_ids: Sequence[str]
    values: Sequence[Sequence[float]]
    calendar: Calendar
    season_length: int | Literal["auto"]
    steps: int
    levels: tuple[float, ...]
    timestamps: Sequence[bytes] | None


def read_request(body: bytes, settings: Settings) -> ZeroShotRequest:
    """Decode and check the body of a request; empty means ``{}``.

    Raises:
        RequestError: the body, or the series in it, cannot be used.
        RequestTooLarge: it exceeds the limits.
    """
    request = DECODER.decode(body or b"{}")
    series, num_levels = request.series, len(request.levels)
    check_limits(
        settings,
        series=len(series),
        points=sum([len(history.values) for history in series]),
        horizon=request.horizon,
        levels=num_levels,
        numbers=len(series) * request.horizon * (1 + 2 * num_levels),
    )
    if request.season_length != "auto":
        with located_errors():
            check_season_length(request.season_length)
    _check_series(series)
    return request


def make_arrays(request: ZeroShotRequest) -> ZeroShotArrays:
    """Return the arrays of a request.

    Raises:
        RequestError: the frequency is none.
        NotConsecutive: timestamps are not evenly spaced text: see `parse_arrays`.
    """
    return _with_axis(request, read_axis(request.series, request.freq, request.horizon))


def parse_arrays(request: ZeroShotRequest) -> ZeroShotArrays:
    """Return the arrays of a request with any timestamps; runs in a worker thread.

    Raises:
        RequestError: series cannot be used; names the location of each.
    """
    try:
        return make_arrays(request)
    except NotConsecutive:
        axis = parse_axis(request.series, request.freq, request.horizon)
        return _with_axis(request, axis)


def read_arrays(body: bytes, settings: Settings) -> ZeroShotArrays:
    """Return the arrays of a body; runs in a worker thread.

    Raises:
        RequestError, RequestTooLarge: as `read_request` and `parse_arrays`.
    """
    return parse_arrays(read_request(body, settings))


def _with_axis(request: ZeroShotRequest, axis: TimeAxis) -> ZeroShotArrays:
    return ZeroShotArrays(
        series_ids=[history.id for history in request.series],
        values=[history.values for history in request.series],
        calendar=axis.calendar,
        season_length=request.season_length,
        steps=request.horizon,
        levels=tuple(request.levels),
        timestamps=axis.ahead,
    )


def _check_series(series: Sequence[Series]) -> None:
    raise_if_any(_covariates(series))
    check_ids(series)
    stamps = series[0].timestamps
    is_dated = not stamps or isinstance(stamps[0], str)
    kind = "dates" if is_dated else "integer steps"
    check_timestamps(series, dated=is_dated, reason=f"the first timestamp is of {kind}")
    reason = "for a forecast without training"
    check_lengths(series, MIN_HISTORY, reason, "Give more history.")


def _covariates(series: Sequence[Series]) -> Flaws:
    advice = (
        "a forecast without a trained model reads no covariates: leave them out, or "
        "train a model with them and ask POST /v1/models/NAME/forecast"
    )
    for index, history in enumerate(series):
        for role in ROLES:
            for name in sent_values(history, role):
                yield ("body", "series", index, f"{role}_covariates", name), advice
