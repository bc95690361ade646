"""Timestamps as JSON shows them."""

from typing import Any

import numpy as np
import numpy.typing as npt


def format_timestamps(moments: npt.NDArray[Any]) -> list[Any]:
    """Return timestamps as ISO text, integer steps as they are; nested as they were."""
    if moments.dtype.kind != "M":
        return list(moments.tolist())
    whole = bool((moments == moments.astype("datetime64[s]")).all())
    return list(np.datetime_as_string(moments, unit="s" if whole else "ns").tolist())
