"""Guess of the columns of the time, in whole tables."""

import numpy as np
import pandas as pd
import pytest

from forecasting.errors import AmbiguousColumns, InvalidTimestamps
from forecasting.io import read_csv, read_frame

MONTHS = pd.date_range("2020-01-01", periods=24, freq="MS")
DAYS = pd.date_range("2024-01-01", periods=60)
HOURS = pd.date_range("2024-01-01", periods=96, freq="h")


def test_a_year_and_a_month_are_one_series_of_months():
    frame = pd.DataFrame(
        {"Year": MONTHS.year, "Month": MONTHS.month, "Sales": range(24)}
    )

    panel = read_frame(frame)

    assert panel.series_ids == ("Sales",)
    assert panel.calendar.freq == "MS"
    assert panel.schema.time == ("Year", "Month")
    assert panel.notes[0] == "time: 'Year' and 'Month' together (by their names)"


def test_a_date_beside_its_year_and_month_is_the_time():
    frame = pd.DataFrame({"date": DAYS, "year": DAYS.year, "month": DAYS.month})

    panel = read_frame(frame.assign(sales=range(60)))

    assert (panel.schema.time, panel.target) == (("date",), "sales")


def test_hours_join_dates_in_each_store():
    frame = pd.DataFrame({"Date": HOURS.strftime("%Y-%m-%d"), "Hour": HOURS.hour})
    stores = pd.concat([frame.assign(store="A"), frame.assign(store="B")])

    panel = read_frame(stores.assign(load=np.arange(192.0)))

    assert panel.series_ids == ("A", "B")
    assert panel.calendar.freq == "h"
    assert panel.schema.time == ("Date", "Hour")


def test_a_time_that_tells_no_rows_apart_is_left_out():
    times = [f"08:{minute:02d}" for minute in range(60)]
    frame = pd.DataFrame({"date": DAYS, "time": times, "weight": np.arange(60.0)})

    assert read_frame(frame).schema.time == ("date",)


def test_names_of_the_time_may_be_parted_by_commas(tmp_path):
    frame = pd.DataFrame({"Y": MONTHS.year, "M": MONTHS.month, "Sales": range(24)})
    frame.to_csv(tmp_path / "sales.csv", index=False)

    panel = read_csv(tmp_path / "sales.csv", time="Y,M", target="Sales")
    again = read_csv(tmp_path / "sales.csv", schema=panel.schema)

    assert panel.schema.time == again.schema.time == ("Y", "M")


@pytest.mark.parametrize(
    "columns",
    [
        {"date": [f"day {letter}" for letter in "abcdefgh"]},
        {"x": [f"2024-1-{day} morning" for day in range(1, 9)]},
        {"week": [f"2024-01-0{day} - 2024-01-1{day}" for day in range(1, 9)]},
        {"month": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug"]},
        {"date": [2000 + quarter / 4 for quarter in range(8)]},
        {"date": [f"day {n}" for n in range(8)], "year": list(range(2000, 2008))}
        | {"date": [f"2024-1-{day} morning" for day in range(1, 9)]},
    ],
)
def test_a_date_that_is_not_understood_is_never_given_up_in_silence(columns):
    name, values = next(iter(columns.items()))

    with pytest.raises(InvalidTimestamps, match="--time-format") as raised:
        read_frame(pd.DataFrame(columns).assign(sales=np.arange(8.0) + 0.5))

    assert f"column {name!r}: {str(values[0])!r} at row 0" in str(raised.value)


def test_a_first_column_of_even_steps_numbers_the_rows():
    frame = pd.DataFrame({"n": range(1, 61), "monthly_revenue": range(1700, 2000, 5)})

    panel = read_frame(frame)

    assert (panel.schema.time, panel.target) == (("n",), "monthly_revenue")


def test_blocks_of_one_length_without_dates_are_series():
    frame = pd.DataFrame({"store": np.repeat(["A", "B"], 30), "sales": range(60)})

    panel = read_frame(frame)

    assert panel.series_ids == ("A", "B")
    assert "series_id: 'store' (its rows stand one series after another)" in panel.notes


def test_blocks_of_several_lengths_without_dates_are_asked_about():
    frame = pd.DataFrame({"store": ["A"] * 20 + ["B"] * 40, "sales": range(60)})

    with pytest.raises(AmbiguousColumns, match=r"1 column could be it \('store'\)"):
        read_frame(frame)
    assert len(read_frame(frame, series_id=[]).series_ids) == 1


def test_text_that_is_left_out_is_named():
    frame = pd.DataFrame({"date": DAYS, "machine": np.repeat(["A", "B"], 30)})

    panel = read_frame(frame.assign(power=np.arange(60.0)))

    assert any("'machine'" in note and "--series-id" in note for note in panel.notes)
