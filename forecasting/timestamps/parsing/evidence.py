"""Evidence of a whole column for one of several readings of its dates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.timestamps.parsing.assembly import Moments
from forecasting.timestamps.parsing.formats import Reading
from forecasting.types import IntArray, Timestamps

DAY = 86_400_000_000_000
REGULAR = 0.6  # share of the steps between moments that have the common length
CLEARLY_MORE = 0.25
MIN_MOMENTS = 3  # for evidence from steps


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reading under which all rows of a column are dates."""

    reading: Reading
    moments: Moments


def choose(
    candidates: Sequence[Candidate],
    preferred: str | None = None,
    named: str | None = None,
) -> Candidate | None:
    """Choose a reading: the only one, the usual one, or the one with even steps.

    Args:
        candidates: readings that fit all rows; at least one.
        preferred: order of parts that is taken where it is among them, such as
            ``dmy``.
        named: part that the column's name says, such as ``w`` for weeks.

    Returns:
        The reading; None where it is open.
    """
    for candidate in candidates:
        if candidate.reading.order == preferred:
            return candidate
    if len(candidates) == 1:
        return candidates[0]
    shares = [plausibility(candidate.moments.wall) for candidate in candidates]
    for candidate, share in zip(candidates, shares, strict=True):
        if named is not None and named in candidate.reading.order:
            return candidate if share >= max(shares) else None
    best = int(np.argmax(shares))
    others = [share for i, share in enumerate(shares) if i != best]
    is_clear = shares[best] >= REGULAR and shares[best] - max(others) >= CLEARLY_MORE
    usual = next((i for i, one in enumerate(candidates) if one.reading.usual), None)
    if usual is not None:
        return candidates[usual] if usual == best or not is_clear else None
    if is_clear:
        return candidates[best]
    ordered = [one for one in candidates if is_ordered(one.moments.wall)]
    has_order = len(candidates[0].moments.wall) > MIN_MOMENTS
    return ordered[0] if len(ordered) == 1 and has_order else None


def plausibility(moments: Timestamps) -> float:
    """Return the share of even steps, halved for one odd day of each year.

    Args:
        moments: distinct ones by first appearance, ``(moments,)``.
    """
    share = (evenness(moments) + regularity(moments)) / 2
    days = moments.astype("datetime64[D]")
    month = days.astype("datetime64[M]")
    if len(np.unique(month.astype(np.int64) % 12)) == 1 and len(moments) > 1:
        odd = (days.astype("datetime64[M]").astype("datetime64[D]") != days).all()
        last = (month + 1).astype("datetime64[D]") - 1
        in_years = len(np.unique(month)) == len(moments)
        share /= 1 + bool(in_years and odd and (days != last).all())
    return share


def evenness(moments: Timestamps) -> float:
    """Return the share of steps, from row to row, of the most common length.

    The length is that between sorted moments; newest first is as even as oldest first.
    0 for fewer than three moments.
    """
    if len(moments) < MIN_MOMENTS:
        return 0.0
    ticks = moments.astype(np.int64)
    share = _even_share(ticks)
    if _are_monthly(np.sort(moments)):
        share = max(
            share, _even_share(moments.astype("datetime64[M]").astype(np.int64))
        )
    return share


def regularity(moments: Timestamps) -> float:
    """Return the share of steps between distinct moments that have the common length.

    Months count as steps of one length where all moments lie on one day of the month,
    or at its end. 0 for fewer than three moments.
    """
    ordered = np.sort(moments)
    distinct = ordered[np.append(True, np.diff(ordered) != np.timedelta64(0))]
    if len(distinct) < MIN_MOMENTS:
        return 0.0
    share = common_share(np.diff(distinct.astype(np.int64)).astype(np.int64))
    if _are_monthly(distinct):
        month = distinct.astype("datetime64[M]").astype(np.int64)
        share = max(share, common_share(np.diff(month)))
    return share


def _are_monthly(ordered: Timestamps) -> bool:
    """Test if moments lie on one day of different months, or at their ends."""
    if np.diff(ordered).min() < np.timedelta64(28, "D"):
        return False
    days = ordered.astype("datetime64[D]")
    month = ordered.astype("datetime64[M]")
    last = (month + 1).astype("datetime64[D]") - 1
    day = (days - month.astype("datetime64[D]")).astype(np.int64)
    return bool((day == day[0]).all() or (days == last).all())


def _even_share(numbers: IntArray) -> float:
    steps = np.diff(np.sort(numbers))
    sizes, counts = np.unique(steps, return_counts=True)
    common = sizes[np.argmax(counts)]
    return float((np.abs(np.diff(numbers)) == common).mean())


def common_share(steps: IntArray) -> float:
    """Return the share of the most common step; 0 for no steps."""
    if not len(steps):
        return 0.0
    counts = np.unique(steps, return_counts=True)[1]
    return float(counts.max() / len(steps))


def is_ordered(moments: Timestamps) -> bool:
    """Test if moments, by first appearance, only rise or only fall."""
    steps = np.diff(moments.astype(np.int64))
    return bool((steps > 0).all() or (steps < 0).all())
