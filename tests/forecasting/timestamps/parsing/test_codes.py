"""Dates as numbers: codes, epochs and Excel's days, or numbers that are no dates."""

import numpy as np
import pandas as pd
import pytest

from forecasting.errors import InvalidTimestamps
from forecasting.timestamps.parsing import is_date_column, parse_timestamps

MONTHS = pd.date_range("2021-01-01", periods=30, freq="MS")
HOURS = pd.date_range("2024-01-01", periods=48, freq="h")
SECONDS = MONTHS.astype("datetime64[s]").astype(np.int64).to_numpy()


def parse(values, name="ds", time_format=None):
    column = pd.Series(values)
    return parse_timestamps(name, column, lambda i: f"line {i + 2}", time_format)


@pytest.mark.parametrize(
    ("numbers", "name", "unit"),
    [
        (SECONDS, "ds", "epoch_s"),
        (SECONDS.astype(float), "t", "epoch_s"),
        (SECONDS * 1000, "t", "epoch_ms"),
        (SECONDS * 10**6, "time", "epoch_us"),
        (SECONDS * 10**9, "timestamp", "epoch_ns"),
        (SECONDS // 86_400 + 25_569, "Date", "excel"),
        (SECONDS // 86_400 + 25_569, "t", "excel"),
    ],
)
def test_months_in_seconds_or_days_are_dates(numbers, name, unit):
    times = parse(numbers, name)

    assert (times.moments == MONTHS.to_numpy()).all()
    assert times.time_format == unit
    assert "since 1970" in times.notes[0] or "Excel" in times.notes[0]


def test_days_of_excel_have_times_of_day():
    numbers = np.round(
        HOURS.astype("datetime64[s]").astype(np.int64) / 86_400 + 25_569, 5
    )

    times = parse(numbers.to_numpy(), "Datum")

    assert (times.moments == HOURS.to_numpy()).all()


@pytest.mark.parametrize("as_type", [int, str])
def test_a_year_with_weeks_months_or_days_is_a_code(as_type):
    weeks = parse([as_type(202_300 + week) for week in range(1, 53)])
    months = parse([as_type(f"{month:%Y%m}") for month in MONTHS])
    days = parse([as_type(2_023_000 + day) for day in range(266, 366)])

    assert str(weeks.moments[-1])[:10] == "2023-12-25"
    assert (months.moments == MONTHS.to_numpy()).all()
    assert str(days.moments[-1])[:10] == "2023-12-31"
    assert (weeks.time_format, months.time_format) == ("%G%V", "%Y%m")


def test_a_name_of_weeks_against_months_is_asked_about():
    codes = [year * 100 + month for year in (2023, 2024) for month in range(1, 13)]

    with pytest.raises(InvalidTimestamps, match=r"--time-format.*%Y%m or %G%V"):
        parse(codes, "week")
    assert parse(codes, "week", "%G%V").moments[0] == np.datetime64("2023-01-02")


def test_a_code_that_is_no_date_is_named():
    codes = [202_300 + week for week in range(1, 54)]

    with pytest.raises(InvalidTimestamps, match=r"'202353' at line 54 is no date"):
        parse(codes)


def test_a_code_is_read_by_the_format_of_the_model():
    weeks = parse([202_401, 202_402], "ds", "%G%V")
    days = parse([1_012_024, 31_122_024], "ds", "%d%m%Y")

    assert str(weeks.moments[1])[:10] == "2024-01-08"
    assert [str(day)[:10] for day in days.moments] == ["2024-01-01", "2024-12-31"]
    with pytest.raises(InvalidTimestamps, match=r"'202413' at line 3.*%Y%m"):
        parse([202_401, 202_413], "ds", "%Y%m")


def test_days_of_months_without_a_known_start_are_asked_about():
    numbers = SECONDS // 86_400

    with pytest.raises(InvalidTimestamps, match="excel or epoch_d"):
        parse(numbers, "Date")
    assert (parse(numbers, "Date", "epoch_d").moments == MONTHS.to_numpy()).all()


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [([2023.01, 2023.02, 2023.10], "2023-10-01"), ([1.2023, 10.2023], "2023-10-01")],
)
def test_months_with_a_dot_that_became_numbers_are_months(numbers, expected):
    assert is_date_column("date", pd.Series(numbers))
    assert str(parse(numbers, "date").moments[-1])[:10] == expected


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("monthly_revenue", range(1700, 2000, 5)),
        ("sales", range(1950, 2000)),
        ("orders", [202_301, 202_305, 202_399]),
        ("population", [1_500_000_001, 1_512_345_678, 1_700_000_002, 1_734_567_890]),
        ("price", [44_197, 45_000, 44_500, 46_000]),
        ("lead_time", [1700, 1999, 1803, 2000]),
        ("share", [2023.01, 2023.02, 2023.1]),
    ],
)
def test_other_numbers_are_no_column_of_dates(name, numbers):
    assert not is_date_column(name, pd.Series(list(numbers)))


@pytest.mark.parametrize("numbers", [[2.0**63, 0.5], [-1e300, 1.0], [2**64 - 1, 1]])
def test_numbers_beyond_64_bits_are_refused(numbers):
    with pytest.raises(InvalidTimestamps, match=r"at line 2 is out of range"):
        parse(numbers)
