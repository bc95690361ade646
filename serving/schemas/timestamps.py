"""Formatting of timestamps for JSON."""

from typing import Any

import numpy as np
import numpy.typing as npt

from forecasting.timestamps.zones import format_moments


def format_timestamps(
    timestamps: npt.NDArray[Any], zone: str | None = None
) -> list[Any]:
    """Return timestamps as ISO text and integer steps as they are, in nested lists.

    Args:
        timestamps: of any shape; in UTC where there is a zone.
        zone: time zone of the text; None for naive timestamps.
    """
    if timestamps.dtype.kind != "M":
        return list(timestamps.tolist())
    if zone is not None:
        return list(format_moments(timestamps, zone).tolist())
    is_seconds = bool((timestamps == timestamps.astype("datetime64[s]")).all())
    return list(
        np.datetime_as_string(timestamps, unit="s" if is_seconds else "ns").tolist()
    )
