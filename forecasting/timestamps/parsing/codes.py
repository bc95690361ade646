"""Dates written as numbers: years, codes such as YYYYMM, epochs and Excel's days."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from forecasting.errors import InvalidTimestamps
from forecasting.timestamps.parsing.assembly import BoolArray, Moments
from forecasting.timestamps.parsing.evidence import (
    REGULAR,
    choose,
    common_share,
    regularity,
)
from forecasting.timestamps.parsing.formats import DIGIT_FORMS
from forecasting.timestamps.parsing.strptime import format_of_match
from forecasting.timestamps.parsing.text import (
    ISO_ADVICE,
    OPTION,
    Dates,
    Where,
    letter_of_name,
    read_in_all_ways,
)
from forecasting.timestamps.parsing.words import says_date, units_of_name

Numbers = npt.NDArray[Any]
LIKELY_YEARS = (1500, 2201)
SECOND, DAY = 1_000_000_000, 86_400_000_000_000
EXCEL_EPOCH = 25569  # Excel's number of 1970-01-01
MEANINGS = {
    "excel": "Excel's serial numbers of days",
    "epoch_s": "epoch seconds since 1970",
    "epoch_ms": "epoch milliseconds since 1970",
    "epoch_us": "epoch microseconds since 1970",
    "epoch_ns": "epoch nanoseconds since 1970",
}
NANOSECONDS = {
    "epoch_d": DAY,
    "epoch_s": SECOND,
    "epoch_ms": 10**6,
    "epoch_us": 1000,
    "epoch_ns": 1,
}
MONTHS_IN_UNITS = (
    ("days", 1, "excel or epoch_d"),
    ("seconds", 86_400, "epoch_s"),
    ("milliseconds", 86_400_000, "epoch_ms"),
)
RANGES = {  # Excel from 1954 to 2119, the others from 1973 to 2128
    "excel": (20_000, 80_000),
    "epoch_s": (10**8, 5 * 10**9),
    "epoch_ms": (10**11, 5 * 10**12),
    "epoch_us": (10**14, 5 * 10**15),
    "epoch_ns": (10**17, 5 * 10**18),
}
MIN_VALUES = 4  # distinct ones, for evidence without a name
MOSTLY = 0.8  # share of codes that are dates, for an error of the others
EVEN = 0.5  # share of the steps with one length, of numbers that are no dates
SMALL = 10_000  # numbers below count steps
DAY_NAMES = re.compile("da[tyg]|fecha|ds$|dt$|giorno|jour|tag", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """Distinct numbers of a column.

    Attributes:
        name: name of the column.
        numbers: by first appearance, ``(values,)``.
        where: function from the position of a number to its place in messages.
        is_text: whether they are digits in a column of text.
    """

    name: str
    numbers: Numbers
    where: Where
    is_text: bool = False

    @property
    def is_named(self) -> bool:
        """Whether the name says a date or a part of it."""
        return says_date(self.name)


@dataclass(frozen=True, slots=True)
class Code:
    """A reading of numbers as dates.

    Attributes:
        moments: of each number.
        time_format: its form.
        meaning: for the note; empty where none is needed.
    """

    moments: Moments
    time_format: str
    meaning: str = ""


def read_unit(numbers: Numbers, unit: str) -> Moments:
    """Return the moments of numbers of days, seconds and so on.

    Args:
        numbers: whole or with fractions, ``(rows,)``.
        unit: one of `UNITS`.

    Raises:
        OverflowError: a moment is out of the reach of 64-bit nanoseconds.
    """
    length = DAY if unit == "excel" else NANOSECONDS[unit]
    if (
        np.abs(numbers.astype(np.float64)).max(initial=0) * length
        > 2**63 - DAY * 30_000
    ):
        raise OverflowError(unit)
    if unit == "excel":
        days = numbers.astype(np.float64) - EXCEL_EPOCH
        ticks = np.round(days * 86_400).astype(np.int64) * SECOND
    elif np.issubdtype(numbers.dtype, np.integer):
        ticks = numbers.astype(np.int64) * NANOSECONDS[unit]
    else:
        scale = NANOSECONDS[unit] / 1000
        ticks = np.round(numbers * scale).astype(np.int64) * 1000
    wall = ticks.astype("datetime64[ns]")
    years = wall.astype("datetime64[Y]").astype(np.int64) + 1970
    nothing = np.zeros(len(wall), dtype=bool)
    return Moments(wall, nothing, years, None, nothing)


def read_codes(column: NumberColumn, *, is_time: bool) -> Dates | None:
    """Read numbers as dates where their values, steps and name say so.

    Args:
        column: distinct numbers.
        is_time: whether the column is the time for sure, so that even steps are
            enough evidence.

    Returns:
        The dates; None for other numbers.

    Raises:
        InvalidTimestamps: some codes are no dates, or it is open which they are.
    """
    if not len(column.numbers):
        return None
    codes = [
        code
        for code in _codes(column)
        if _is_credible(column, code) or (is_time and _is_even(column, code))
    ]
    if not codes:
        return None
    code = max(codes, key=lambda code: round(regularity(code.moments.wall), 1))
    notes = []
    if code.meaning:
        example = f"{column.numbers[0]} is {str(code.moments.wall[0])[:10]}"
        notes.append(f"time {column.name!r}: {code.meaning} ({example})")
    return Dates(code.moments, notes, code.time_format)


def check_steps(column: NumberColumn) -> None:
    """Check that numbers without dates count steps.

    Raises:
        InvalidTimestamps: they are days or seconds of months, or have no common step
            though the column's name says a date.
    """
    steps = np.diff(np.sort(column.numbers.astype(np.int64))).astype(np.int64)
    if len(steps) < 3 or steps.min() == steps.max():
        return
    example = f"{column.numbers[0]} at {column.where(0)}"
    sizes = np.unique(steps)
    for unit, length, formats in MONTHS_IN_UNITS:
        if np.isin(sizes / length, (28, 29, 30, 31)).all():
            problem = f"numbers such as {example} have the steps of months in {unit}"
            advice = f"Say their start with {OPTION} ({formats}), or write dates."
            raise InvalidTimestamps(column.name, problem, advice)
    is_uneven = len(steps) >= MIN_VALUES and common_share(steps) < EVEN
    if column.is_named and is_uneven and column.numbers.max() >= SMALL:
        problem = f"numbers such as {example} are neither dates nor even steps"
        raise InvalidTimestamps(column.name, problem, ISO_ADVICE)


def _codes(column: NumberColumn) -> Iterator[Code]:
    numbers = column.numbers
    low, high = numbers.min(), numbers.max()
    if low >= LIKELY_YEARS[0] and (numbers == np.floor(numbers)).all():
        code = _digit_code(column)
        if code is not None:
            yield code
    for unit, (first, last) in RANGES.items():
        if first <= low and high <= last:
            yield Code(read_unit(numbers, unit), unit, MEANINGS[unit])


def _digit_code(column: NumberColumn) -> Code | None:
    low, high = int(column.numbers.min()), int(column.numbers.max())
    size = len(str(low))
    first, last = (
        (year * 10 ** (size - 4) for year in LIKELY_YEARS) if size >= 4 else (0, 0)
    )
    if size not in DIGIT_FORMS or not first <= low <= high < last:
        return None
    texts = [str(int(number)) for number in column.numbers]
    form = DIGIT_FORMS[size]
    matches = [match for text in texts if (match := form.pattern.fullmatch(text))]
    if len(matches) < len(texts):
        _refuse_some(
            column, np.array([not form.pattern.fullmatch(t) for t in texts]), size
        )
        return None
    candidates, wrong = read_in_all_ways(form, matches)
    if not candidates:
        fewest = min(wrong, key=lambda moments: int(moments.wrong.sum()))
        _refuse_some(column, fewest.wrong, size)
        return None
    chosen = choose(candidates, None, letter_of_name(column.name))
    if chosen is None:
        formats = [format_of_match(matches[0], texts[0], c.reading) for c in candidates]
        problem = f"it is open whether {texts[0]!r} ends with the month or the week"
        advice = f"Say it with {OPTION}: {' or '.join(map(str, formats))}."
        raise InvalidTimestamps(column.name, problem, advice)
    written = format_of_match(matches[0], texts[0], chosen.reading) or ""
    plain = size in (4, 8) or not chosen.moments.is_valid
    return Code(chosen.moments, written, "" if plain else f"codes {written}")


def _refuse_some(column: NumberColumn, wrong: BoolArray, size: int) -> None:
    """Refuse a few codes that are no dates, in a column named after dates."""
    if not column.is_named or wrong.mean() > 1 - MOSTLY or size < 6:
        return
    at, like = int(np.argmax(wrong)), int(np.argmin(wrong))
    problem = (
        f"the code {str(column.numbers[at])!r} at {column.where(at)} is no date like "
        f"{str(column.numbers[like])!r}"
    )
    raise InvalidTimestamps(column.name, problem, ISO_ADVICE)


def _is_credible(column: NumberColumn, code: Code) -> bool:
    """Test if numbers are dates in a column that may hold anything."""
    units, form = units_of_name(column.name), code.time_format
    if form.startswith("%Y%m%d") and form != "%Y%m%d%H":
        return True
    share = regularity(code.moments.wall)
    if form == "excel":
        return bool(DAY_NAMES.search(column.name)) and bool(units) and share >= EVEN
    if form == "%Y":
        is_even = share >= REGULAR or len(column.numbers) < MIN_VALUES
        return column.is_text or "year" in units or (bool(units) and is_even)
    if form == "%Y%q":
        return bool(units) and share >= REGULAR
    if form in RANGES:
        return share >= REGULAR or bool(units)
    return bool(units) or column.is_text or _is_even(column, code)


def _is_even(column: NumberColumn, code: Code) -> bool:
    """Test if the steps are even as those of dates, but not as those of numbers."""
    if len(column.numbers) < MIN_VALUES or code.time_format == "%Y%q":
        return False
    steps = np.diff(np.sort(column.numbers))
    if code.time_format == "%Y":
        return bool((steps == 1).all())
    return regularity(code.moments.wall) >= REGULAR and len(np.unique(steps)) > 1
