"""Conversion of the library's errors to errors of requests, with their locations."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from forecasting.errors import (
    DataError,
    ForecastingError,
    MissingCovariates,
    SettingError,
)
from serving.errors import Loc, RequestError


class FlawLocations(NamedTuple):
    """Locations of the fields of a request in a protocol.

    Attributes:
        horizon, levels, series: of the fields with these meanings.
        body: of all together.
        covariates_advice: last sentence of an error about missing covariates; empty for
            the library's.
    """

    horizon: Loc
    levels: Loc
    series: Loc
    body: Loc = ("body",)
    covariates_advice: str = ""

    def of(self, setting: str) -> Loc:
        """Return the location of a setting of the library."""
        if setting in ("freq", "season_length"):
            return (*self.body, setting)
        return {"horizon": self.horizon, "level": self.levels}.get(setting, self.body)


V1_LOCATIONS = FlawLocations(
    ("body", "horizon"),
    ("body", "levels"),
    ("body", "series"),
    covariates_advice="Send the series, with known_covariates for each observation and "
    "each step ahead.",
)


def to_request_error(
    error: ForecastingError, locations: FlawLocations = V1_LOCATIONS
) -> RequestError:
    """Return an error of the library as an error of the request that caused it."""
    if isinstance(error, MissingCovariates) and locations.covariates_advice:
        error = error.advise(locations.covariates_advice)
    loc = locations.series
    if isinstance(error, SettingError):
        loc = locations.of(error.setting)
    return RequestError([(loc, str(error))], error)


@contextmanager
def located_errors(locations: FlawLocations = V1_LOCATIONS) -> Iterator[None]:
    """Raise errors of data and settings as a `RequestError`."""
    try:
        yield
    except (DataError, SettingError) as error:
        raise to_request_error(error, locations) from error
