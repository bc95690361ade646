"""How much a request may ask for, in every protocol."""

from typing import NamedTuple

from serving.errors import Loc, RequestError, RequestTooLarge
from serving.settings import Settings


class Places(NamedTuple):
    """Where a protocol has what is limited: flaws are reported there."""

    horizon: Loc
    levels: Loc
    series: Loc
    whole: Loc = ("body",)


OWN = Places(("body", "horizon"), ("body", "levels"), ("body", "series"))


def check_limits(
    settings: Settings,
    *,
    series: int,
    points: int,
    horizon: int | None,
    levels: int,
    numbers: int,
    places: Places = OWN,
) -> None:
    """Refuse what asks for more than the limits.

    Args:
        settings: the limits.
        series: that were sent.
        points: observations that were sent.
        horizon: steps ahead that were asked for; None for what the model was trained
            for, which is no matter of the limits.
        levels: intervals a step.
        numbers: in the answer.
        places: that flaws are reported for.

    Raises:
        RequestError: the horizon is too long, or there are too many levels.
        RequestTooLarge: there are too many series, observations or numbers.
    """
    if horizon is not None and horizon > settings.max_horizon:
        message = f"at most {settings.max_horizon} steps ahead; found {horizon}"
        raise RequestError([(places.horizon, message)])
    if levels > settings.max_levels:
        message = f"at most {settings.max_levels} levels; found {levels}"
        raise RequestError([(places.levels, message)])
    if series > settings.max_series:
        raise RequestTooLarge("series", series, settings.max_series, places.series)
    if points > settings.max_points:
        raise RequestTooLarge(
            "observations", points, settings.max_points, places.series
        )
    if numbers > settings.max_points:
        what = "numbers would be in the answer"
        raise RequestTooLarge(what, numbers, settings.max_points, places.whole)
