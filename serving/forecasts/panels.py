"""Conversion of a request's series to a `Panel`; each flaw has its location."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from forecasting.data.panel import Panel
from forecasting.errors import DataError, IrregularTimestamps, SeriesTooShort
from forecasting.forecaster.trained_model import TrainedModel
from forecasting.timestamps.calendar import Calendar
from serving.errors import MAX_FLAWS, RequestError
from serving.forecasts.covariates import CovariateValues, Flaws, read_covariates
from serving.forecasts.sent_times import SentTimes, read_times
from serving.schemas.request import Series

MAX_STEP = 2**53  # largest range of integers that every JSON parser reads exactly


def make_panel(
    series: Sequence[Series], fitted: TrainedModel, *, horizon: int
) -> Panel:
    """Return the series of a request as a panel on the model's calendar.

    Args:
        series: series of the request.
        fitted: the trained model.
        horizon: requested steps ahead.

    Raises:
        RequestError: series cannot be used; names the location of each.
    """
    covariates = check_series(series, fitted, horizon=horizon)
    return to_panel(series, fitted, covariates)[0]


def check_series(
    series: Sequence[Series], fitted: TrainedModel, *, horizon: int
) -> CovariateValues:
    """Check the series of a request and return their covariates.

    Args:
        series, fitted, horizon: as `make_panel`.

    Raises:
        RequestError: as `make_panel`, except for dates that lie on no calendar.
    """
    check_ids(series)
    raise_if_any(_unknown(series, fitted))
    is_dated = fitted.context.calendar.freq is not None
    kind = "dates" if is_dated else "no dates"
    check_timestamps(series, dated=is_dated, reason=f"this model's series have {kind}")
    minimum = fitted.min_observations
    check_lengths(series, minimum, f"seq_len {minimum}")
    return read_covariates(series, fitted.covariates, horizon)


def check_ids(series: Sequence[Series]) -> None:
    """Check that no id occurs twice.

    Raises:
        RequestError: one does.
    """
    raise_if_any(_duplicates(series))


def check_timestamps(series: Sequence[Series], *, dated: bool, reason: str) -> None:
    """Check that all series have timestamps of a kind, one for each value, or none.

    Args:
        series: series of the request.
        dated: whether timestamps are dates; else integer steps.
        reason: of the kind, for the message.

    Raises:
        RequestError: some do not; names the location of each.
    """
    raise_if_any(_mixed_timestamps(series))
    raise_if_any(_wrong_timestamps(series, reason, dated=dated))


def has_plain_series(series: Sequence[Series], fitted: TrainedModel) -> bool:
    """Return whether `check_series` has to look at nothing but evenly spaced dates."""
    if (
        fitted.covariates
        or (len(series) > 1 and len({s.id for s in series}) < len(series))
        or fitted.find_unknown(s.id for s in series)
    ):
        return False
    is_dated, minimum = series[0].timestamps is not None, fitted.min_observations
    for history in series:
        count, timestamps = len(history.values), history.timestamps
        if count < minimum or (timestamps is not None) != is_dated:
            return False
        if timestamps is not None and len(timestamps) != count:
            return False
        if (
            history.past_covariates
            or history.known_covariates
            or history.static_covariates
        ):
            return False
    return True


def to_panel(
    series: Sequence[Series], fitted: TrainedModel, covariates: CovariateValues
) -> tuple[Panel, SentTimes | None]:
    """Return checked series as a panel on the model's calendar.

    Returns:
        The panel, and its timestamps as they were sent; None for steps, and for series
        without timestamps.

    Raises:
        RequestError: timestamps cannot be used; names the location of each.
    """
    calendar = fitted.context.calendar
    try:
        return _join(series, calendar, covariates)
    except DataError as error:
        raise locate_flaws(
            error, series, lambda part: _join(part, calendar, None)
        ) from error


def locate_flaws(
    error: DataError,
    series: Sequence[Series],
    join: Callable[[Sequence[Series]], object],
) -> RequestError:
    """Return the error of series that cannot form a panel, with each flaw's location.

    Args:
        error: of all series together.
        series: series of the request.
        join: makes a panel of some series, or raises a `DataError`.
    """
    flaws = list(islice(_single_flaws(series, join), MAX_FLAWS))
    return RequestError(flaws or [(("body", "series"), str(error))], error)


def _join(
    series: Sequence[Series], calendar: Calendar, covariates: CovariateValues | None
) -> tuple[Panel, SentTimes | None]:
    if series[0].timestamps is None:
        return _from_values(series, None, None, covariates), None
    if calendar.freq is None:
        steps = [history.timestamps or [] for history in series]
        return _from_values(series, steps, calendar, covariates), None
    times = read_times(series, calendar)
    try:
        return _from_values(series, times.columns(), calendar, covariates), times
    except IrregularTimestamps:
        local = times.by_wall_time()
        if local is None:
            raise
        return _from_values(series, local.columns(), calendar, covariates), local


def _from_values(
    series: Sequence[Series],
    stamps: Sequence[Any] | None,
    calendar: Calendar | None,
    covariates: CovariateValues | None,
) -> Panel:
    names = [history.id for history in series]
    by_role = covariates or {}
    return Panel.from_values(
        {history.id: history.values for history in series},
        timestamps=None if stamps is None else dict(zip(names, stamps, strict=True)),
        trained=calendar,
        past_covariates=by_role.get("past"),
        known_covariates=by_role.get("known"),
        static_covariates=by_role.get("static"),
    )


def raise_if_any(flaws: Flaws) -> None:
    """Raise the first flaws as a `RequestError`, if there are any."""
    first_flaws = list(islice(flaws, MAX_FLAWS))
    if first_flaws:
        raise RequestError(first_flaws)


def _duplicates(series: Sequence[Series]) -> Flaws:
    first: dict[str, int] = {}
    for index, history in enumerate(series):
        if first.setdefault(history.id, index) != index:
            place = f"series {first[history.id]}"
            yield (
                ("body", "series", index, "id"),
                f"{history.id!r} is the id of {place} already",
            )


def _unknown(series: Sequence[Series], fitted: TrainedModel) -> Flaws:
    """Yield the series without a model, where each has one of its own."""
    unknown = set(fitted.find_unknown(history.id for history in series))
    for index, history in enumerate(series):
        if history.id in unknown:
            yield (
                ("body", "series", index, "id"),
                f"{history.id!r} has no model: this version holds a model a series, of "
                f"{len(fitted.context)} series: see series_ids of the model",
            )


def _mixed_timestamps(series: Sequence[Series]) -> Flaws:
    dated = series[0].timestamps is not None
    for index, history in enumerate(series):
        if (history.timestamps is not None) != dated:
            loc = ("body", "series", index, "timestamps")
            yield loc, "give timestamps for every series, or for none"
            continue
        count, length = len(history.timestamps or ()), len(history.values)
        if history.timestamps is not None and count != length:
            lengths = f"{length} values and {count} timestamps"
            loc = ("body", "series", index, "timestamps")
            yield loc, f"{lengths}; give one timestamp for each value"


def _wrong_timestamps(series: Sequence[Series], reason: str, *, dated: bool) -> Flaws:
    """Yield timestamps of another kind than dates or steps, and steps out of range."""
    kind = str if dated else int
    advice = "text such as 2024-01-31" if dated else "integer steps, or no timestamps"
    advice = f"{reason}: send {advice}"
    for index, history in enumerate(series):
        stamps = history.timestamps or []
        if set(map(type, stamps)) - {kind}:
            position = next(
                j for j, item in enumerate(stamps) if type(item) is not kind
            )
            yield ("body", "series", index, "timestamps", position), advice
        elif not dated and max(map(abs, stamps), default=0) > MAX_STEP:  # type: ignore[arg-type]
            loc = ("body", "series", index, "timestamps")
            yield loc, f"a step is at most {MAX_STEP}"


def check_lengths(
    series: Sequence[Series],
    minimum: int,
    reason: str,
    advice: str = SeriesTooShort.ADVICE,
) -> None:
    """Check that each series has enough values.

    Raises:
        RequestError: some have not; names the location of each.
    """
    short = [
        (index, history)
        for index, history in enumerate(series)
        if len(history.values) < minimum
    ]
    if short:
        lengths = [(history.id, len(history.values)) for _, history in short]
        cause = SeriesTooShort(lengths, minimum, reason, advice)
        flaws = [
            (
                ("body", "series", index, "values"),
                f"{len(history.values)} values; at least {minimum} are needed",
            )
            for index, history in short[:MAX_FLAWS]
        ]
        raise RequestError(flaws, cause)


def _single_flaws(
    series: Sequence[Series], join: Callable[[Sequence[Series]], object]
) -> Flaws:
    """Yield the series that cannot form a panel, each with its error."""
    parts = [(0, len(series))]  # bisection: few series are wrong
    while parts:
        begin, end = parts.pop()
        try:
            join(series[begin:end])
        except DataError as error:
            if end - begin == 1:
                yield ("body", "series", begin, "timestamps"), str(error)
            else:
                middle = (begin + end) // 2
                parts += [(middle, end), (begin, middle)]
