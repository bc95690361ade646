"""The covariates of a request: each flaw has its place."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from forecasting.covariates.encoding import Covariate, Covariates
from forecasting.data.covariates import ROLES, Role
from forecasting.errors import join_shown
from serving.errors import Loc
from serving.schemas.series import Series

LARGEST = sys.float_info.max


Flaws = Iterator[tuple[Loc, str]]


def covariate_flaws(
    series: Sequence[Series], covariates: Covariates, horizon: int
) -> Flaws:
    """Yield what is missing, short, or not the model's, series after series."""
    for i, one in enumerate(series):
        loc: Loc = ("body", "series", i)
        if covariates.cycles and one.timestamps is None:
            advice = "this model takes the seasons from the timestamps: send them"
            yield (*loc, "timestamps"), advice
        for role in ROLES:
            field, given = f"{role}_covariates", _given(one, role)
            names = covariates.names(role)
            for name in given:
                if name not in names:
                    there = join_shown(map(repr, names)) or "none"
                    text = f"the model has no such {role} covariate; there is: {there}"
                    yield (*loc, field, name), text
            for column in covariates.columns:
                if column.role == role:
                    place: Loc = (*loc, field, column.name)
                    yield from _flaws_of(column, one, horizon, place)


def by_name(series: Sequence[Series], role: Role) -> dict[str, dict[str, Any]]:
    """Return the covariates of a role as `Panel.from_values` takes them."""
    return {
        name: {one.id: _given(one, role)[name] for one in series}
        for name in _given(series[0], role)
    }


def _given(one: Series, role: Role) -> Mapping[str, Any]:
    if role == "static":
        return one.static_covariates
    return one.past_covariates if role == "past" else one.known_covariates


def _flaws_of(column: Covariate, one: Series, horizon: int, loc: Loc) -> Flaws:
    given, count = _given(one, column.role), len(one.values)
    if column.role == "static":
        if column.name not in given:
            yield loc, "missing; one value is needed"
        elif flaw := _wrong(column, given[column.name]):
            yield loc, flaw
        return
    needed, of = count, f"one for each of the {count} observations"
    if column.role == "known":
        needed, of = count + horizon, f"{of} and each of the {horizon} steps ahead"
    values = given.get(column.name)
    if values is None:
        yield loc, f"missing; {needed} values are needed, {of}"
    elif len(values) < needed or (column.role == "past" and len(values) > needed):
        yield loc, f"{len(values)} values; {needed} are needed, {of}"
    else:
        found = ((j, _wrong(column, value)) for j, value in enumerate(values))
        yield from (((*loc, j), flaw) for j, flaw in found if flaw)


def _wrong(column: Covariate, value: Any) -> str | None:
    """Say what is wrong with a value, if anything."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and not abs(value) <= LARGEST:  # nor is NaN
        return "a finite number is needed"
    if column.categories is None:
        return None if number else "a number is needed"
    return None if number or isinstance(value, str) else "text is needed"
