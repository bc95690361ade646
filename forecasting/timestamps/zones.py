"""Time zones: moments in UTC, and the wall time that clocks of a zone show.

A zone is ``UTC``, an offset such as ``+05:30``, or an IANA name such as
``Europe/Berlin``. None stands for naive moments, which are wall time already.
"""

import re
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.errors import SettingError
from forecasting.types import Timestamps

UTC = "UTC"
OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
ZERO = np.timedelta64(0, "ns")


@lru_cache(maxsize=256)
def check_zone(zone: str) -> str:
    """Return the name of a zone after a check.

    Raises:
        SettingError: there is no such zone.
    """
    if fixed_offset(zone) is not None:
        return zone
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError):
        expected = "UTC, an offset such as +05:30, or a zone such as Europe/Berlin"
        raise SettingError("zone", zone, expected) from None
    return zone


@lru_cache(maxsize=256)
def fixed_offset(zone: str | None) -> np.timedelta64 | None:
    """Return the offset of a zone that never changes its clocks, else None."""
    if zone is None or zone == UTC:
        return ZERO
    match = OFFSET.fullmatch(zone)
    if match is None:
        return None
    sign, hours, minutes = match.groups()
    seconds = (int(hours) * 60 + int(minutes)) * 60
    return np.timedelta64((-seconds if sign == "-" else seconds) * 10**9, "ns")


def to_wall(moments: Timestamps, zone: str | None) -> Timestamps:
    """Return the naive wall time of moments in UTC, of the same shape."""
    shift = fixed_offset(zone)
    if shift is not None:
        return moments + shift if shift else moments
    index = pd.DatetimeIndex(moments.ravel(), tz=UTC).tz_convert(zone)
    wall = index.tz_localize(None).to_numpy().astype("datetime64[ns]")
    return np.asarray(wall.reshape(moments.shape))


def to_utc(
    wall: Timestamps,
    zone: str | None,
    repeated: npt.NDArray[np.bool_] | None = None,
) -> Timestamps:
    """Return the moments in UTC of naive wall time, of the same shape.

    A time that the clocks skip is moved to the end of the skip.

    Args:
        wall: naive wall time.
        zone: zone of the clocks.
        repeated: mask of the times that clocks show for the second time in the hour
            that they repeat; default none.
    """
    shift = fixed_offset(zone)
    if shift is not None:
        return wall - shift if shift else wall
    flat = wall.ravel()
    first = np.ones(len(flat), bool) if repeated is None else ~repeated.ravel()
    index = pd.DatetimeIndex(flat).tz_localize(
        zone, ambiguous=first, nonexistent="shift_forward"
    )
    moments = index.tz_convert(UTC).tz_localize(None).to_numpy()
    return np.asarray(moments.astype("datetime64[ns]").reshape(wall.shape))


TEXT_WITH_ZONE = re.compile(
    r".*:\d\d(?:\.\d+)? ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)", re.IGNORECASE
)


def zone_of_text(text: str) -> str | None:
    """Return the zone at the end of a timestamp's text; None for naive text.

    >>> zone_of_text("2024-03-05T04:00:00+0530"), zone_of_text("2024-03-05")
    ('+05:30', None)
    """
    match = TEXT_WITH_ZONE.fullmatch(text.strip())
    if match is None:
        return None
    if match[1].upper() in ("Z", UTC, "GMT"):
        return UTC
    sign, hours, minutes = match[1][0], match[1][1:3], match[1][3:].lstrip(":") or "00"
    return UTC if hours == minutes == "00" else f"{sign}{hours}:{minutes}"


def offset_text(shift: np.timedelta64) -> str:
    """Return an offset in the form ``+05:30``."""
    minutes = int(shift / np.timedelta64(1, "m"))
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def zone_suffixes(moments: Timestamps, zone: str | None) -> list[str]:
    """Return the suffix of each moment as ISO text: the offset, ``Z``, or nothing.

    Args:
        moments: in UTC, ``(moments,)``.
        zone: zone of the text; None for naive moments.
    """
    if zone is None or zone == UTC:
        return ["" if zone is None else "Z"] * len(moments)
    shifts = to_wall(moments, zone) - moments
    distinct, places = np.unique(shifts, return_inverse=True)
    texts = [offset_text(shift) for shift in distinct]
    return [texts[place] for place in places]


def format_moments(moments: Timestamps, zone: str | None = None) -> npt.NDArray[Any]:
    """Return moments as ISO text with their offset, of the same shape.

    Args:
        moments: in UTC; naive where ``zone`` is None; or integer steps.
        zone: zone of the text.

    >>> format_moments(np.array(["2024-03-04T22:30"], "datetime64[ns]"), "+05:30")
    array(['2024-03-05T04:00:00+05:30'], dtype=object)
    """
    flat = moments.ravel()
    if flat.dtype.kind != "M":
        return np.array([*map(str, flat)], dtype=object).reshape(moments.shape)
    wall = to_wall(flat, zone)
    is_seconds = bool((wall == wall.astype("datetime64[s]")).all())
    texts = np.datetime_as_string(wall, unit="s" if is_seconds else "ns").tolist()
    suffixes = zone_suffixes(flat, zone)
    joined = [text + suffix for text, suffix in zip(texts, suffixes, strict=True)]
    return np.array(joined, dtype=object).reshape(moments.shape)
