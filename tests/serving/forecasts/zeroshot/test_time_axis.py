"""The calendar and the timestamps ahead are the library's, however they are read."""

import json

import numpy as np
import pandas as pd
import pytest

from forecasting.data.panel import Panel
from serving.errors import RequestError
from serving.forecasts.timestamps import NotConsecutive
from serving.forecasts.zeroshot.time_axis import parse_axis, read_axis
from serving.schemas.request import ZeroShotSeries

FREQUENCIES = ["MS", "ME", "QS-FEB", "YE", "W-WED", "D", "B", "h", "15min", "7D"]


def make_series(*columns):
    return [
        ZeroShotSeries(id=str(row), values=[1.0] * len(stamps), timestamps=list(stamps))
        for row, stamps in enumerate(columns)
    ]


def texts(stamps):
    return pd.DatetimeIndex(stamps).strftime("%Y-%m-%dT%H:%M:%S").tolist()


def library_axis(columns, steps, freq=None):
    values = {str(row): [1.0] * len(stamps) for row, stamps in enumerate(columns)}
    stamps = dict(zip(values, map(pd.DatetimeIndex, columns), strict=True))
    panel = Panel.from_values(values, timestamps=stamps, freq=freq)
    return panel.calendar, panel.calendar.future(panel.last_timestamps(), steps)


@pytest.mark.parametrize("freq", FREQUENCIES)
@pytest.mark.parametrize("named", [True, False], ids=["named", "inferred"])
def test_both_ways_of_reading_are_those_of_the_library(freq, named):
    stamps = pd.date_range("2023-11-01", periods=30, freq=freq)
    columns = [texts(stamps), texts(stamps[7:])]
    name = freq if named else None
    calendar, ahead = library_axis(columns, 5, name)

    for read in (read_axis, parse_axis):
        axis = read(make_series(*columns), name, 5)

        assert axis.calendar == calendar
        assert [json.loads(row) for row in axis.ahead] == [*map(texts, ahead)]


@pytest.mark.parametrize(
    ("freq", "weekdays"), [("MS", ()), ("B", (0, 1, 2, 3, 4)), ("h", ())]
)
def test_a_frequency_without_timestamps_is_a_calendar(freq, weekdays):
    series = [ZeroShotSeries(id="a", values=[1.0, 2.0, 3.0])]

    axis = read_axis(series, freq, 3)

    assert (axis.calendar.freq, axis.calendar.weekdays) == (freq, weekdays)
    assert axis.ahead is None


def test_hours_across_a_change_of_clocks_go_on_in_utc():
    stamps = pd.date_range("2024-03-30", periods=48, freq="h", tz="Europe/Berlin")
    column = [stamp.isoformat() for stamp in stamps]

    with pytest.raises(NotConsecutive):
        read_axis(make_series(column), None, 2)
    axis = parse_axis(make_series(column), None, 2)

    assert axis.calendar.freq == "h"
    assert json.loads(axis.ahead[0]) == ["2024-03-31T23:00:00Z", "2024-04-01T00:00:00Z"]


def test_days_across_a_change_of_clocks_go_on_by_the_day():
    stamps = pd.date_range("2024-03-25", periods=10, freq="D", tz="Europe/Berlin")

    axis = parse_axis(make_series([stamp.isoformat() for stamp in stamps]), None, 1)

    assert axis.calendar.freq == "D"
    assert json.loads(axis.ahead[0]) == ["2024-04-04T00:00:00+02:00"]


def test_dates_in_another_form_are_read():
    column = ["03/28/2024", "03/29/2024", "03/30/2024", "03/31/2024"]

    axis = parse_axis(make_series(column), None, 1)

    assert json.loads(axis.ahead[0]) == ["2024-04-01T00:00:00"]


def test_integer_steps_need_no_frequency():
    axis = parse_axis(make_series([2, 4, 6], [1, 3, 5]), None, 2)

    assert axis.calendar.freq is None
    assert [json.loads(row) for row in axis.ahead] == [[8, 10], [7, 9]]


DAYS = texts(pd.date_range("2024-01-01", periods=9, freq="D"))
MONTHS = texts(pd.date_range("2024-01-01", periods=9, freq="MS"))


@pytest.mark.parametrize(
    ("columns", "freq", "loc", "text"),
    [
        ([DAYS, DAYS[:4] + DAYS[5:]], None, ["series", 1, "timestamps"], "missing on"),
        ([DAYS, DAYS[::-1]], None, ["series", 1, "timestamps"], "oldest first"),
        ([DAYS, ["x", *DAYS[1:]]], None, ["series", 1, "timestamps"], "'x'"),
        ([DAYS, DAYS[:1] * 9], None, ["series", 1, "timestamps"], "more than once"),
        ([DAYS, MONTHS], "D", ["series", 1, "timestamps"], "missing on"),
        ([DAYS, MONTHS], None, ["series"], "calendar"),
        ([DAYS], "often", ["freq"], "a pandas frequency alias"),
        ([[1, 2, 3]], "D", ["freq"], "left out"),
        ([["2259-01-01", "2260-01-01", "2261-01-01"]], None, ["horizon"], "2262"),
    ],
)
def test_what_lies_on_no_calendar_is_refused_with_its_place(columns, freq, loc, text):
    with pytest.raises(RequestError, match=text) as caught:
        parse_axis(make_series(*columns), freq, 5)

    assert caught.value.flaws[0].loc == ["body", *loc]


def test_long_series_are_read_as_short_ones():
    stamps = np.datetime64("2000-01-01") + np.arange(1500)
    column = np.datetime_as_string(stamps).tolist()

    axis = read_axis(make_series(column), None, 1)

    assert axis.calendar.freq == "D"
    assert json.loads(axis.ahead[0]) == ["2004-02-09T00:00:00"]
