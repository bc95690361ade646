"""Decoding of the covariates of a request by the model's types; each flaw has a place.

A request carries covariates as raw JSON: numbers or text, as in the training.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from msgspec import Raw

from forecasting.covariates.encoding import Covariate, Covariates
from forecasting.data.covariates import ROLES, Role, as_text
from forecasting.errors import join_shown
from serving.errors import MAX_FLAWS, Loc, RequestError
from serving.http.decoding import BodyDecoder
from serving.schemas.request import ForecastRequest, Series, ZeroShotRequest

Flaws = Iterator[tuple[Loc, str]]
CovariateValues = Mapping[Role, dict[str, dict[str, Any]]]  # by role, name, series id

NUMBERS = BodyDecoder[list[float]](list[float])
TEXTS = BodyDecoder[list[Any]](list[str | int | float])  # whole numbers become text
NUMBER = BodyDecoder[float](float)
TEXT = BodyDecoder[Any](str | int | float)
ANY_VALUES = BodyDecoder[Any](list[str | float] | str | float)


def read_covariates(
    series: Sequence[Series], covariates: Covariates, horizon: int
) -> CovariateValues:
    """Decode the covariates of all series, as `Panel.from_values` takes them.

    Args:
        series: series of the request.
        covariates: of the model.
        horizon: requested steps ahead.

    Raises:
        RequestError: covariates are missing, short, unknown or of another type; names
            the first flaws, series after series.
    """
    values: CovariateValues = {
        role: {name: {} for name in covariates.names(role)} for role in ROLES
    }
    flaws: list[tuple[Loc, str]] = []
    for index, history in enumerate(series):
        loc: Loc = ("body", "series", index)
        flaws += islice(_wrong_fields(history, covariates, loc), MAX_FLAWS)
        for column in covariates.columns:
            try:
                sent = _read_column(column, history, horizon, loc)
            except RequestError as error:
                flaws += [(tuple(flaw.loc), flaw.msg) for flaw in error.flaws]
            else:
                values[column.role][column.name][history.id] = sent
        if len(flaws) >= MAX_FLAWS:
            break
    if flaws:
        raise RequestError(flaws[:MAX_FLAWS])
    return values


def locate_infinite(request: ForecastRequest | ZeroShotRequest) -> Loc | None:
    """Return the location of the first infinite number in the covariates, or None."""
    for index, history in enumerate(request.series or ()):
        for role in ROLES:
            for name, raw in sent_values(history, role).items():
                loc = ("body", "series", index, f"{role}_covariates", name)
                try:
                    ANY_VALUES.decode(raw, loc)
                except RequestError as error:
                    return tuple(error.flaws[0].loc)
    return None


def _wrong_fields(history: Series, covariates: Covariates, loc: Loc) -> Flaws:
    """Yield unknown covariates, and timestamps that are missing for the seasons."""
    if covariates.cycles and history.timestamps is None:
        advice = "this model takes the seasons from the timestamps: send them"
        yield (*loc, "timestamps"), advice
    for role in ROLES:
        names = covariates.names(role)
        for name in sent_values(history, role):
            if name not in names:
                listed = join_shown(map(repr, names)) or "none"
                text = f"the model has no such {role} covariate; there is: {listed}"
                yield (*loc, f"{role}_covariates", name), text


def _read_column(column: Covariate, history: Series, horizon: int, loc: Loc) -> Any:
    """Return the values of a covariate, or the value of a static one.

    Raises:
        RequestError: it is missing, short, or of another type.
    """
    role, count, is_text = (
        column.role,
        len(history.values),
        column.categories is not None,
    )
    loc = (*loc, f"{role}_covariates", column.name)
    raw = sent_values(history, role).get(column.name)
    if role == "static":
        if raw is None:
            raise RequestError([(loc, "missing; one value is needed")])
        value = (TEXT if is_text else NUMBER).decode(raw, loc)
        if is_text:
            _check_categories(column, [value], loc)
        return value
    needed, reason = count, f"one for each of the {count} observations"
    if role == "known":
        needed += horizon
        reason += f" and each of the {horizon} steps ahead"
    if raw is None:
        raise RequestError([(loc, f"missing; {needed} values are needed, {reason}")])
    values: list[Any] = (TEXTS if is_text else NUMBERS).decode(raw, loc)
    if len(values) < needed or (role == "past" and len(values) > needed):
        text = f"{len(values)} values; {needed} are needed, {reason}"
        raise RequestError([(loc, text)])
    if is_text:
        _check_categories(column, values, loc)
    return values


def _check_categories(column: Covariate, values: Sequence[Any], loc: Loc) -> None:
    """Check that numbers that are sent for categories are among these.

    ``1`` is the category ``'1'``, but not ``'01'``.

    Raises:
        RequestError: some numbers are no category; names the first of these.
    """
    numbers = [i for i, value in enumerate(values) if not isinstance(value, str)]
    if not numbers:
        return
    names = as_text(np.array([values[i] for i in numbers], dtype=object))
    categories = set(column.categories or ())
    unknown = [
        i for i, name in zip(numbers, names, strict=True) if name not in categories
    ]
    shown = join_shown(map(repr, column.categories or ()))
    advice = f"{column.name!r} has categories ({shown}): send text, not the number"
    is_static = column.role == "static"
    flaws = [
        (loc if is_static else (*loc, i), f"{advice} {values[i]}")
        for i in unknown[:MAX_FLAWS]
    ]
    if flaws:
        raise RequestError(flaws)


def sent_values(history: Series, role: Role) -> Mapping[str, Raw]:
    """Return the covariates of a role in a request, by name."""
    if role == "static":
        return history.static_covariates
    return history.past_covariates if role == "past" else history.known_covariates
