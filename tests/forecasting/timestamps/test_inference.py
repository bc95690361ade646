"""Calendars of days 29 to 31, extra days, finer steps, and frequencies said wrongly."""

import numpy as np
import pandas as pd
import pytest

from forecasting.errors import IrregularTimestamps
from forecasting.timestamps.calendar import WORKDAYS, Calendar
from forecasting.timestamps.inference import infer_calendar
from forecasting.timestamps.trading_days import extra_day_notes


def dates(*texts):
    return np.array(texts, dtype="datetime64[ns]")


def infer(*series, **settings):
    offsets = np.concatenate([[0], np.cumsum([len(moments) for moments in series])])
    names = tuple("abcdefgh"[: len(series)])
    return infer_calendar(np.concatenate(series), offsets, names, **settings)


def days_of_months(day, count, start="2022-08", step=1):
    months = np.datetime64(start) + step * np.arange(count)
    last = (months + 1).astype("datetime64[D]") - 1
    return np.minimum(months.astype("datetime64[D]") + day - 1, last).astype(
        "datetime64[ns]"
    )


@pytest.mark.parametrize("day", [28, 29, 30, 31])
@pytest.mark.parametrize("count", [3, 5, 7, 8, 19, 40])
@pytest.mark.parametrize(
    ("start", "step"), [("2022-08", 1), ("2021-02", 1), ("2021-08", 3)]
)
def test_a_day_of_the_month_comes_again_after_a_month_that_cut_it(
    day, count, start, step
):
    moments = days_of_months(day, count + 6, start, step)
    if pd.DatetimeIndex(moments[:count]).is_month_end.all() and day < 31:
        pytest.skip("these are month ends as well")

    calendar = infer(moments[:count])

    assert (calendar.future(moments[count - 1 : count], 6)[0] == moments[count:]).all()


def test_a_series_may_begin_or_end_with_the_month_that_cuts_the_day():
    calendar = infer(
        dates("2023-02-28", "2023-03-30", "2023-04-30"),
        dates("2022-12-30", "2023-01-30", "2023-02-28"),
    )

    assert calendar == Calendar("MS", day=30)
    future = calendar.future(dates("2023-02-28"), 2)[0]
    assert (future == dates("2023-03-30", "2023-04-30")).all()


def test_a_model_continues_its_day_from_few_rows():
    trained = infer(days_of_months(29, 30))

    assert infer(dates("2023-02-28"), trained=trained).day == 29
    assert infer(days_of_months(15, 9), trained=trained).freq == "MS"
    with pytest.raises(IrregularTimestamps, match=r"'MS'.*month ends"):
        infer(days_of_months(31, 9), trained=trained)


@pytest.mark.parametrize(
    ("freq", "moments", "right"),
    [
        ("MS", days_of_months(31, 12), "ME"),
        ("QS", days_of_months(31, 9, "2020-03", 3), "QE"),
        ("QS-MAR", days_of_months(31, 9, "2020-03", 3), "QE-MAR"),
        ("YS", days_of_months(31, 5, "2018-12", 12), "YE"),
    ],
)
def test_month_ends_said_to_be_month_starts_are_refused(freq, moments, right):
    with pytest.raises(IrregularTimestamps, match=rf"'{freq}'.*month ends.*'{right}'"):
        infer(moments, freq=freq)


def test_a_frequency_said_wrongly_is_refused_with_the_right_one():
    sundays = pd.date_range("2024-01-07", periods=9, freq="W-SUN").to_numpy(
        "datetime64[ns]"
    )

    with pytest.raises(IrregularTimestamps, match=r"'W-MON'.*fit 'W-SUN'.*--freq"):
        infer(sundays, freq="W-MON")


def open_days(weekdays, extra=(), holidays=(), weeks=26):
    every = pd.date_range("2024-01-01", periods=7 * weeks, freq="D")
    is_open = every.day_of_week.isin(weekdays) | every.isin(pd.DatetimeIndex(extra))
    return every[is_open & ~every.isin(pd.DatetimeIndex(holidays))].to_numpy(
        "datetime64[ns]"
    )


@pytest.mark.parametrize(
    ("weekdays", "extra", "freq"),
    [
        (WORKDAYS, ["2024-03-09", "2024-04-27"], "B"),
        (WORKDAYS, ["2024-06-30"], "B"),  # the last row
        (WORKDAYS, ["2024-01-06"], "B"),
        (range(6), ["2024-03-31", "2024-04-07", "2024-06-23"], "C"),
    ],
)
def test_single_extra_days_leave_the_week_as_it_is(weekdays, extra, freq):
    moments = open_days(weekdays, extra, ["2024-05-01", "2024-04-01"])

    calendar = infer(moments)

    assert (calendar.freq, calendar.weekdays) == (freq, tuple(weekdays))
    assert calendar.future(moments[-1:], 1)[0, 0] == np.datetime64("2024-07-01")
    [note] = extra_day_notes(calendar, moments)
    assert all(day in note for day in extra)


def test_many_extra_days_are_refused_by_name_where_the_frequency_is_said():
    moments = open_days(
        WORKDAYS, pd.date_range("2024-01-06", "2024-06-30", freq="W-SAT")
    )

    with pytest.raises(IrregularTimestamps, match=r"'B'.*2024-01-06, 2024-01-13.*'C'"):
        infer(moments, freq="B")


def test_two_weeks_of_a_model_may_hold_an_extra_day():
    trained = Calendar("B", WORKDAYS)
    moments = open_days(WORKDAYS, ["2024-01-06"], weeks=2)

    assert infer(moments, trained=trained) == trained
    with pytest.raises(IrregularTimestamps, match="does not lie on the calendar 'B'"):
        infer(open_days(range(7), weeks=2), trained=trained)


def test_one_weekend_shows_business_days():
    thursday = np.busday_offset("2024-01-04", np.arange(6)).astype("datetime64[ns]")

    assert infer(thursday) == Calendar("B", WORKDAYS)


def test_days_with_sales_are_days_with_gaps():
    assert infer(
        dates("2024-01-01", "2024-01-03", "2024-01-06", "2024-01-08", "2024-01-09")
    ) == Calendar("D")
    assert infer(
        dates("2024-01-01", "2024-03-01", "2024-06-01", "2024-08-01", "2024-09-01")
    ) == Calendar("MS")


def test_a_few_rows_beside_long_series_follow_their_frequency():
    long = pd.date_range("2023-01-31", periods=30, freq="ME").to_numpy("datetime64[ns]")

    calendar = infer(long, dates("2024-02-29"), dates("2024-02-29", "2024-03-31"))

    assert calendar.freq == "ME"
