"""Dates written as text: the form of a column, and its reading from all rows."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.errors import InvalidTimestamps
from forecasting.timestamps.parsing.assembly import (
    YEARS,
    Moments,
    assemble,
    latest_year,
    month_number,
)
from forecasting.timestamps.parsing.evidence import (
    MIN_MOMENTS,
    REGULAR,
    Candidate,
    choose,
    evenness,
)
from forecasting.timestamps.parsing.formats import FORMS, Form, Reading
from forecasting.timestamps.parsing.strptime import (
    TimeFormat,
    format_of_match,
)
from forecasting.timestamps.parsing.words import plain, units_of_name
from forecasting.types import IntArray

OPTION = "--time-format or data.time_format"
ISO_ADVICE = (
    f"Write ISO dates, such as 2020-01-31 or 2020-01-31 13:00, or say the form with "
    f"{OPTION}, such as %d/%m/%Y."
)
SAMPLE = 200  # distinct values, for the choice of a form
MANY = 2000  # distinct values, from which on compiled loops read them
FAST_DIRECTIVES = frozenset("YmdHMSf")
Where = Callable[[int], str]
Matches = Sequence["re.Match[str]"]
LETTER_OF_UNIT = {"week": "w", "month": "m"}


@dataclass(frozen=True, slots=True)
class DateText:
    """Distinct texts of a column of dates.

    Attributes:
        name: name of the column.
        written: the texts by first appearance.
        where: function from the position of a text to its place in messages.
    """

    name: str
    written: Sequence[str]
    where: Where

    def unreadable(self, at: int, like: int | None = None) -> InvalidTimestamps:
        """Return the error of a text that is no date, or none like another."""
        problem = (
            f"{self.written[at]!r:.100} at {self.where(at)} cannot be read as a date"
        )
        if like is not None and like != at:
            problem += f" like {self.written[like]!r:.100}"
        return InvalidTimestamps(self.name, problem, ISO_ADVICE)


@dataclass(frozen=True, slots=True)
class Dates:
    """Dates of distinct texts or numbers, with the decisions on the way.

    Attributes:
        moments: of each text.
        notes: on the decisions.
        time_format: form of the text; None where no such form has all its parts.
    """

    moments: Moments
    notes: list[str]
    time_format: str | None


def find_form(texts: Sequence[str], forms: Sequence[Form] = FORMS) -> Form | None:
    """Return the form of the most texts of a sample; None where none has a form."""
    best: tuple[int, Form | None] = 0, None
    for form in forms:
        fits = [form.pattern.fullmatch(text) is not None for text in texts]
        if texts and all(fits):
            return form
        count = 2 * sum(fits) + fits[0] if texts else 0  # of two, the first value's
        if count > best[0]:
            best = count, form
    return best[1]


def share_of_dates(texts: Sequence[str]) -> float:
    """Return the share of texts, as they are written, that have one common form."""
    sample = [plain(text) for text in texts]
    if not any(mark.isdigit() for text in sample for mark in text):
        return 0.0
    form = find_form(sample)
    if form is None:
        return 0.0
    return sum(form.pattern.fullmatch(text) is not None for text in sample) / len(
        sample
    )


def read_text(column: DateText, time_format: TimeFormat | None) -> Dates:
    """Read dates in one form for all rows.

    Args:
        column: distinct texts.
        time_format: that a user or a model says; None infers it. Where it does not
            fit, only a form that has a single reading, or the same order, is taken.

    Raises:
        InvalidTimestamps: a text is no date, or has several readings.
    """
    texts = [plain(text) for text in column.written]
    if time_format is not None and time_format.unit is None:
        dates = read_as(column, texts, time_format)
        if dates is not None:
            return dates
    return _infer(column, texts, time_format)


def read_as(
    column: DateText, texts: Sequence[str], time_format: TimeFormat
) -> Dates | None:
    """Read dates in a format; None where a text does not fit it.

    Args:
        column: distinct texts.
        texts: the same in small letters.
        time_format: of the text.
    """
    matches = [time_format.pattern.fullmatch(text) for text in texts]
    complete = [match for match in matches if match is not None]
    if len(complete) < len(texts):
        return None
    moments = assemble(_split(complete, Reading({}, "")))
    if not moments.is_valid:
        return None
    if "short" in time_format.parts:
        _check_century(column, moments.years)
    _check_zones(column, moments)
    return Dates(moments, [], time_format.text)


def _infer(
    column: DateText, texts: Sequence[str], time_format: TimeFormat | None
) -> Dates:
    form = find_form(texts[:SAMPLE])
    if form is None:
        raise _misfit(column, time_format) or column.unreadable(0)
    if len(texts) > MANY:
        dates = _read_many(column, form, texts, time_format)
        if dates is not None:
            return dates
    matches = [form.pattern.fullmatch(text) for text in texts]
    first = next(i for i, match in enumerate(matches) if match is not None)
    complete = [match for match in matches if match is not None]
    if len(complete) < len(texts):
        raise column.unreadable(matches.index(None), like=first)
    chosen = _choose(column, form, complete, time_format)
    hint = None if time_format is None else time_format.hint
    if len(form.readings) > 1 and hint not in (None, chosen.reading.order):
        raise _misfit(column, time_format) or column.unreadable(0)
    check_years(column.name, chosen.moments.years, column.where)
    if "short" in {*form.pattern.groupindex, *chosen.reading.parts.values()}:
        _check_century(column, chosen.moments.years)
    _check_zones(column, chosen.moments)
    written = format_of_match(complete[0], column.written[0], chosen.reading)
    notes = _notes(column, form, chosen, written)
    return Dates(chosen.moments, notes, written)


def _read_many(
    column: DateText, form: Form, texts: Sequence[str], time_format: TimeFormat | None
) -> Dates | None:
    """Read many dates of one width of parts by compiled loops; None where it fails."""
    match = form.pattern.fullmatch(texts[0])
    if match is None:
        return None
    candidates = []
    for reading in form.readings:
        written = format_of_match(match, texts[0], reading)
        if written is None or set(re.findall("%(.)", written)) - FAST_DIRECTIVES:
            return None
        values = pd.to_datetime(list(texts), format=written, errors="coerce")
        if not values.isna().any():
            wall = values.to_numpy().astype("datetime64[ns]")
            none = np.zeros(len(wall), dtype=bool)
            moments = Moments(wall, none, values.year.to_numpy(np.int64), None, none)
            candidates.append(Candidate(reading, moments))
    hint = None if time_format is None else time_format.hint
    letter = letter_of_name(column.name)
    chosen = choose(candidates, hint, letter) if candidates else None
    if chosen is None or hint not in (None, chosen.reading.order):
        return None
    written = format_of_match(match, column.written[0], chosen.reading)
    return Dates(chosen.moments, _notes(column, form, chosen, written), written)


def _split(matches: Matches, reading: Reading) -> dict[str, list[str | None]]:
    """Return the texts of each part."""
    groups = matches[0].re.groupindex
    columns = zip(*(match.groups() for match in matches), strict=True)
    values = [list(column) for column in columns]
    return {
        reading.parts.get(group, group): values[index - 1]
        for group, index in groups.items()
        if group != "sep"
    }


def _choose(
    column: DateText, form: Form, matches: Matches, time_format: TimeFormat | None
) -> Candidate:
    candidates, wrong = read_in_all_ways(form, matches)
    if not candidates:
        raise _impossible(column, form, wrong)
    _check_day_or_year(column, form, matches, candidates[0], time_format)
    hint = None if time_format is None else time_format.hint
    chosen = choose(candidates, hint, letter_of_name(column.name))
    if chosen is None:
        raise _open_reading(column, matches, candidates)
    return chosen


def read_in_all_ways(
    form: Form, matches: Matches
) -> tuple[list[Candidate], list[Moments]]:
    """Return the readings under which all rows are dates, and the failed ones."""
    candidates, wrong = [], []
    for reading in form.readings:
        moments = assemble(_split(matches, reading))
        if moments.wrong.any():
            wrong.append(moments)
        else:
            candidates.append(Candidate(reading, moments))
    years = [one for one in candidates if "until" in one.reading.parts.values()]
    if years and len(matches) > 1:  # 2010/11, 2011/12
        return years, wrong
    if any(one.reading.usual for one in candidates):
        candidates = [one for one in candidates if one not in years]
    return candidates, wrong


def letter_of_name(name: str) -> str | None:
    """Return ``w`` for a column named after weeks, ``m`` after months, else None."""
    letters = [LETTER_OF_UNIT.get(unit) for unit in units_of_name(name)]
    return next((letter for letter in letters if letter is not None), None)


def _impossible(
    column: DateText, form: Form, wrong: Sequence[Moments]
) -> InvalidTimestamps:
    rows = [int(np.flatnonzero(moments.wrong)[0]) for moments in wrong]
    if {"a", "b"} <= set(form.readings[0].parts) and len(set(rows)) > 1:
        first, second = rows[0], rows[1]
        problem = (
            f"day and month change places: {column.written[second]!r} at "
            f"{column.where(second)} and {column.written[first]!r} at "
            f"{column.where(first)}"
        )
        return InvalidTimestamps(column.name, problem, ISO_ADVICE)
    return column.unreadable(max(rows), like=0)


def _check_day_or_year(
    column: DateText,
    form: Form,
    matches: Matches,
    candidate: Candidate,
    time_format: TimeFormat | None,
) -> None:
    """Check that two digits beside a month's name are years, and no days."""
    order = None if time_format is None else time_format.order
    if set(form.readings[0].parts) != {"c"} or order == candidate.reading.order:
        return
    numbers = [int(match["c"]) for match in matches]
    months = {month_number(match["name"]) for match in matches}
    if len(numbers) == 1 or not all(1 <= number <= 31 for number in numbers):
        return
    even = evenness(candidate.moments.wall) >= REGULAR or len(numbers) < MIN_MOMENTS
    if len(months) > 1 and even:
        return
    example = column.written[0]
    shown = format_of_match(matches[0], example, candidate.reading)
    problem = f"it is open whether {example!r} ends or begins with the day or the year"
    advice = f"If it is the year, say {OPTION}: {shown}; else write the year too."
    raise InvalidTimestamps(column.name, problem, advice)


def _open_reading(
    column: DateText, matches: Matches, candidates: Sequence[Candidate]
) -> InvalidTimestamps:
    example = column.written[0]
    readings = [one.reading for one in candidates]
    formats = [format_of_match(matches[0], example, reading) for reading in readings]
    shown = " or ".join(form for form in formats if form is not None)
    names = {"d": "the day", "m": "the month", "y": "the year", "w": "the week"}
    starts = [names.get(reading.order[0], "?") for reading in readings]
    if len(set(starts)) == len(starts):
        problem = (
            f"it is open whether {example!r} at {column.where(0)} begins with "
            f"{' or '.join(starts)}"
        )
    else:
        problem = f"it is open which part of {example!r} at {column.where(0)} is which"
    advice = f"Say it with {OPTION}: {shown}; or write ISO dates."
    return InvalidTimestamps(column.name, problem, advice)


def _misfit(
    column: DateText, time_format: TimeFormat | None
) -> InvalidTimestamps | None:
    if time_format is None:
        return None
    at = 0
    for row, text in enumerate(column.written):
        match = time_format.pattern.fullmatch(plain(text))
        if match is None or not assemble(_split([match], Reading({}, ""))).is_valid:
            at = row
            break
    problem = (
        f"{column.written[at]!r:.100} at {column.where(at)} does not have the form "
        f"{time_format.text}"
    )
    advice = f"Correct it, or say another form with {OPTION}."
    return InvalidTimestamps(column.name, problem, advice)


def check_years(name: str, years: IntArray, where: Where) -> None:
    """Check that 64-bit nanoseconds reach the years.

    Raises:
        InvalidTimestamps: a year is too early or too late.
    """
    outside = np.flatnonzero((years < YEARS[0]) | (years > YEARS[1]))
    if len(outside):
        problem = f"the year {years[outside[0]]} at {where(int(outside[0]))}"
        advice = f"Years from {YEARS[0]} to {YEARS[1]} can be read; number the steps."
        raise InvalidTimestamps(name, problem, advice)


def _check_century(column: DateText, years: IntArray) -> None:
    """Check that two-digit years do not run from the past into a far future."""
    first = latest_year() - 99
    if years.min() < first <= years.max():
        at = int(np.argmin(years))
        problem = (
            f"{column.written[at]!r} at {column.where(at)} may be {years[at]} or "
            f"{years[at] + 100}"
        )
        raise InvalidTimestamps(column.name, problem, "Write years of four digits.")


def _check_zones(column: DateText, moments: Moments) -> None:
    zoned = moments.zoned
    if zoned.any() and not zoned.all():
        one, other = int(np.argmax(zoned)), int(np.argmax(~zoned))
        problem = (
            f"some timestamps have a time zone and some have none: "
            f"{column.written[one]!r} at {column.where(one)} and "
            f"{column.written[other]!r} at {column.where(other)}"
        )
        raise InvalidTimestamps(column.name, problem, "Write all of them in UTC.")


def _notes(
    column: DateText, form: Form, chosen: Candidate, written: str | None
) -> list[str]:
    label, reading = f"time {column.name!r}", chosen.reading
    parts = {*reading.parts.values(), *form.pattern.groupindex}
    if len(form.readings) > 1 and reading.order in ("dmy", "mdy"):
        leading = "day" if reading.order[0] == "d" else "month"
        notes = [f"{label}: the {leading} comes first"]
    elif set(reading.order) & set("wq") or (
        len(form.readings) > 1 and not reading.usual
    ):
        moment = str(chosen.moments.wall[0])[:10]
        notes = [f"{label}: {column.written[0]!r} is {moment}"]
    else:
        notes = []
    first = plain(column.written[0])
    if "until" in parts or re.search("fy|gj|wj", first):
        moment = str(chosen.moments.wall[0])[:10]
        notes = [f"{label}: the fiscal year {column.written[0]!r} is {moment}"]
    if "short" in parts:
        low, high = chosen.moments.years.min(), chosen.moments.years.max()
        notes.append(f"{label}: two-digit years are {low} to {high}")
    return notes
