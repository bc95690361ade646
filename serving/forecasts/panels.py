"""From the series of a request to the library's panel; every flaw has its place."""

from collections.abc import Sequence
from itertools import islice

from forecasting.data.panel import Panel
from forecasting.errors import DataError, SeriesTooShort
from forecasting.forecaster.history import least_history
from forecasting.forecaster.trained_model import TrainedModel
from serving.errors import MAX_FLAWS, RequestError
from serving.forecasts.covariates import Flaws, by_name, covariate_flaws
from serving.schemas.series import Series

LARGEST_STEP = 2**53  # what every reader of JSON takes for an exact integer


def make_panel(
    series: Sequence[Series], fitted: TrainedModel, *, horizon: int
) -> Panel:
    """Return the series of a request as a panel on the model's calendar.

    Args:
        series: as they were sent.
        fitted: the model.
        horizon: steps ahead that are asked for.

    Raises:
        RequestError: series cannot be used; each is named by its place.
    """
    _raise_if_any(_duplicates(series))
    _raise_if_any(_mixed(series))
    freq = fitted.context.calendar.freq
    _raise_if_any(_other_axis(series, dated=freq is not None))
    _check_lengths(series, least_history(fitted))
    _raise_if_any(covariate_flaws(series, fitted.covariates, horizon))
    try:
        return _to_panel(series, freq)
    except DataError as error:
        found = list(islice(_each_alone(series, freq), MAX_FLAWS))
        raise RequestError(
            found or [(("body", "series"), str(error))], error
        ) from error


def _to_panel(series: Sequence[Series], freq: str | None) -> Panel:
    dated = series[0].timestamps is not None
    return Panel.from_values(
        {one.id: one.values for one in series},
        timestamps={one.id: one.timestamps or [] for one in series} if dated else None,
        freq=freq,
        past_covariates=by_name(series, "past"),
        known_covariates=by_name(series, "known"),
        static_covariates=by_name(series, "static"),
    )


def _raise_if_any(flaws: Flaws) -> None:
    found = list(islice(flaws, MAX_FLAWS))
    if found:
        raise RequestError(found)


def _duplicates(series: Sequence[Series]) -> Flaws:
    first: dict[str, int] = {}
    for i, one in enumerate(series):
        if first.setdefault(one.id, i) != i:
            place = f"series {first[one.id]}"
            yield (
                ("body", "series", i, "id"),
                f"{one.id!r} is the id of {place} already",
            )


def _mixed(series: Sequence[Series]) -> Flaws:
    dated = series[0].timestamps is not None
    for i, one in enumerate(series):
        if (one.timestamps is not None) != dated:
            loc = ("body", "series", i, "timestamps")
            yield loc, "give timestamps for every series, or for none"
        elif one.timestamps is not None and len(one.timestamps) != len(one.values):
            found = f"{len(one.values)} values and {len(one.timestamps)} timestamps"
            loc = ("body", "series", i, "timestamps")
            yield loc, f"{found}; give one timestamp for each value"


def _other_axis(series: Sequence[Series], *, dated: bool) -> Flaws:
    """Yield timestamps that are of another kind than the model's, or out of reach."""
    wanted = str if dated else int
    advice = (
        "this model's series have dates: send text such as 2024-01-31"
        if dated
        else "this model's series have no dates: send integer steps, or no timestamps"
    )
    for i, one in enumerate(series):
        stamps = one.timestamps or []
        if set(map(type, stamps)) - {wanted}:
            at = next(j for j, stamp in enumerate(stamps) if type(stamp) is not wanted)
            yield ("body", "series", i, "timestamps", at), advice
        elif not dated and max(map(abs, stamps), default=0) > LARGEST_STEP:
            loc = ("body", "series", i, "timestamps")
            yield loc, f"a step is at most {LARGEST_STEP}"


def _check_lengths(series: Sequence[Series], least: int) -> None:
    short = [(i, one) for i, one in enumerate(series) if len(one.values) < least]
    if short:
        lengths = [(one.id, len(one.values)) for _, one in short]
        cause = SeriesTooShort(lengths, least, f"seq_len {least}")
        flaws = [
            (
                ("body", "series", i, "values"),
                f"{len(one.values)} values; at least {least} are needed",
            )
            for i, one in short[:MAX_FLAWS]
        ]
        raise RequestError(flaws, cause)


def _each_alone(series: Sequence[Series], freq: str | None) -> Flaws:
    """Yield what is wrong with each series taken by itself."""
    parts = [(0, len(series))]  # halved until one is wrong: most series never are
    while parts:
        begin, end = parts.pop()
        try:
            _to_panel(series[begin:end], freq)
        except DataError as error:
            if end - begin == 1:
                yield ("body", "series", begin, "timestamps"), str(error)
            else:
                middle = (begin + end) // 2
                parts += [(middle, end), (begin, middle)]
