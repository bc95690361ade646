"""Timestamps over several columns."""

import pandas as pd
import pytest

from forecasting.errors import InvalidTimestamps
from forecasting.timestamps.parsing import parse_time_columns, part_of_column

HOURS = pd.date_range("2024-01-01", periods=50, freq="h")


def parse(columns, time_format=None):
    frame = pd.DataFrame(columns)
    return parse_time_columns(frame, lambda i: f"line {i + 2}", time_format)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"Year": [2023], "Month": ["Mar"]}, "2023-03-01"),
        ({"Jahr": [2023], "Monat": ["M\u00e4rz"]}, "2023-03-01"),
        ({"Year": [2023.0], "Quarter": ["Q3"]}, "2023-07-01"),
        ({"Year": [2023], "Week": [1]}, "2023-01-02"),
        ({"year": [2023], "month": [3], "day": [5], "hour": [7]}, "2023-03-05 07:00"),
        ({"Year": [2023], "day_of_year": [365]}, "2023-12-31"),
        ({"Date": ["2023-03-05"], "Hour": [24]}, "2023-03-06"),
        ({"Date": ["05.03.2023"], "Time": ["01:30 PM"]}, "2023-03-05 13:30"),
        ({"Date": ["2023-03-05"], "Time": [1330]}, "2023-03-05 13:30"),
        ({"Date": [20230305], "h": [13], "minute": [5]}, "2023-03-05 13:05"),
        ({"Y": [2023], "M": [3]}, "2023-03-01"),
    ],
)
def test_parts_make_one_moment(columns, expected):
    assert parse(columns).moments[0] == pd.Timestamp(expected).to_datetime64()


def test_dates_and_hours_make_hours():
    columns = {"Date": HOURS.strftime("%d/%m/%Y"), "Hour": HOURS.hour}

    times = parse(columns, "%d/%m/%Y")

    assert (times.moments == HOURS.to_numpy()).all()


def test_a_format_may_span_the_columns():
    columns = {"a": HOURS.strftime("%d/%m/%Y"), "b": HOURS.strftime("%Hh")}

    times = parse(columns, "%d/%m/%Y %Hh")

    assert (times.moments == HOURS.to_numpy()).all()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"Year": [2023, 2023], "Month": [1, None]}, "'Month': 1 missing .* line 3"),
        ({"Year": [2023], "shop": ["B"]}, "'shop': 'B' is neither .*--time-format"),
        ({"Year": [2023], "Hour": [3]}, "no moments can be made of 'Year' .year."),
        ({"year": [2023], "month": [2], "day": [30]}, "'2023 2 30' at line 2"),
        ({"Date": ["2023-03-05"], "Time": ["25:00"]}, "'25:00' at line 2"),
    ],
)
def test_columns_that_make_no_moment_are_named(columns, message):
    with pytest.raises(InvalidTimestamps, match=message):
        parse(columns)


@pytest.mark.parametrize(
    ("name", "values", "part"),
    [
        ("Month", [1, 12], "month"),
        ("m", ["Jan", "Feb"], "month"),
        ("Month", [1, 13], None),
        ("monthly_revenue", [1, 12], None),
        ("Year", [1, 5], None),
        ("time", ["08:00", "9:30"], "hour"),
        ("sales", [1, 2], None),
    ],
)
def test_a_part_has_a_name_and_values(name, values, part):
    assert part_of_column(name, pd.Series(values)) == part
