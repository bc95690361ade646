"""The sets of series with published results, by the names of their folders.

Only the standard library is needed: `benchmarks.peers` runs where Recast is not.
"""

from pathlib import Path
from typing import NamedTuple


class Shape(NamedTuple):
    """Steps in a season, as the measures' scale takes it, and steps ahead."""

    season_length: int
    horizon: int


# M4: Makridakis, Spiliotis and Assimakopoulos 2020. M3 and tourism: Makridakis and
# Hibon 2000, Athanasopoulos et al. 2011.
SETS = {
    "m4_hourly": Shape(24, 48),
    "m4_weekly": Shape(1, 13),
    "m3_monthly": Shape(12, 18),
    "tourism_monthly": Shape(12, 24),
}


def shape_of(folder: Path) -> Shape | None:
    """Return the shape of a known set, None for any other folder."""
    return SETS.get(folder.resolve().name)
