"""Future timestamps are those of the library; uneven timestamps are refused."""

import json

import numpy as np
import pandas as pd
import pytest

from forecasting.data.panel import Panel
from forecasting.timestamps.calendar import Calendar
from serving.forecasts.timestamps import NotConsecutive, future_timestamps
from serving.schemas.timestamps import format_timestamps

FREQUENCIES = ["MS", "ME", "BMS", "QS-FEB", "YE", "W-WED", "D", "B", "h", "15min", "7D"]


def panel(freq, form, periods=30):
    stamps = pd.date_range("2023-11-01", periods=periods, freq=freq).strftime(form)
    values = {"a": list(map(float, range(periods)))}
    return stamps.tolist(), Panel.from_values(values, timestamps={"a": stamps})


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"])
@pytest.mark.parametrize("freq", FREQUENCIES)
def test_what_follows_is_what_the_library_says(freq, form):
    stamps, seen = panel(freq, form)

    [text] = future_timestamps(seen.calendar, [stamps], 14)

    ahead = seen.calendar.future(seen.timestamps[-1:], 14)
    assert json.loads(text) == format_timestamps(ahead)[0]


@pytest.mark.parametrize("freq", FREQUENCIES)
def test_a_gap_a_repetition_and_a_wrong_order_are_refused(freq):
    stamps, seen = panel(freq, "%Y-%m-%d %H:%M:%S")
    gap, twice = stamps[:9] + stamps[10:], stamps[:9] + stamps[8:]
    turned = stamps[::-1]

    for wrong in (gap, twice, turned):
        with pytest.raises(NotConsecutive):
            future_timestamps(seen.calendar, [wrong], 14)


def test_each_series_goes_on_from_its_own_end():
    series = [["2024-02-28", "2024-02-29"], ["2025-12-31"]]

    texts = future_timestamps(Calendar("D"), series, 2)

    assert [json.loads(one) for one in texts] == [
        ["2024-03-01T00:00:00", "2024-03-02T00:00:00"],
        ["2026-01-01T00:00:00", "2026-01-02T00:00:00"],
    ]


@pytest.mark.parametrize(
    "stamps",
    [
        ["2024-01-31", "2024-02-30"],
        ["2024-01-31", "2024-02-01 00:00:00"],
        ["2024-01-31T00:00:00Z", "2024-02-01T00:00:00"],
        ["2024-01-31T00:00:00Z", "2024-02-01T00:00:00+00:00"],
        ["2024-01-31T00:00:00+0200", "2024-02-01T00:00:00+0200"],
        ["2024-01-31T24:00:00", "2024-02-01T24:00:00"],
        ["today", "tomorrow"],
        ["NaT", "NaT"],
        ["\u0662024-01-31", "\u0662024-02-01"],
        ["2024-01-31;2024-02-01", "2024-02-02"],
        ["1600-01-31", "1600-02-01"],
        ["2199-12-31", "2200-01-01"],
        [20240131, 20240201],
        ["2024-01-31", 7],
    ],
)
def test_other_dates_are_refused(stamps):
    with pytest.raises(NotConsecutive):
        future_timestamps(Calendar("D"), [stamps], 2)


def test_another_anchor_and_an_end_after_all_moments_are_refused():
    monday = ["2024-01-01", "2024-01-08"]

    with pytest.raises(NotConsecutive):
        future_timestamps(Calendar("W-SUN"), [monday], 2)
    with pytest.raises(NotConsecutive):
        future_timestamps(Calendar("YS"), [["2020-01-01", "2021-01-01"]], 300)


def test_integer_steps_go_on_as_far_apart_as_they_are():
    texts = future_timestamps(Calendar(None), [[5, 15, 25], [-10, 0]], 3)

    assert [json.loads(one) for one in texts] == [[35, 45, 55], [10, 20, 30]]


@pytest.mark.parametrize(
    "series",
    [
        [[5, 15, 26]],
        [[5, 15], [1, 2]],
        [[5, 5]],
        [[15, 5]],
        [[5]],
        [[True, 2]],
        [["5", "15"]],
        [[2**60, 2**60 + 1]],
    ],
)
def test_other_steps_are_refused(series):
    with pytest.raises(NotConsecutive):
        future_timestamps(Calendar(None), series, 2)


def test_what_is_found_once_is_found_again_for_other_horizons_and_calendars():
    stamps = ["2024-01-05", "2024-01-06"]

    days = [future_timestamps(Calendar("D"), [stamps], steps)[0] for steps in (1, 2, 1)]

    assert [len(json.loads(one)) for one in days] == [1, 2, 1]
    with pytest.raises(NotConsecutive):
        future_timestamps(Calendar("B", (0, 1, 2, 3, 4)), [stamps], 1)


def test_trading_days_go_on_over_the_weekend():
    stamps = np.arange("2024-01-01", "2024-01-06", dtype="datetime64[D]")

    [text] = future_timestamps(Calendar("B", (0, 1, 2, 3, 4)), [stamps.astype(str)], 1)

    assert json.loads(text) == ["2024-01-08T00:00:00"]
