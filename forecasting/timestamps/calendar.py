"""Calendars of series: frequency, trading days, gaps and future timestamps.

Everything rests on two operations. `Calendar.advance` adds a number of steps to a
moment, `Calendar.count` counts the steps from one moment to another. A moment lies on
the calendar of its series when advancing by the counted steps arrives at it.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.errors import (
    MAX_SHOWN,
    IrregularTimestamps,
    SettingError,
    join_shown,
)
from forecasting.timestamps.frequency import (
    Rule,
    is_daily,
    parse_frequency,
    weekdays,
)
from forecasting.timestamps.zones import UTC, format_moments, to_utc, to_wall
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
            Steps of whole days and longer are counted in its wall time.

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
        if self._follows_clocks(rule):
            wall = replace(self, zone=None).advance(to_wall(start, self.zone), steps)
            return to_utc(wall, self.zone)
        if rule.unit == "ticks":
            return np.asarray(start + (steps * rule.size).view("timedelta64[ns]"))
        return self._advance_days(rule, start, steps)

    def _advance_days(
        self, rule: Rule, start: Timestamps, steps: IntArray
    ) -> Timestamps:
        days = start.astype("datetime64[D]")
        if rule.unit == "days":
            shifted = np.busday_offset(days, steps, "backward", weekmask=self._weekmask)
        else:
            shifted = rule.place_in_month(days, steps, self.day)
        return np.asarray(shifted + (start - days))  # preserves the time of the day

    def count(self, start: Timestamps, end: Timestamps) -> IntArray:
        """Count the steps from ``start`` to ``end``, rounded down."""
        if self.freq is None:
            return np.asarray((end - start) // self.step)
        rule = parse_frequency(self.freq)
        if self._follows_clocks(rule):
            first, last = to_wall(start, self.zone), to_wall(end, self.zone)
            return replace(self, zone=None).count(first, last)
        if rule.unit == "ticks":
            return np.asarray((end - start).astype(np.int64) // rule.size)
        if rule.unit == "days":
            first, last = start.astype("datetime64[D]"), end.astype("datetime64[D]")
            return np.asarray(np.busday_count(first, last, weekmask=self._weekmask))
        months = end.astype("datetime64[M]") - start.astype("datetime64[M]")
        return np.asarray(months.astype(np.int64) // rule.size)

    def wall_time(self, moments: Timestamps) -> Timestamps:
        """Return moments as the clocks of the zone show them; steps as they are."""
        return moments if self.freq is None else to_wall(moments, self.zone)

    def is_anchored(self, moments: Timestamps) -> npt.NDArray[np.bool_]:
        """Test of each moment if it lies on the weekday or month of the frequency."""
        if self.freq is None:
            return np.ones(moments.shape, dtype=bool)
        return parse_frequency(self.freq).is_anchored(self.wall_time(moments))

    def find_misfits(
        self, timestamps: Timestamps, offsets: IntArray
    ) -> npt.NDArray[np.bool_]:
        """Return the mask of the timestamps that do not lie on the calendar.

        Args:
            timestamps: all series one after another, ``(points,)``.
            offsets: borders of the series, ``(series + 1,)``.
        """
        start = np.repeat(timestamps[offsets[:-1]], np.diff(offsets))
        if self.weekdays:
            days_apart = self.wall_time(timestamps) - self.wall_time(start)
            is_moved = days_apart != days_apart.astype("timedelta64[D]")
            return np.asarray(is_moved | self.find_extra_days(timestamps))
        arrived = self.advance(start, self.count(start, timestamps))
        misfits = np.asarray(arrived != timestamps)
        misfits[offsets[:-1]] |= ~self.is_anchored(timestamps[offsets[:-1]])
        return misfits

    def find_extra_days(self, timestamps: Timestamps) -> npt.NDArray[np.bool_]:
        """Return the mask of the timestamps on other weekdays than the trading days."""
        if not self.weekdays:
            return np.zeros(len(timestamps), dtype=bool)
        return ~np.isin(weekdays(self.wall_time(timestamps)), self.weekdays)

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
        zone = self._zone_with(other)  # other rows may not show every trading day
        return self if zone == self.zone else replace(self, zone=zone)

    def _zone_with(self, other: "Calendar") -> str | None:
        """Return the zone of the clocks that count the steps of further series."""
        if self.zone is None or other.zone is None:
            return other.zone  # naive moments are wall time
        rule = parse_frequency(self.freq or "")
        return other.zone if is_daily(rule) else self.zone

    def _follows_clocks(self, rule: Rule) -> bool:
        """Return whether steps are counted in the wall time of a zone."""
        return self.zone not in (None, UTC) and is_daily(rule)

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
    gap_moments = find_gaps(calendar, series, limit=MAX_SHOWN)
    missing = [format_timestamp(moment, calendar.zone) for moment in gap_moments]
    raise IrregularTimestamps(
        f"{total} moment{'s are' if total > 1 else ' is'} missing on the calendar "
        f"{calendar}: series {series_ids[index]!r} lacks "
        f"{join_shown(missing, int(gaps[index]))}",
        advice,
    )


def format_timestamp(moment: Any, zone: str | None = None) -> str:
    """Format a timestamp as text, a naive midnight as the date alone.

    Args:
        moment: in UTC where there is a zone, or an integer step.
        zone: zone of the text.
    """
    if isinstance(moment, np.datetime64) and zone is not None:
        return str(format_moments(np.asarray([moment], "datetime64[ns]"), zone)[0])
    if isinstance(moment, np.datetime64):
        return str(pd.Timestamp(moment)).removesuffix(" 00:00:00")
    return str(moment)
