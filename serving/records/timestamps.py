"""Timestamps of many observations as JSON, without a Python object for each."""

from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from forecasting.timestamps.zones import to_wall, zone_suffixes
from serving.schemas.timestamps import format_timestamps

SECONDS = "datetime64[s]"
NUMPY = orjson.OPT_SERIALIZE_NUMPY


def encode_timestamps(
    timestamps: npt.NDArray[Any], zone: str | None
) -> orjson.Fragment:
    """Return timestamps as a JSON list for orjson, as `format_timestamps` has them.

    Args:
        timestamps: ``(points,)``, in UTC where there is a zone; or integer steps.
        zone: time zone of the text; None for naive timestamps.
    """
    if timestamps.dtype.kind != "M":
        return orjson.Fragment(
            orjson.dumps(np.ascontiguousarray(timestamps), option=NUMPY)
        )
    wall = to_wall(timestamps, zone)
    seconds = wall.astype(SECONDS)
    if not len(wall) or (seconds != wall).any():
        return orjson.Fragment(orjson.dumps(format_timestamps(timestamps, zone)))
    changes = np.flatnonzero(np.diff(wall - timestamps)) + 1  # of the clocks
    runs = np.split(seconds, changes)
    firsts = timestamps[[0, *changes.tolist()]]
    suffixes = zone_suffixes(firsts, zone)
    parts = [
        _encode_run(run, suffix) for run, suffix in zip(runs, suffixes, strict=True)
    ]
    return orjson.Fragment(b"[%b]" % b",".join(parts))


def _encode_run(run: npt.NDArray[Any], suffix: str) -> bytes:
    """Return wall times with one suffix, joined by commas."""
    text = orjson.dumps(np.ascontiguousarray(run), option=NUMPY)[1:-1]
    if not suffix:
        return text
    ending = f'{suffix}"'.encode()
    return text.replace(b'",', ending + b",")[:-1] + ending
