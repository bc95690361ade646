"""Validation of the covariates of a request; each flaw has its location."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from forecasting.covariates.encoding import Covariate, Covariates
from forecasting.data.covariates import ROLES, Role
from forecasting.errors import join_shown
from serving.errors import Loc
from serving.schemas.series import Series

MAX_NUMBER = sys.float_info.max
Flaws = Iterator[tuple[Loc, str]]


def covariate_flaws(
    series: Sequence[Series], covariates: Covariates, horizon: int
) -> Flaws:
    """Yield missing, short and unknown covariates, series after series."""
    for index, history in enumerate(series):
        loc: Loc = ("body", "series", index)
        if covariates.cycles and history.timestamps is None:
            advice = "this model takes the seasons from the timestamps: send them"
            yield (*loc, "timestamps"), advice
        for role in ROLES:
            field, values = f"{role}_covariates", _values_of(history, role)
            names = covariates.names(role)
            for name in values:
                if name not in names:
                    listed = join_shown(map(repr, names)) or "none"
                    text = f"the model has no such {role} covariate; there is: {listed}"
                    yield (*loc, field, name), text
            for column in covariates.columns:
                if column.role == role:
                    place: Loc = (*loc, field, column.name)
                    yield from _flaws_of(column, history, horizon, place)


def by_name(series: Sequence[Series], role: Role) -> dict[str, dict[str, Any]]:
    """Return the covariates of a role in the form of `Panel.from_values`."""
    return {
        name: {history.id: _values_of(history, role)[name] for history in series}
        for name in _values_of(series[0], role)
    }


def _values_of(history: Series, role: Role) -> Mapping[str, Any]:
    if role == "static":
        return history.static_covariates
    return history.past_covariates if role == "past" else history.known_covariates


def _flaws_of(column: Covariate, history: Series, horizon: int, loc: Loc) -> Flaws:
    covariates, count = _values_of(history, column.role), len(history.values)
    if column.role == "static":
        if column.name not in covariates:
            yield loc, "missing; one value is needed"
        elif flaw := _flaw_of(column, covariates[column.name]):
            yield loc, flaw
        return
    needed, reason = count, f"one for each of the {count} observations"
    if column.role == "known":
        needed, reason = (
            count + horizon,
            f"{reason} and each of the {horizon} steps ahead",
        )
    values = covariates.get(column.name)
    if values is None:
        yield loc, f"missing; {needed} values are needed, {reason}"
    elif len(values) < needed or (column.role == "past" and len(values) > needed):
        yield loc, f"{len(values)} values; {needed} are needed, {reason}"
    else:
        flaws = ((i, _flaw_of(column, value)) for i, value in enumerate(values))
        yield from (((*loc, i), flaw) for i, flaw in flaws if flaw)


def _flaw_of(column: Covariate, value: Any) -> str | None:
    """Return the flaw of a value, or None."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and not abs(value) <= MAX_NUMBER:  # refuses NaN as well
        return "a finite number is needed"
    if column.categories is None:
        return None if number else "a number is needed"
    return None if number or isinstance(value, str) else "text is needed"
