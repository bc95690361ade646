"""Positions in the seasonal cycles, computed by hand."""

import numpy as np
import pytest

from forecasting.timestamps.calendar import STEPS, Calendar
from forecasting.timestamps.cyclical import find_cycles, season_positions


@pytest.mark.parametrize(
    ("freq", "length", "cycles"),
    [
        ("h", 24 * 400, ("day", "week", "year")),
        ("h", 24 * 30, ("day", "week")),
        ("15min", 96, ("hour", "day")),
        ("D", 400, ("week", "year")),
        ("D", 7, ("week",)),
        ("D", 6, ()),
        ("W-SUN", 53, ("year",)),
        ("MS", 12, ("year",)),
        ("QS", 4, ("year",)),
        ("YS", 40, ()),
    ],
)
def test_a_frequency_has_the_cycles_that_a_series_went_through(freq, length, cycles):
    start = np.array(["2023-01-01"], "datetime64[ns]")
    calendar = Calendar(freq)
    axis = np.concatenate([start, calendar.future(start, length - 1)[0]])

    assert find_cycles(calendar, axis, np.array([0, length])) == cycles


def test_integer_steps_have_no_cycles():
    assert find_cycles(STEPS, np.arange(900), np.array([0, 900])) == ()


def test_positions_go_round_the_circle():
    monday = np.array(["2024-01-01T00:00", "2024-01-01T06:00"], "datetime64[ns]")

    hours = season_positions(monday, ("hour", "day", "week"))

    quarter, week = np.pi / 2, 2 * np.pi / 28
    expected = [
        [0, 1, 0, 1, 0, 1],
        [0, 1, np.sin(quarter), np.cos(quarter), np.sin(week), np.cos(week)],
    ]
    np.testing.assert_allclose(hours, expected, atol=1e-12)


def test_a_leap_year_is_as_round_as_any():
    halves = np.array([["2023-07-02T12:00"], ["2024-07-02T00:00"]], "datetime64[ns]")

    positions = season_positions(halves, ("year",))

    np.testing.assert_allclose(positions, [[[0, -1]], [[0, -1]]], atol=1e-12)
