"""Calendars of series: frequency, trading days, gaps and future timestamps.

Everything rests on two operations. `Calendar.advance` adds a number of steps to a
moment, `Calendar.count` counts the steps from one moment to another. A moment lies on
the calendar of its series when advancing by the counted steps arrives at it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.errors import (
    MAX_SHOWN,
    IrregularTimestamps,
    SettingError,
    join_shown,
)
from forecasting.timestamps.frequency import parse_frequency
from forecasting.types import IntArray, Timestamps

WORKDAYS = (0, 1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The rule by which the timestamps of a series follow each other.

    Attributes:
        freq: pandas alias (``D``, ``MS``, ``W-SUN``, ``15min``, ...); None for integer
            steps. Monthly, quarterly and yearly series keep the day of the month of
            their timestamps, so that ``MS`` fits the 15th of every month too.
        weekdays: the trading days, Monday 0; empty on any other calendar. A holiday is
            a missing trading day; it is neither a gap nor predicted.
        step: difference between neighbouring integer timestamps.
        day: day of the month that months without it shorten, 29 to 31; None where the
            timestamps themselves show it.
        zone: time zone of the timestamps, which are stored in UTC; None without one.

    >>> Calendar("ME").future(np.array(["2024-01-31"], "datetime64[ns]"), 2).tolist()
    [[1709164800000000000, 1711843200000000000]]
    """

    freq: str | None
    weekdays: tuple[int, ...] = ()
    step: int = 1
    day: int | None = None
    zone: str | None = None

    def __str__(self) -> str:
        return repr(self.freq) if self.freq else f"of steps of {self.step}"

    @property
    def season_length(self) -> int:
        """Steps after which a season usually repeats; 1 without a natural cycle."""
        if self.freq is None:
            return 1
        rule = parse_frequency(self.freq)
        return len(self._trading_days) if rule.unit == "days" else rule.season_length

    def future(self, last: Timestamps, horizon: int) -> Timestamps:
        """Return the next ``horizon`` moments after each of ``last``.

        Args:
            last: ``(series,)``.
            horizon: steps ahead.

        Returns:
            ``(series, horizon)``, of the type of ``last``.

        Raises:
            SettingError: the moments lie after 2262, where 64-bit nanoseconds end.
        """
        steps = np.arange(1, horizon + 1)
        if self.freq is not None:
            reach = 1.5 * horizon * parse_frequency(self.freq).nanoseconds
            if float(last.view(np.int64).max(initial=0)) + reach > 2.0**63:
                raise SettingError("horizon", horizon, "so short that it ends by 2262")
        return self.advance(last[:, None], steps[None, :])

    def advance(self, start: Timestamps, steps: IntArray) -> Timestamps:
        """Add ``steps`` to ``start``; the two broadcast."""
        if self.freq is None:
            return np.asarray(start + steps * self.step)
        rule = parse_frequency(self.freq)
        if rule.unit == "ticks":
            return np.asarray(start + (steps * rule.size).view("timedelta64[ns]"))
        days = start.astype("datetime64[D]")
        if rule.unit == "days":
            shifted = np.busday_offset(days, steps, "backward", weekmask=self._weekmask)
        else:
            shifted = rule.place_in_month(days, steps)
        return np.asarray(shifted + (start - days))  # preserves the time of the day

    def count(self, start: Timestamps, end: Timestamps) -> IntArray:
        """Count the steps from ``start`` to ``end``, rounded down."""
        if self.freq is None:
            return np.asarray((end - start) // self.step)
        rule = parse_frequency(self.freq)
        if rule.unit == "ticks":
            return np.asarray((end - start).astype(np.int64) // rule.size)
        if rule.unit == "days":
            first, last = start.astype("datetime64[D]"), end.astype("datetime64[D]")
            return np.asarray(np.busday_count(first, last, weekmask=self._weekmask))
        months = end.astype("datetime64[M]") - start.astype("datetime64[M]")
        return np.asarray(months.astype(np.int64) // rule.size)

    def continued_by(self, other: "Calendar") -> "Calendar":
        """Return the calendar of further series for a model trained on this one.

        Args:
            other: calendar of the further series.

        Raises:
            IrregularTimestamps: the two have different frequencies.
        """
        if other.freq is None or self.freq is None:
            return other
        if other.freq != self.freq:
            raise IrregularTimestamps(
                f"the timestamps go on by {other.freq!r}, those seen in training "
                f"by {self.freq!r}",
                "Send the series at the trained frequency, or without timestamps.",
            )
        return self  # a few rows may not show every trading day

    @property
    def _trading_days(self) -> tuple[int, ...]:
        return self.weekdays or WORKDAYS

    @property
    def _weekmask(self) -> list[bool]:
        return [day in self._trading_days for day in range(7)]


STEPS = Calendar(freq=None)


def count_gaps(
    calendar: Calendar, timestamps: Timestamps, offsets: IntArray
) -> IntArray:
    """Count the missing moments of each series, ``(series,)``; 0 for trading days."""
    if calendar.weekdays:
        return np.zeros(len(offsets) - 1, dtype=np.int64)
    first, last = timestamps[offsets[:-1]], timestamps[offsets[1:] - 1]
    return np.asarray(calendar.count(first, last) + 1 - np.diff(offsets))


def find_gaps(
    calendar: Calendar, timestamps: Timestamps, limit: int | None = None
) -> Timestamps:
    """Return the missing moments of one series, oldest first; none for trading days.

    Args:
        calendar: of the series.
        timestamps: of the series, strictly increasing and on the calendar.
        limit: maximum number of moments returned.
    """
    if calendar.weekdays or len(timestamps) == 0:
        return timestamps[:0]
    counted = calendar.count(timestamps[:1], timestamps)
    lengths = np.diff(counted) - 1
    if limit is not None:
        lengths = np.minimum(lengths, np.maximum(limit + lengths - lengths.cumsum(), 0))
    before = np.repeat(lengths.cumsum() - lengths, lengths)
    within = np.arange(lengths.sum()) - before
    return calendar.advance(
        timestamps[:1], np.repeat(counted[:-1] + 1, lengths) + within
    )


def check_gaps(
    calendar: Calendar,
    timestamps: Timestamps,
    offsets: IntArray,
    series_ids: tuple[str, ...],
    advice: str,
) -> None:
    """Check that no series lacks moments of its calendar.

    Raises:
        IrregularTimestamps: some are missing; the message names the first and counts
            all.
    """
    gaps = count_gaps(calendar, timestamps, offsets)
    if not gaps.any():
        return
    index, total = int(np.argmax(gaps > 0)), int(gaps.sum())
    series = timestamps[offsets[index] : offsets[index + 1]]
    missing = map(format_timestamp, find_gaps(calendar, series, limit=MAX_SHOWN))
    raise IrregularTimestamps(
        f"{total} moment{'s are' if total > 1 else ' is'} missing on the calendar "
        f"{calendar}: series {series_ids[index]!r} lacks "
        f"{join_shown(missing, int(gaps[index]))}",
        advice,
    )


def format_timestamp(moment: Any) -> str:
    """Format a timestamp as text, midnight as the date alone."""
    if isinstance(moment, np.datetime64):
        return str(pd.Timestamp(moment)).removesuffix(" 00:00:00")
    return str(moment)
