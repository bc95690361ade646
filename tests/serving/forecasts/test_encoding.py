"""Forecasts as JSON: what every reader of JSON reads back."""

import json

import numpy as np

from serving.forecasts.encoding import Encoded

POINTS = np.array([[1.5, 1e-7], [1e300, -0.0], [3.0, 4.0]])
BOUNDS = np.arange(24.0).reshape(4, 3, 2)  # lower 80, lower 95, upper 80, upper 95


def tell(names, first, levels, **more):
    made = Encoded((80.0, 95.0), POINTS, BOUNDS)
    return json.loads(b"[%b]" % made.tell(names, first, levels, **more))


def test_numbers_names_and_levels_are_read_back_as_they_were():
    names = ['a"],["b', "é\u0000%b"]

    found = tell(names, 1, [95.0, 80.0, 95.0])

    assert [one["id"] for one in found] == names
    assert [one["point"] for one in found] == POINTS[1:].tolist()
    assert list(found[0]["intervals"]) == ["80", "95"]
    for row, one in enumerate(found, 1):
        for place, bounds in enumerate(one["intervals"].values()):
            assert bounds["lower"] == BOUNDS[place, row].tolist()
            assert bounds["upper"] == BOUNDS[2 + place, row].tolist()
        assert one["timestamps"] is None


def test_timestamps_belong_to_their_series():
    stamps = [b'["2024-01-01","2024-01-02"]', b"[7,8]"]

    found = tell(["x", "y"], 0, [], timestamps=stamps)

    assert [one["timestamps"] for one in found] == [
        ["2024-01-01", "2024-01-02"],
        [7, 8],
    ]
    assert [one["intervals"] for one in found] == [{}, {}]


def test_bounds_beyond_every_number_are_null():
    bounds = np.array([[[-np.inf, 1.0]], [[np.inf, np.nan]]])

    [found] = json.loads(
        b"[%b]" % Encoded((80.0,), POINTS[:1], bounds).tell(["x"], 0, [80.0])
    )

    assert found["intervals"] == {"80": {"lower": [None, 1.0], "upper": [None, None]}}
