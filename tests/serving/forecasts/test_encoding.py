"""Forecasts as JSON that any parser reads back."""

import json

import numpy as np

from serving.forecasts.encoding import EncodedForecasts

POINTS = np.array([[1.5, 1e-7], [1e300, -0.0], [3.0, 4.0]])
BOUNDS = np.arange(24.0).reshape(4, 3, 2)  # lower 80, lower 95, upper 80, upper 95


def decode(names, first, levels, **more):
    encoded = EncodedForecasts((80.0, 95.0), POINTS, BOUNDS)
    return json.loads(
        b"[%b]"
        % encoded.select(names, first, levels, **more, methods=["network"] * len(names))
    )


def test_numbers_names_and_levels_are_read_back_as_they_were():
    names = ['a"],["b', "é\u0000%b"]

    rows = decode(names, 1, [95.0, 80.0, 95.0])

    assert [forecast["id"] for forecast in rows] == names
    assert [forecast["point"] for forecast in rows] == POINTS[1:].tolist()
    assert list(rows[0]["intervals"]) == ["80", "95"]
    for row, forecast in enumerate(rows, 1):
        for place, bounds in enumerate(forecast["intervals"].values()):
            assert bounds["lower"] == BOUNDS[place, row].tolist()
            assert bounds["upper"] == BOUNDS[2 + place, row].tolist()
        assert forecast["timestamps"] is None


def test_timestamps_belong_to_their_series():
    stamps = [b'["2024-01-01","2024-01-02"]', b"[7,8]"]

    rows = decode(["x", "y"], 0, [], timestamps=stamps)

    assert [forecast["timestamps"] for forecast in rows] == [
        ["2024-01-01", "2024-01-02"],
        [7, 8],
    ]
    assert [forecast["intervals"] for forecast in rows] == [{}, {}]


def test_bounds_beyond_every_number_are_null():
    bounds = np.array([[[-np.inf, 1.0]], [[np.inf, np.nan]]])

    [forecast] = json.loads(
        b"[%b]"
        % EncodedForecasts((80.0,), POINTS[:1], bounds).select(
            ["x"], 0, [80.0], methods=["network"]
        )
    )

    assert forecast["intervals"] == {
        "80": {"lower": [None, 1.0], "upper": [None, None]}
    }
