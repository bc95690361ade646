"""Formatting of timestamps for JSON."""

from typing import Any

import numpy as np
import numpy.typing as npt


def format_timestamps(timestamps: npt.NDArray[Any]) -> list[Any]:
    """Return timestamps as ISO text and integer steps as they are, in nested lists."""
    if timestamps.dtype.kind != "M":
        return list(timestamps.tolist())
    is_seconds = bool((timestamps == timestamps.astype("datetime64[s]")).all())
    return list(
        np.datetime_as_string(timestamps, unit="s" if is_seconds else "ns").tolist()
    )
