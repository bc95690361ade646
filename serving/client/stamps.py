"""Timestamps of answers as a column: in the zone of the frame that was sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import time, tzinfo

    import pandas as pd

DATETIME_LENGTH = 19  # of 2024-01-31T00:00:00


@dataclass(frozen=True, slots=True)
class Clocks:
    """The time zone of a frame's timestamps.

    Attributes:
        zone: the zone.
        time_of_day: local time that all timestamps share, as those of days; else None.
    """

    zone: "tzinfo"
    time_of_day: "time | None"


def find_clocks(data: Any, column: str) -> Clocks | None:
    """Return the clocks of the timestamps of a frame; None without a zone."""
    stamps = data[column] if hasattr(data, "columns") and column in data else None
    zone = getattr(getattr(stamps, "dtype", None), "tz", None)
    if stamps is None or zone is None:
        return None
    times = set(stamps.dt.time)
    return Clocks(zone, times.pop() if len(times) == 1 and len(stamps) > 1 else None)


def read_stamps(texts: Sequence[str], clocks: Clocks | None) -> "pd.Series[Any]":
    """Return ISO timestamps as a column; one of objects where zones differ.

    Args:
        texts: timestamps of an answer.
        clocks: of the frame that was sent: the column is in their zone. Days are those
            of the local date, also where clocks change after the last observation.
    """
    import pandas as pd

    if clocks is None:
        try:
            return pd.Series(pd.to_datetime(list(texts), format="ISO8601"))
        except ValueError:  # different offsets
            return pd.Series([*map(pd.Timestamp, texts)], dtype=object)
    moments = pd.to_datetime(list(texts), format="ISO8601", utc=True)
    column = pd.Series(moments.tz_convert(clocks.zone))
    if clocks.time_of_day is None:
        return column
    wall = pd.Series(pd.to_datetime([text[:DATETIME_LENGTH] for text in texts]))
    local = wall.dt.tz_localize(
        clocks.zone, ambiguous=True, nonexistent="shift_forward"
    )
    is_day = wall.dt.time == clocks.time_of_day
    return column.where(~is_day, local.astype(column.dtype))
