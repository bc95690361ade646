"""Timestamps are encoded as they are formatted one by one, in every zone."""

import json

import numpy as np
import orjson
import pytest

from serving.records.timestamps import encode_timestamps
from serving.schemas.timestamps import format_timestamps

HOURS = np.datetime64("2023-12-31T12", "ns") + np.arange(9000) * np.timedelta64(1, "h")
STAMPS = {
    "hours of a year": HOURS,
    "none": HOURS[:0],
    "before 1970": np.datetime64("1850-03-01", "ns")
    + np.arange(3) * 86_400_000_000_000,
    "half seconds": HOURS[:5] + np.timedelta64(500, "ms"),
    "steps": np.arange(5, 900),
    "every second step": np.arange(90)[::2],
}


@pytest.mark.parametrize("zone", [None, "UTC", "+05:30", "Europe/Berlin"])
@pytest.mark.parametrize("name", STAMPS)
def test_encoded_timestamps_are_the_formatted_ones(name, zone):
    stamps = STAMPS[name]

    text = orjson.dumps({"a": encode_timestamps(stamps, zone)})

    assert json.loads(text)["a"] == format_timestamps(stamps, zone)
