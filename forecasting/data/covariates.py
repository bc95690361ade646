"""Covariates by series: values beside the observations, and future values.

A known covariate may extend beyond the last observation of its series. These future
values are stored apart from the observations, since only a forecast may read them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.errors import (
    DataError,
    InvalidValues,
    MissingCovariates,
    UnknownSeries,
    join_shown,
)
from forecasting.types import IntArray

Role = Literal["past", "known", "static"]
ROLES: tuple[Role, ...] = get_args(Role)
Column = npt.NDArray[Any]  # float64, or text as objects
BySeries = Mapping[str, Mapping[str, Sequence[Any] | Column]]  # name, then series id


@dataclass(frozen=True, slots=True)
class FutureValues:
    """Values of a known covariate in the steps after the end of each series.

    Attributes:
        values: all series one after another, nearest step first.
        offsets: borders, ``(series + 1,)``; a series may have no value.
    """

    values: Column
    offsets: IntArray

    @classmethod
    def join(cls, parts: Sequence[Column]) -> Self:
        """Concatenate the values of the series."""
        return cls(np.concatenate(parts), _offsets([len(part) for part in parts]))

    @property
    def lengths(self) -> IntArray:
        """Number of steps of each series, ``(series,)``."""
        return np.diff(self.offsets)

    def select(
        self, series: IntArray, has_future: npt.NDArray[np.bool_]
    ) -> "FutureValues":
        """Return the steps of some series, none where ``has_future`` is false."""
        counts = np.where(has_future, self.lengths[series], 0)
        offsets = _offsets(counts)
        place = np.arange(offsets[-1]) + np.repeat(
            self.offsets[series] - offsets[:-1], counts
        )
        return FutureValues(self.values[place], offsets)


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelCovariates:
    """Covariates of all series, in the arrays of a panel.

    Attributes:
        columns: by name, the values of the observations, ``(points,)``.
        roles: by name.
        future: by name, the values after the last observations.
    """

    columns: Mapping[str, Column]
    roles: Mapping[str, Role]
    future: Mapping[str, FutureValues]


def join_covariates(
    lengths: Mapping[str, int],
    past_covariates: BySeries,
    known_covariates: BySeries,
    static_covariates: Mapping[str, Mapping[str, Any]],
) -> PanelCovariates:
    """Check covariates by name and series id, and join them to flat columns.

    Args:
        lengths: observations of each series, by id.
        past_covariates, known_covariates: values; a known covariate may have more
            values than its series.
        static_covariates: one value a series.

    Raises:
        MissingCovariates: a series has no value, or fewer values than observations.
        DataError: a name is used twice, or there are more past values than
            observations.
        InvalidValues: a value is missing or infinite.
        UnknownSeries: there are values for a series outside ``lengths``.
    """
    columns: dict[str, Column] = {}
    roles: dict[str, Role] = {}
    future: dict[str, FutureValues] = {}
    groups: tuple[tuple[Role, Mapping[str, Mapping[str, Any]]], ...] = (
        ("past", past_covariates),
        ("known", known_covariates),
        ("static", static_covariates),
    )
    for role, group in groups:
        for name, by_series in group.items():
            if name in roles:
                raise DataError(
                    f"covariate {name!r} is given as {roles[name]} and as {role}; "
                    "give it once."
                )
            unknown = [series for series in by_series if series not in lengths]
            if unknown:
                raise UnknownSeries(unknown, lengths)
            parts = [
                _series_values(name, role, series, by_series.get(series), length)
                for series, length in lengths.items()
            ]
            joined = as_column(name, np.concatenate(parts))
            ends = np.cumsum([len(part) for part in parts])[:-1]
            split = np.split(joined, ends)
            pairs = list(zip(split, lengths.values(), strict=True))
            columns[name] = np.concatenate([part[:end] for part, end in pairs])
            roles[name] = role
            if role == "known":
                future[name] = FutureValues.join([part[end:] for part, end in pairs])
    return PanelCovariates(columns=columns, roles=roles, future=future)


def join_future(
    ids: Sequence[str], roles: Mapping[str, Role], values: BySeries
) -> dict[str, FutureValues]:
    """Join known covariates of the steps after the last observations.

    Args:
        ids: names of the series.
        roles: role of each covariate of the panel, by name.
        values: by name and series id, nearest step first.

    Raises:
        DataError: a name is not that of a known covariate.
        UnknownSeries: there are values for a series outside ``ids``.
        InvalidValues: a value is missing or infinite.
    """
    future = {}
    for name, by_series in values.items():
        if roles.get(name) != "known":
            available = join_shown(
                repr(covariate) for covariate, role in roles.items() if role == "known"
            )
            raise DataError(
                f"future: {name!r} is no known covariate of the series; known ones "
                f"are: {available or 'none'}. Leave it out, or check its name."
            )
        unknown = [series for series in by_series if series not in ids]
        if unknown:
            raise UnknownSeries(unknown, ids)
        parts = [_to_column(by_series.get(series, ())) for series in ids]
        offsets = _offsets([len(part) for part in parts])
        future[name] = FutureValues(as_column(name, np.concatenate(parts)), offsets)
    return future


def as_column(name: str, values: Column) -> Column:
    """Return a covariate as float64 or, where any value is text, as text.

    Raises:
        InvalidValues: a value is missing or infinite.
    """
    invalid = np.flatnonzero(pd.isna(values))
    kind = "missing values"
    if not len(invalid):
        if values.dtype.kind in "biuf" or not any(isinstance(v, str) for v in values):
            values = _as_numbers(name, values)
            invalid, kind = np.flatnonzero(~np.isfinite(values)), "infinite values"
        else:
            values = as_text(values)
    if len(invalid):
        places = [f"place {i + 1}" for i in invalid]
        raise InvalidValues(name, places, kind, "Give a value for every step.")
    return values


def as_text(values: Column) -> Column:
    """Convert values to text, whole numbers without a decimal point."""
    return np.array(
        [
            str(int(v)) if isinstance(v, float) and v.is_integer() else str(v)
            for v in values.tolist()
        ],
        dtype=object,
    )


def _as_numbers(name: str, values: Column) -> Column:
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError):
        kinds = sorted({type(value).__name__ for value in values})
        raise DataError(
            f"covariate {name!r} must be numbers or text; found {', '.join(kinds)}."
        ) from None


def _series_values(
    name: str, role: Role, series: str, entry: Any, length: int
) -> Column:
    """Return the values of one series after a check of their number."""
    if entry is None:
        expected = "one value" if role == "static" else f"{length} values"
        raise MissingCovariates(role, name, series, expected, "none")
    if role == "static":
        return np.full(length, entry, dtype=object)
    values = _to_column(entry)
    if len(values) < length:
        expected = f"{length} values, one for each observation"
        raise MissingCovariates(role, name, series, expected, str(len(values)))
    if role == "past" and len(values) > length:
        raise DataError(
            f"past covariate {name!r} of series {series!r} has {len(values)} values "
            f"and the series {length}; give one for each observation."
        )
    return values


def _to_column(entry: Sequence[Any] | Column) -> Column:
    if isinstance(entry, np.ndarray):
        return entry if entry.dtype.kind in "biuf" else entry.astype(object)
    values = np.empty(len(entry), dtype=object)
    values[:] = list(entry)
    return values


def _offsets(lengths: Sequence[int] | IntArray) -> IntArray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
