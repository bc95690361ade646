"""Frequencies, trading days, gaps and future moments."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.errors import (
    DuplicateTimestamps,
    InvalidTimestamps,
    IrregularTimestamps,
    SettingError,
)
from forecasting.timestamps.calendar import (
    STEPS,
    Calendar,
    check_gaps,
    count_gaps,
    find_gaps,
    format_timestamp,
)
from forecasting.timestamps.inference import infer_calendar

ALIASES = (
    *("D", "2D", "W-SUN", "2W-MON", "MS", "ME", "2MS", "6MS", "QS-JAN", "QE-DEC"),
    *("YS-JAN", "YE-JUN", "2YS-MAR", "BME", "BMS", "BQE-DEC", "BYS-JAN"),
    *("h", "6h", "min", "15min", "s", "500ms", "B"),
)


def dates(*texts):
    return np.array(texts, dtype="datetime64[ns]")


def date_range(freq, periods, start="2020-01-01"):
    moments = pd.date_range(start, periods=periods, freq=freq)
    return moments.to_numpy().astype("datetime64[ns]")


def infer(*series, freq=None):
    offsets = np.concatenate([[0], np.cumsum([len(moments) for moments in series])])
    names = tuple("abcdefgh"[: len(series)])
    return infer_calendar(np.concatenate(series), offsets, names, freq=freq)


@pytest.mark.parametrize("alias", ALIASES)
def test_a_frequency_is_found_and_goes_on_as_pandas_goes_on(alias):
    moments = date_range(alias, 44)

    calendar = infer(moments[:40])

    assert calendar.freq == alias
    assert (calendar.future(moments[39:40], 4)[0] == moments[40:]).all()


@pytest.mark.parametrize("alias", [alias for alias in ALIASES if alias != "B"])
def test_a_frequency_is_found_in_spite_of_gaps_and_the_gaps_are_named(alias):
    moments = date_range(alias, 40)
    observed = np.delete(moments, [5, 6, 20])

    calendar = infer(observed)

    assert calendar.freq == alias
    assert (find_gaps(calendar, observed) == moments[[5, 6, 20]]).all()
    assert (find_gaps(calendar, observed, limit=2) == moments[[5, 6]]).all()
    assert count_gaps(calendar, observed, np.array([0, 37])).tolist() == [3]


@given(
    alias=st.sampled_from([alias for alias in ALIASES if alias != "B"]),
    lost=st.sets(st.integers(1, 38), max_size=10),
)
def test_gaps_and_moments_together_are_the_calendar(alias, lost):
    moments = date_range(alias, 40, start="2023-11-05")
    observed = np.delete(moments, sorted(lost))

    missing = find_gaps(Calendar(alias), observed)

    assert (np.sort(np.concatenate([observed, missing])) == moments).all()


@given(st.sampled_from(ALIASES), st.integers(0, 20_000), st.integers(1, 60))
def test_the_future_is_strictly_later_and_counts_its_own_steps(alias, day, horizon):
    calendar = Calendar(alias)
    last = np.array([day], dtype="datetime64[D]").astype("datetime64[ns]")

    future = calendar.future(last, horizon)

    assert future.shape == (1, horizon)
    assert (np.diff(np.concatenate([last, future[0]])) > np.timedelta64(0)).all()
    if alias != "B":  # a count of trading days is from trading day to trading day
        assert calendar.count(last, future[0]).tolist() == list(range(1, horizon + 1))


def test_months_may_lie_on_any_fixed_day():
    fifteenth = date_range("MS", 20) + np.timedelta64(14, "D")

    calendar = infer(fifteenth)

    assert calendar.freq == "MS"
    assert calendar.future(dates("2024-01-15"), 2).tolist() == (
        dates("2024-02-15", "2024-03-15")[None].tolist()
    )


def test_the_month_end_stays_the_month_end():
    future = Calendar("ME").future(dates("2024-01-31", "2023-02-28"), 2)

    assert (future[0] == dates("2024-02-29", "2024-03-31")).all()
    assert (future[1] == dates("2023-03-31", "2023-04-30")).all()


def test_a_day_that_a_month_lacks_becomes_its_last():
    future = Calendar("MS").future(dates("2024-01-30"), 2)

    assert (future[0] == dates("2024-02-29", "2024-03-30")).all()


def test_the_time_of_the_day_is_kept():
    future = Calendar("ME").future(dates("2024-01-31T18:30"), 1)

    assert future[0, 0] == dates("2024-02-29T18:30")[0]


def test_series_may_begin_and_end_at_different_moments_and_share_one_frequency():
    calendar = infer(
        date_range("h", 30), date_range("h", 5, "2021-03-01 00:30"), dates("2020-01-01")
    )

    assert calendar.freq == "h"


def test_weeks_and_quarters_that_do_not_share_an_anchor_are_named_without():
    weeks = infer(date_range("W-SUN", 9), date_range("W-TUE", 9))
    quarters = infer(date_range("QS-JAN", 9), date_range("QS-FEB", 9))

    assert (weeks.freq, quarters.freq) == ("W", "QS")
    assert infer(date_range("W-TUE", 9), freq=weeks.freq) == weeks


@pytest.mark.parametrize(
    ("freq", "expected"),
    [
        *[("MS", 12), ("ME", 12), ("2MS", 6), ("QS-OCT", 4), ("YS-JAN", 1)],
        *[("W-SUN", 52), ("2W-SUN", 26), ("D", 7), ("2D", 1), ("B", 5), ("h", 24)],
        *[("6h", 4), ("15min", 96), ("7min", 1), ("s", 60), ("20s", 3), ("500ms", 1)],
        (None, 1),
    ],
)
def test_the_season_length_is_that_of_the_next_longer_cycle(freq, expected):
    assert Calendar(freq).season_length == expected


def test_trading_days_are_recognised_and_holidays_are_no_gaps():
    traded = np.delete(date_range("B", 260), [3, 80, 81, 150, 255])

    calendar = infer(traded)

    assert calendar == Calendar("B", (0, 1, 2, 3, 4))
    assert len(find_gaps(calendar, traded)) == 0
    assert count_gaps(calendar, traded, np.array([0, len(traded)])).tolist() == [0]
    assert (
        calendar.future(dates("2018-12-28"), 3)[0]
        == dates("2018-12-31", "2019-01-01", "2019-01-02")
    ).all()


def test_other_weekdays_make_a_calendar_of_their_own():
    days = date_range("D", 100)
    observed = days[np.isin(pd.DatetimeIndex(days).day_of_week, [1, 2, 3, 4, 5])]

    calendar = infer(np.delete(observed, [10, 30]))

    assert calendar == Calendar("C", (1, 2, 3, 4, 5))
    assert calendar.season_length == 5
    assert (
        calendar.future(dates("2024-06-01"), 2)[0] == dates("2024-06-04", "2024-06-05")
    ).all()


@pytest.mark.parametrize(
    "observed",
    [
        pd.bdate_range("2020-01-06", periods=5),  # one week
        pd.bdate_range("2020-01-01", periods=100)[::2],  # half of the days
        pd.bdate_range("2020-01-01", periods=200).delete(slice(80, 92)),  # a long hole
    ],
)
def test_days_that_are_no_trading_days_keep_their_gaps(observed):
    calendar = infer(observed.to_numpy().astype("datetime64[ns]"))

    assert calendar.weekdays == ()


def test_days_of_all_weekdays_are_daily_with_gaps():
    days = np.delete(date_range("D", 60), [7, 8, 30])

    calendar = infer(days)

    assert calendar == Calendar("D")
    assert len(find_gaps(calendar, days)) == 3


def test_a_frequency_that_is_given_decides():
    traded = date_range("B", 30)

    assert infer(traded, freq="D") == Calendar("D")
    assert infer(traded, freq="B").weekdays == (0, 1, 2, 3, 4)
    assert infer(traded, freq="C").weekdays == (0, 1, 2, 3, 4)
    assert infer(dates("2020-01-01"), freq="MS") == Calendar("MS")


@pytest.mark.parametrize("freq", ["W-MON", "ME", "h", "QS-FEB", "YS-JUN", "B"])
def test_data_that_do_not_fit_the_frequency_given_are_refused(freq):
    if freq == "h":
        moments = date_range("h", 9) + np.arange(9) * np.timedelta64(1, "m")
    else:
        moments = date_range("W-SUN", 9)

    with pytest.raises(IrregularTimestamps, match="does not lie on the calendar"):
        infer(moments, freq=freq)


@pytest.mark.parametrize("freq", ["nonsense", "M", "", "SMS", "2B", "-1D", "0D", "bh"])
def test_what_is_no_frequency_is_refused_with_examples(freq):
    with pytest.raises(SettingError, match="freq must be a pandas frequency alias"):
        infer(date_range("D", 9), freq=freq)


def test_the_first_odd_moment_is_named():
    moments = date_range("MS", 20)
    moments[10] += np.timedelta64(2, "D")

    with pytest.raises(
        IrregularTimestamps,
        match=r"series 'b': 2020-11-03 \(after 2020-10-01\).*calendar 'MS'.*freq",
    ):
        infer(date_range("MS", 30), moments)


def test_one_moment_alone_needs_a_frequency():
    with pytest.raises(IrregularTimestamps, match=r"too few.*Say it with freq"):
        infer(dates("2020-01-01"), dates("2021-01-01"))


def test_duplicates_are_refused():
    with pytest.raises(DuplicateTimestamps, match="2020-01-02 in series 'a'"):
        infer(dates("2020-01-01", "2020-01-02", "2020-01-02"))


def test_moments_out_of_order_are_refused():
    with pytest.raises(IrregularTimestamps, match="series 'b' comes after 2020"):
        infer(date_range("D", 4), dates("2020-01-03", "2020-01-01"))


def test_missing_moments_are_refused():
    with pytest.raises(InvalidTimestamps, match="missing timestamps"):
        infer(dates("2020-01-01", "NaT"))


def test_integers_are_steps():
    assert infer(np.array([4, 5, 6])) == STEPS
    assert infer(np.array([7])) == STEPS
    assert STEPS.future(np.array([6, 9]), 2).tolist() == [[7, 8], [10, 11]]


def test_integers_may_be_further_apart_and_have_gaps():
    steps = np.array([10, 20, 30, 60, 70])

    calendar = infer(steps)

    assert calendar == Calendar(None, step=10)
    assert find_gaps(calendar, steps).tolist() == [40, 50]
    assert calendar.future(steps[-1:], 2).tolist() == [[80, 90]]


def test_integers_that_step_unevenly_are_refused():
    with pytest.raises(IrregularTimestamps, match=r"35 \(after 30\).*of steps of 10"):
        infer(np.array([10, 20, 30, 35]))


def test_integers_have_no_frequency():
    with pytest.raises(SettingError, match="freq must be left out"):
        infer(np.array([1, 2]), freq="D")


def test_gaps_are_refused_with_the_first_of_them_and_their_number():
    days = np.delete(date_range("D", 40), np.arange(10, 17))
    both = np.concatenate([days, days])

    with pytest.raises(
        IrregularTimestamps,
        match=r"14 moments are missing on the calendar 'D': series 'a' lacks 2020-01-11"
        r", .*2020-01-15, \.\.\. \(7 in all\)\. Fill them\.",
    ):
        check_gaps(Calendar("D"), both, np.array([0, 33, 66]), ("a", "b"), "Fill them.")


def test_a_forecast_beyond_2262_is_refused():
    with pytest.raises(SettingError, match="ends by 2262"):
        Calendar("YS").future(dates("2020-01-01"), 10_000)


def test_midnight_is_shown_as_a_date():
    assert format_timestamp(dates("2020-01-31")[0]) == "2020-01-31"
    assert format_timestamp(dates("2020-01-31T13:00")[0]) == "2020-01-31 13:00:00"
    assert format_timestamp(np.int64(7)) == "7"


def test_ten_thousand_series_take_less_than_two_seconds():
    moments = np.tile(date_range("MS", 200, "2000-01-01"), 10_000)
    offsets = np.arange(10_001) * 200
    names = tuple(map(str, range(10_000)))
    began = time.process_time()

    calendar = infer_calendar(moments, offsets, names)
    gaps = count_gaps(calendar, moments, offsets)

    assert time.process_time() - began < 2
    assert calendar.freq == "MS"
    assert not gaps.any()
