"""Limits on the series, observations, steps and levels of requests of all protocols."""

from serving.errors import RequestError, RequestTooLarge
from serving.http.locations import V1_LOCATIONS, FlawLocations
from serving.settings import Settings


def check_limits(
    settings: Settings,
    *,
    series: int,
    points: int,
    horizon: int | None,
    levels: int,
    numbers: int,
    locations: FlawLocations = V1_LOCATIONS,
) -> None:
    """Refuse a request over the limits.

    Args:
        settings: the limits.
        series: number of series in the request.
        points: number of observations in the request.
        horizon: requested steps ahead; None for the trained horizon, which is not
            limited.
        levels: intervals per step.
        numbers: numbers in the response.
        locations: locations of flaws.

    Raises:
        RequestError: the horizon is too long, or there are too many levels.
        RequestTooLarge: there are too many series, observations or numbers.
    """
    if horizon is not None and horizon > settings.max_horizon:
        message = f"at most {settings.max_horizon} steps ahead; found {horizon}"
        raise RequestError([(locations.horizon, message)])
    if levels > settings.max_levels:
        message = f"at most {settings.max_levels} levels; found {levels}"
        raise RequestError([(locations.levels, message)])
    if series > settings.max_series:
        raise RequestTooLarge("series", series, settings.max_series, locations.series)
    if points > settings.max_points:
        raise RequestTooLarge(
            "observations", points, settings.max_points, locations.series
        )
    if numbers > settings.max_points:
        items = "numbers would be in the answer"
        raise RequestTooLarge(items, numbers, settings.max_points, locations.body)
