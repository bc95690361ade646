"""Forms of dates: each is read as people mean it, or asked about."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.errors import InvalidTimestamps, SettingError
from forecasting.timestamps.parsing import is_date_column, parse_timestamps
from forecasting.timestamps.parsing.strptime import parse_time_format
from forecasting.timestamps.parsing.words import units_of_name


def parse(values, name="when", time_format=None):
    column = pd.Series(list(values))
    return parse_timestamps(name, column, lambda i: f"line {i + 2}", time_format)


def as_text(times):
    return [str(pd.Timestamp(moment)) for moment in times.moments]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-W01", "2023-01-02"),
        ("2023W52", "2023-12-25"),
        ("2023-W01-3", "2023-01-04"),
        ("KW 1 2023", "2023-01-02"),
        ("1. KW 2023", "2023-01-02"),
        ("W01/2023", "2023-01-02"),
        ("week 3 2024", "2024-01-15"),
        ("Q1 2023", "2023-01-01"),
        ("Q1-23", "2023-01-01"),
        ("4. Quartal 2023", "2023-10-01"),
        ("2T2024", "2024-04-01"),
        ("2023H2", "2023-07-01"),
        ("FY2023", "2023-01-01"),
        ("2023-2024", "2023-01-01"),
        ("Dec-23", "2023-12-01"),
        ("Dec'23", "2023-12-01"),
        ("2023-Dec", "2023-12-01"),
        ("23-Dec-2023", "2023-12-23"),
        ("23-Dec-23", "2023-12-23"),
        ("01JAN2024", "2024-01-01"),
        ("Dezember 2023", "2023-12-01"),
        ("1. Januar 2024", "2024-01-01"),
        ("Mrz 2024", "2024-03-01"),
        ("1er janvier 2024", "2024-01-01"),
        ("févr. 2024", "2024-02-01"),
        ("15 de enero de 2024", "2024-01-15"),
        ("5 de março de 2024", "2024-03-05"),
        ("gennaio 2024", "2024-01-01"),
        ("lunedì 1 gennaio 2024", "2024-01-01"),
        ("2 mei 2024", "2024-05-02"),
        ("January 1st, 2024", "2024-01-01"),
        ("2023M01", "2023-01-01"),
        ("2024-366", "2024-12-31"),
        ("2024\u5e741\u670831\u65e5", "2024-01-31"),
        ("20240131T1300", "2024-01-31 13:00"),
        ("20240131130005", "2024-01-31 13:00:05"),
        ("2024-01-31 24:00", "2024-02-01"),
        ("2024-01-31T13:00:00,25", "2024-01-31 13:00:00.25"),
        ("1/31/2024, 1:05:07\u202fPM", "2024-01-31 13:05:07"),
        ("31. Januar 2024, 13:00 Uhr", "2024-01-31 13:00"),
        ("Wed, 31 Jan 2024 13:00:00 GMT", "2024-01-31 13:00"),
        ("31/Jan/2024:13:00:00 +0100", "2024-01-31 12:00"),
    ],
)
def test_a_date_in_words_or_numbers_is_read(text, expected):
    column = pd.Series([text])

    times = parse([text])

    assert is_date_column("when", column)
    assert times.moments[0] == pd.Timestamp(expected).to_datetime64()


@pytest.mark.parametrize(
    "text",
    ["2023-W53", "2023-366", "31-Apr-2024", "2024-01-31 24:01", "13:61 1/31/2024"],
)
def test_a_date_that_is_none_is_refused(text):
    with pytest.raises(
        InvalidTimestamps, match=r"line 2 cannot be read.*--time-format"
    ):
        parse([text])


BUSINESS_DAYS = pd.bdate_range("2023-02-01", periods=150)


@pytest.mark.parametrize("form", ["%d/%m/%y", "%m/%d/%y", "%y-%m-%d", "%d.%m.%y"])
@pytest.mark.parametrize("newest_first", [False, True])
def test_two_digit_years_are_told_by_the_whole_column(form, newest_first):
    moments = BUSINESS_DAYS[::-1] if newest_first else BUSINESS_DAYS

    times = parse(moments.strftime(form))

    assert (times.moments == moments.to_numpy()).all()
    assert times.time_format == form


def test_one_month_of_days_is_no_column_of_years():
    times = parse([f"{day:02d}/01/24" for day in range(1, 32)])

    assert as_text(times)[1] == "2024-01-02 00:00:00"


def test_even_steps_tell_the_day_from_the_month():
    weeks = pd.date_range("2024-01-01", periods=6, freq="7D")

    times = parse(weeks.strftime("%m/%d/%Y"))

    assert (times.moments == weeks.to_numpy()).all()


def test_years_before_2000_stay_together():
    months = pd.date_range("1949-01-01", "1960-12-01", freq="MS")

    times = parse(months.strftime("%b-%y"))

    assert (times.moments == months.to_numpy()).all()
    assert times.notes == ["time 'when': two-digit years are 1949 to 1960"]


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        (["01/02/24", "01/03/24"], "%d/%m/%y or %m/%d/%y or %y/%m/%d"),
        (["01/02/2024", "02/02/2024"], "%d/%m/%Y or %m/%d/%Y"),
        (["Dec-01", "Dec-02", "Dec-03"], "%b-%y"),
        (["2023/24"], "%G/%V"),
        (BUSINESS_DAYS.strftime("%b-%d"), "%b-%y"),
        (pd.date_range("2023-01-01", periods=365).strftime("%b-%d"), "%b-%y"),
    ],
)
def test_an_open_date_is_asked_about_with_its_formats(values, asked):
    with pytest.raises(InvalidTimestamps, match=f"--time-format.*{asked}"):
        parse(values)


def test_weeks_and_months_of_a_year_are_told_by_the_whole_column():
    weeks = parse([f"2023-{week:02d}" for week in range(1, 53)])
    months = parse([f"2023-{month:02d}" for month in range(1, 13)])

    assert as_text(weeks)[-1] == "2023-12-25 00:00:00"
    assert as_text(months)[-1] == "2023-12-01 00:00:00"


def test_years_over_two_calendar_years_are_told_from_months_and_weeks():
    assert as_text(parse(["2010/11", "2011/12"])) == [
        "2010-01-01 00:00:00",
        "2011-01-01 00:00:00",
    ]


def test_a_format_settles_an_open_date():
    assert (
        as_text(parse(["01/02/2024"], time_format="%d/%m/%Y"))[0][:10] == "2024-02-01"
    )
    assert (
        as_text(parse(["01/02/2024"], time_format="%m/%d/%Y"))[0][:10] == "2024-01-02"
    )
    assert as_text(parse(["2024/07"], time_format="%Y/%U"))[0][:10] == "2024-02-18"
    assert (
        as_text(parse(["5. Mai 24"], time_format="%d. %B %y"))[0][:10] == "2024-05-05"
    )


def test_other_dates_than_the_format_are_read_where_they_have_one_reading():
    assert (
        as_text(parse(["2024-02-01"], time_format="%d/%m/%Y"))[0][:10] == "2024-02-01"
    )
    assert as_text(parse(["01/02/24"], time_format="%d/%m/%Y"))[0][:10] == "2024-02-01"


def test_dates_against_the_format_are_refused():
    with pytest.raises(
        InvalidTimestamps, match=r"'03/20/2024' at line 3 does not have.*%d/%m/%Y"
    ):
        parse(["01/02/2024", "03/20/2024"], time_format="%d/%m/%Y")


def test_iso_dates_say_nothing_of_the_order_of_others():
    us = parse(["05/01/24", "04/30/24"], time_format="%Y-%m-%d")

    assert as_text(us)[0][:10] == "2024-05-01"
    with pytest.raises(InvalidTimestamps, match="it is open"):
        parse(["05/01/24", "05/02/24"], time_format="%Y-%m-%d")


@pytest.mark.parametrize(
    "text", ["%d/%m", "%Q", "%Y %Y", "%I:00 %Y", "%d %Y", "", "%Y-%m-%d %", "%y %Y"]
)
def test_a_format_without_a_year_or_with_an_unknown_part_is_refused(text):
    with pytest.raises(SettingError, match="time_format"):
        parse_time_format(text)


FORMATS = (
    *("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y"),
    *("%y-%m-%d", "%d-%b-%Y", "%d-%b-%y", "%B %d, %Y", "%Y%m%d", "%Y%j", "%G-W%V-%u"),
)


@settings(max_examples=150, deadline=None)
@given(
    st.dates(datetime.date(1990, 1, 1), datetime.date(2025, 1, 1)),
    st.integers(3, 60),
    st.sampled_from(["D", "7D", "MS", "ME", "B"]),
    st.sampled_from(FORMATS),
    st.booleans(),
)
def test_dates_are_read_as_they_were_written_or_asked_about(
    start, count, step, form, newest_first
):
    moments = pd.date_range(start, periods=count, freq=step)
    moments = moments[::-1] if newest_first else moments
    try:
        times = parse(moments.strftime(form))
    except InvalidTimestamps as error:
        is_question = "open" in str(error)
        assert is_question, error  # noqa: PT017
        return

    np.testing.assert_array_equal(times.moments, moments.to_numpy())


@pytest.mark.parametrize(
    ("name", "units"),
    [
        ("order_date", ["date"]),
        ("OrderDate", ["date"]),
        ("Bestelldatum", ["date"]),
        ("Date (UTC)", ["date"]),
        ("week of year", ["week"]),
        ("day_of_week", []),
        ("monthly_revenue", []),
        ("month_sales", []),
        ("update", []),
    ],
)
def test_the_last_word_of_a_name_says_what_a_column_holds(name, units):
    assert units_of_name(name) == units
