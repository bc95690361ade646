"""Covariates as they are given by series: as many as the observations, or some ahead.

A known covariate may go on behind the last observation of its series; what is there is
kept apart from the observations, for a forecast alone may look at it.
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
        offsets: borders, ``(series + 1,)``; a series may have none.
    """

    values: Column
    offsets: IntArray

    @classmethod
    def join(cls, parts: Sequence[Column]) -> Self:
        """Put the values of one series after another."""
        return cls(np.concatenate(parts), _borders([len(part) for part in parts]))

    @property
    def lengths(self) -> IntArray:
        """Number of steps of each series, ``(series,)``."""
        return np.diff(self.offsets)

    def select(self, series: IntArray, kept: npt.NDArray[np.bool_]) -> "FutureValues":
        """Return the steps of some series, in that order; none where not ``kept``."""
        counts = np.where(kept, self.lengths[series], 0)
        offsets = _borders(counts)
        place = np.arange(offsets[-1]) + np.repeat(
            self.offsets[series] - offsets[:-1], counts
        )
        return FutureValues(self.values[place], offsets)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenCovariates:
    """Covariates of all series, as a panel keeps them.

    Attributes:
        columns: by name, the part beside the observations, ``(points,)``.
        roles: by name.
        future: by name, the part behind the last observations.
    """

    columns: Mapping[str, Column]
    roles: Mapping[str, Role]
    future: Mapping[str, FutureValues]


def join_covariates(
    lengths: Mapping[str, int],
    past: BySeries,
    known: BySeries,
    static: Mapping[str, Mapping[str, Any]],
) -> GivenCovariates:
    """Check covariates given by name and series id, and put them together.

    Args:
        lengths: observations of each series, by id.
        past, known: values; a known covariate may have more than the series.
        static: one value a series.

    Raises:
        MissingCovariates: a series has no value, or fewer than observations.
        DataError: a name is used twice, or there are more past values than
            observations.
        InvalidValues: a value is missing or infinite.
        UnknownSeries: values are given for a series that is not there.
    """
    columns: dict[str, Column] = {}
    roles: dict[str, Role] = {}
    future: dict[str, FutureValues] = {}
    groups: tuple[tuple[Role, Mapping[str, Mapping[str, Any]]], ...] = (
        ("past", past), ("known", known), ("static", static),
    )  # fmt: skip
    for role, group in groups:
        for name, given in group.items():
            if name in roles:
                raise DataError(
                    f"covariate {name!r} is given as {roles[name]} and as {role}; "
                    "give it once."
                )
            unknown = [series for series in given if series not in lengths]
            if unknown:
                raise UnknownSeries(unknown, lengths)
            parts = [
                _of_series(name, role, series, given.get(series), length)
                for series, length in lengths.items()
            ]
            whole = as_column(name, np.concatenate(parts))
            cuts = np.cumsum([len(part) for part in parts])[:-1]
            split = np.split(whole, cuts)
            pairs = list(zip(split, lengths.values(), strict=True))
            columns[name] = np.concatenate([part[:end] for part, end in pairs])
            roles[name] = role
            if role == "known":
                future[name] = FutureValues.join([part[end:] for part, end in pairs])
    return GivenCovariates(columns=columns, roles=roles, future=future)


def join_future(
    ids: Sequence[str], roles: Mapping[str, Role], known: BySeries
) -> dict[str, FutureValues]:
    """Put together known covariates of the steps behind the series' ends.

    Raises:
        DataError: a name is not that of a known covariate.
        UnknownSeries: values are given for a series that is not there.
        InvalidValues: a value is missing or infinite.
    """
    future = {}
    for name, given in known.items():
        if roles.get(name) != "known":
            there = join_shown(
                repr(one) for one, role in roles.items() if role == "known"
            )
            raise DataError(
                f"future: {name!r} is no known covariate of the series; known ones "
                f"are: {there or 'none'}. Leave it out, or check its name."
            )
        unknown = [series for series in given if series not in ids]
        if unknown:
            raise UnknownSeries(unknown, ids)
        parts = [_listed(given.get(series, ())) for series in ids]
        offsets = _borders([len(part) for part in parts])
        future[name] = FutureValues(as_column(name, np.concatenate(parts)), offsets)
    return future


def as_column(name: str, values: Column) -> Column:
    """Return a covariate as float64 or, where any value is text, as text.

    Raises:
        InvalidValues: a value is missing or infinite.
    """
    lacking = np.flatnonzero(pd.isna(values))
    kind = "missing values"
    if not len(lacking):
        if values.dtype.kind in "biuf" or not any(isinstance(v, str) for v in values):
            values = _as_numbers(name, values)
            lacking, kind = np.flatnonzero(~np.isfinite(values)), "infinite values"
        else:
            values = as_text(values)
    if len(lacking):
        places = [f"place {i + 1}" for i in lacking]
        raise InvalidValues(name, places, kind, "Give a value for every step.")
    return values


def as_text(values: Column) -> Column:
    """Return values as text, whole numbers without a decimal point."""
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


def _of_series(name: str, role: Role, series: str, given: Any, length: int) -> Column:
    """Return the values of one series, checked for their number."""
    if given is None:
        expected = "one value" if role == "static" else f"{length} values"
        raise MissingCovariates(role, name, series, expected, "none")
    if role == "static":
        return np.full(length, given, dtype=object)
    values = _listed(given)
    if len(values) < length:
        expected = f"{length} values, one for each observation"
        raise MissingCovariates(role, name, series, expected, str(len(values)))
    if role == "past" and len(values) > length:
        raise DataError(
            f"past covariate {name!r} of series {series!r} has {len(values)} values "
            f"and the series {length}; give one for each observation."
        )
    return values


def _listed(given: Sequence[Any] | Column) -> Column:
    if isinstance(given, np.ndarray):
        return given if given.dtype.kind in "biuf" else given.astype(object)
    values = np.empty(len(given), dtype=object)
    values[:] = list(given)
    return values


def _borders(lengths: Sequence[int] | IntArray) -> IntArray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
