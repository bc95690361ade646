"""Parsing of timestamps in common formats."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.errors import InvalidTimestamps
from forecasting.timestamps.parsing import is_date_column, parse_timestamps


def parse(values, name="when"):
    column = pd.Series(values)
    times = parse_timestamps(name, column, lambda i: f"line {i + 2}")
    return times.moments, times.notes


def as_text(moments):
    return [str(pd.Timestamp(moment)) for moment in moments]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-01-31", "2020-01-31 00:00:00"),
        ("2020/01/31", "2020-01-31 00:00:00"),
        ("2020.01.31", "2020-01-31 00:00:00"),
        ("2020-1-5", "2020-01-05 00:00:00"),
        ("2020-02", "2020-02-01 00:00:00"),
        ("2020/2", "2020-02-01 00:00:00"),
        ("2020", "2020-01-01 00:00:00"),
        ("20200131", "2020-01-31 00:00:00"),
        ("31.01.2020", "2020-01-31 00:00:00"),
        ("31/01/2020", "2020-01-31 00:00:00"),
        ("1/31/2020", "2020-01-31 00:00:00"),
        ("1/31/2020 1:05 PM", "2020-01-31 13:05:00"),
        ("1/31/2020 12:05 am", "2020-01-31 00:05:00"),
        ("Jan 2020", "2020-01-01 00:00:00"),
        ("february 2020", "2020-02-01 00:00:00"),
        ("31 Jan 2020", "2020-01-31 00:00:00"),
        ("31-Jan-2020 7:30", "2020-01-31 07:30:00"),
        ("January 31, 2020", "2020-01-31 00:00:00"),
        ("2020-01-31 13:00", "2020-01-31 13:00:00"),
        ("2020-01-31T13:00:07", "2020-01-31 13:00:07"),
        ("2020-01-31 13:00:00.5", "2020-01-31 13:00:00.500000"),
        ("2020-01-31T13:00:00Z", "2020-01-31 13:00:00"),
        ("2020-01-31 13:00 UTC", "2020-01-31 13:00:00"),
        ("2020-01-31T13:00:00+02:00", "2020-01-31 11:00:00"),
        ("2020-01-31 13:00-0530", "2020-01-31 18:30:00"),
        ("2020Q1", "2020-01-01 00:00:00"),
        ("2020-Q3", "2020-07-01 00:00:00"),
        (" 2020-01-31 ", "2020-01-31 00:00:00"),
    ],
)
def test_every_common_form_is_read(text, expected):
    column = pd.Series([text])

    moments, _ = parse(column)

    assert is_date_column("when", column)
    assert moments.dtype == "datetime64[ns]"
    assert as_text(moments) == [expected]


@given(
    st.lists(
        st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2250, 1, 1)),
        min_size=1,
    )
)
def test_reading_what_was_written_gives_the_same_moments(moments):
    written = [moment.isoformat() for moment in moments]

    read, notes = parse(written)

    assert [pd.Timestamp(moment) for moment in read] == moments
    assert notes == []


def test_midnight_may_be_left_out_of_some_rows():
    moments, _ = parse(["2020-01-31", "2020-01-31 13:00"])

    assert as_text(moments) == ["2020-01-31 00:00:00", "2020-01-31 13:00:00"]


def test_one_day_after_the_twelfth_settles_the_order_of_the_column():
    day_first, notes = parse(["01/02/2020", "13/02/2020"])
    month_first, _ = parse(["01/02/2020", "02/13/2020"])

    assert as_text(day_first[:1]) == ["2020-02-01 00:00:00"]
    assert as_text(month_first[:1]) == ["2020-01-02 00:00:00"]
    assert notes == ["time 'when': the day comes first"]


def test_with_dots_the_day_comes_first():
    moments, notes = parse(["01.02.2020"])

    assert as_text(moments) == ["2020-02-01 00:00:00"]
    assert notes == ["time 'when': the day comes first"]


def test_an_open_order_of_day_and_month_is_refused():
    with pytest.raises(
        InvalidTimestamps,
        match=r"'01/02/2020' at line 2 begins with the day or the month.*ISO",
    ):
        parse(["01/02/2020", "03/04/2020"])


def test_an_order_that_changes_is_refused():
    with pytest.raises(InvalidTimestamps, match="day and month change places"):
        parse(["13/12/2020", "12/13/2020"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["2020-01-31", "soon"], "'soon' at line 3 cannot be read.* like '2020-01-31'"),
        (["2020-01-31", "2020-02"], "'2020-02' at line 3"),
        (["2020-01", "2020-01-02"], "'2020-01-02' at line 3"),
        (["2020-02-30"], "'2020-02-30' at line 2"),
        (["31/02/2020"], "'31/02/2020' at line 2"),
        (["2020-01-31 25:00"], "'2020-01-31 25:00' at line 2"),
        (["soon"], "'soon' at line 2 cannot be read as a date"),
        (["soon" * 999], "'(soon){24}soo at line 2 cannot be read as a date"),
        (["01/02/20"], "'01/02/20' at line 2"),
        (["2020-01-31", None], "1 missing timestamps, the first at line 3"),
        ([1.0, np.nan], "1 missing timestamps, the first at line 3"),
        ([1.5, 2.0], "numbers with fractions, such as 1.5"),
        (["2020-01-01", "1500-01-01"], "the year 1500 at line 3.*1678 to 2261"),
        (["9999-01-01 00:00"], "the year 9999 at line 2"),
        (["2020-01-31T13:00Z", "2020-01-31T14:00"], "some timestamps have a time zone"),
        (["2020-01-31T13:00", "2020-01-31T14:00Z"], "some timestamps have a time zone"),
        (["2020-01-01T13:00", "2020-01-01T14:00+01"], "some timestamps have a time z"),
    ],
)
def test_what_cannot_be_read_is_named(values, message):
    with pytest.raises(InvalidTimestamps, match=f"column 'when': .*{message}"):
        parse(values)


def test_offsets_that_differ_become_utc():
    moments, notes = parse(["2020-03-28T12:00+01:00", "2020-03-29T12:00+02:00"])

    assert as_text(moments) == ["2020-03-28 11:00:00", "2020-03-29 10:00:00"]
    assert notes == []


def test_datetimes_with_a_zone_become_utc():
    column = pd.Series(pd.date_range("2020-01-31", periods=2, tz="Europe/Berlin"))

    moments, notes = parse(column)

    assert as_text(moments) == ["2020-01-30 23:00:00", "2020-01-31 23:00:00"]
    assert notes == []


def test_datetimes_out_of_reach_are_refused():
    column = pd.Series(np.array(["1500-01-01"], dtype="datetime64[s]"))

    with pytest.raises(InvalidTimestamps, match="the year 1500 at line 2"):
        parse(column)


@pytest.mark.parametrize(
    ("name", "numbers", "expected"),
    [
        ("Year", [1999, 2000], ["1999-01-01 00:00:00", "2000-01-01 00:00:00"]),
        ("day", [20200131, 20200201], ["2020-01-31 00:00:00", "2020-02-01 00:00:00"]),
    ],
)
def test_whole_numbers_may_be_years_or_days(name, numbers, expected):
    moments, _ = parse(numbers, name)

    assert is_date_column(name, pd.Series(numbers))
    assert as_text(moments) == expected


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("ds", [1, 700]),
        ("sales", [1999, 2000]),
        ("x", [20209931, 20209932]),
        ("t", [0]),
    ],
)
def test_other_whole_numbers_are_steps(name, numbers):
    moments, notes = parse(numbers, name)

    assert moments.dtype == np.int64
    assert moments.tolist() == numbers
    assert notes == []


@pytest.mark.parametrize(
    "values", [["drizzle", "rain"], [True, False], [1.5, 2.5], [None, None], ["7", "8"]]
)
def test_columns_of_anything_else_are_no_dates(values):
    assert not is_date_column("when", pd.Series(values, dtype=object).infer_objects())
