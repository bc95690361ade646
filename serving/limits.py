"""Bodies of other protocols than our own: read, and held to the service's limits."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from serving.errors import Loc, RequestError, RequestTooLarge
from serving.settings import Settings

Body = TypeVar("Body", bound=BaseModel)


def read_body(kind: type[Body], body: bytes) -> Body:
    """Return the JSON of a body as an object.

    Raises:
        RequestError: it is no JSON, or has another shape.
    """
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(
            include_url=False, include_context=False, include_input=False
        )
        raise RequestError(
            (("body", *one["loc"]), one["msg"].removeprefix("Value error, "))
            for one in found
        ) from None


def check_limits(
    settings: Settings, *, series: int, points: int, horizon: int, levels: int, at: Loc
) -> None:
    """Refuse what asks for more than the limits.

    Args:
        settings: the limits.
        series: that are asked for.
        points: observations that were sent.
        horizon: steps ahead.
        levels: intervals a step.
        at: the place that flaws are reported for.

    Raises:
        RequestError: the horizon is too long, or there are too many levels.
        RequestTooLarge: there are too many series, observations or numbers.
    """
    if horizon > settings.max_horizon:
        message = f"at most {settings.max_horizon} steps ahead; found {horizon}"
        raise RequestError([(at, message)])
    if levels > settings.max_levels:
        message = f"at most {settings.max_levels} levels; found {levels}"
        raise RequestError([(at, message)])
    numbers = series * horizon * (1 + 2 * levels)
    for what, found, most in (
        ("series", series, settings.max_series),
        ("observations", points, settings.max_points),
        ("numbers would be in the answer", numbers, settings.max_points),
    ):
        if found > most:
            raise RequestTooLarge(what, found, most, at)
