"""Season length and horizon of published sets of series, by folder name.

Only the standard library is imported: `benchmarks.peers` runs in an environment without
Recast.
"""

from pathlib import Path
from typing import NamedTuple


class SetShape(NamedTuple):
    """Season length, in steps, for the scale of MASE, and horizon of a set.

    ``calendar_season`` is that of the dates which the files lack: weeks of a year.
    """

    season_length: int
    horizon: int
    calendar_season: int


# M4: Makridakis, Spiliotis and Assimakopoulos 2020. M3 and tourism: Makridakis and
# Hibon 2000, Athanasopoulos et al. 2011.
SETS = {
    "m4_hourly": SetShape(24, 48, 24),
    "m4_weekly": SetShape(1, 13, 52),
    "m3_monthly": SetShape(12, 18, 12),
    "tourism_monthly": SetShape(12, 24, 12),
}


def find_shape(folder: Path) -> SetShape | None:
    """Return the shape of a published set, None for any other folder."""
    return SETS.get(folder.resolve().name)
