"""Schema of series in files and frames: columns, their roles, and how they are written.

A user's schema is incomplete, and reading infers the rest. The panel that was read has
the complete one, and a model keeps it, to read new observations in the same way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, get_args

from forecasting.data.covariates import ROLES, Role
from forecasting.errors import SettingError
from forecasting.timestamps.parsing.strptime import parse_time_format
from forecasting.timestamps.zones import check_zone

Missing = Literal["error", "interpolate", "forward", "mean", "zero"]
Decimal = Literal[".", ","]
Aggregate = Literal["mean", "sum", "min", "max", "first", "last"]
CHOICES = {
    "missing": get_args(Missing),
    "decimal": get_args(Decimal),
    "aggregate": get_args(Aggregate),
}
Names = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Columns of series and how their values are written; None is inferred.

    Attributes:
        time: columns of the timestamps, joined where there are several; empty where
            rows are numbered.
        target: column of the values to forecast.
        series_id: columns of the series' names, joined where there are several; empty
            for a single series.
        past_covariates: columns with values up to the last observation.
        known_covariates: columns with values for the steps ahead too.
        static_covariates: columns that never change within a series.
        text: covariates that hold categories, even if they look like numbers.
        freq: pandas alias of the frequency.
        zone: time zone whose clocks the timestamps follow: naive ones are its local
            times, and forecasts are in it.
        time_format: of the timestamps, in the form of `datetime.strptime`, with ``%q``
            for quarters; or ``excel``, or ``epoch_s`` and the like for numbers.
        decimal: mark before the decimals, ``.`` or ``,``.
        encoding: of a file, as Python names it.
        missing: ``error`` refuses missing values and moments. ``forward`` repeats the
            value before, ``mean`` takes the mean of all values before, ``zero`` puts
            in zeros. ``interpolate`` draws a line to the next value: it looks ahead.
        resample: pandas alias of the steps to which irregular rows are gathered.
        aggregate: value of the rows of one step: ``mean``, ``sum``, ``min``, ``max``,
            ``first`` or ``last``.
    """

    time: Names | None = None
    target: str | None = None
    series_id: Names | None = None
    past_covariates: Names = ()
    known_covariates: Names = ()
    static_covariates: Names = ()
    text: Names = ()
    freq: str | None = None
    zone: str | None = None
    time_format: str | None = None
    decimal: Decimal | None = None
    encoding: str | None = None
    missing: Missing = "error"
    resample: str | None = None
    aggregate: Aggregate | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            SettingError: a value is none of those that a setting takes, the zone is
                none, or a column is named for two roles.
        """
        for key, choices in CHOICES.items():
            value = getattr(self, key)
            if value is not None and value not in choices:
                raise SettingError(key, value, f"one of {', '.join(choices)}")
        if self.zone is not None:
            check_zone(self.zone)
        if self.time_format is not None:
            parse_time_format(self.time_format)
        names = [*(self.time or ()), *(self.series_id or ()), self.target]
        names += [name for role in ROLES for name in self.covariates(role)]
        duplicates = {name for name in names if name and names.count(name) > 1}
        if duplicates:
            raise SettingError("columns", min(duplicates), "named for one role each")

    @classmethod
    def of(cls, **settings: Any) -> Self:
        """Build a schema from settings of a user, a single name as text.

        Raises:
            SettingError: as the constructor.
        """
        return cls(**{key: _to_names(key, value) for key, value in settings.items()})

    @property
    def roles(self) -> dict[str, Role]:
        """Role of each covariate, by name."""
        return {name: role for role in ROLES for name in self.covariates(role)}

    @property
    def named(self) -> Names:
        """Columns that have a role."""
        target = () if self.target is None else (self.target,)
        return (*(self.time or ()), *target, *(self.series_id or ()), *self.roles)

    @property
    def is_complete(self) -> bool:
        """Whether the schema is that of series that were read."""
        return None not in (self.time, self.target, self.series_id)

    def covariates(self, role: Role) -> Names:
        """Return the names of the covariates of a role."""
        names: Names = getattr(self, f"{role}_covariates")
        return names

    def override(self, settings: Mapping[str, Any]) -> Self:
        """Return the schema with other settings; None keeps the one that is there."""
        changes = {
            key: _to_names(key, value)
            for key, value in settings.items()
            if value is not None
        }
        return replace(self, **changes)

    def to_plain(self) -> dict[str, Any]:
        """Return the schema as plain values for JSON, without defaults."""
        default = type(self)()
        pairs = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in pairs.items()
            if value != getattr(default, key)
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Build the schema from the result of `to_plain`."""
        return cls.of(**plain)


def split_list(text: str) -> Names:
    """Split a list of columns as an option has it: ``store, item``."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


NAME_SETTINGS = (
    *("time", "series_id", "text"),
    *(f"{role}_covariates" for role in ROLES),
)


def _to_names(key: str, value: Any) -> Any:
    if key not in NAME_SETTINGS or value is None:
        return value
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, Sequence):
        raise SettingError(key, value, "a column, or a list of columns")
    return tuple(map(str, value))
