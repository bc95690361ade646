"""CSV files and frames to panels, and the messages of those that are refused."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.errors import (
    AmbiguousColumns,
    DuplicateTimestamps,
    InvalidTimestamps,
    InvalidValues,
    IrregularTimestamps,
    MissingColumns,
    MissingValues,
    SettingError,
    UnreadableData,
)
from forecasting.io import read_csv, read_frame
from forecasting.timestamps.calendar import STEPS, Calendar

DATA = Path(__file__).parents[3] / "data"

MONTHS = "month,sales\n2024-01,1.5\n2024-02,2\n2024-03,4\n"
SHOPS = (
    "day,shop,sales\n"
    "2024-01-01,south,1\n2024-01-01,north,10\n"
    "2024-01-02,south,2\n2024-01-02,north,20\n"
)


# The three series in data/.


def test_sunspots_are_read_without_any_setting():
    panel = read_csv(DATA / "sunspots.csv")

    assert len(panel.values) == 2820
    assert panel.calendar == Calendar("MS")
    assert panel.series_ids == ("Sunspots",)
    assert str(panel.calendar.future(panel.last_timestamps(), 1)[0, 0])[:7] == "1984-01"
    assert panel.notes == (
        "time: 'Month' (the only date column)",
        "target: 'Sunspots' (the only numeric column)",
    )


def test_rainfall_needs_to_be_told_its_target():
    with pytest.raises(
        AmbiguousColumns,
        match=r"'precipitation', 'temp_max', 'temp_min', 'wind'.*--target COL or data",
    ):
        read_csv(DATA / "rainfall.csv")


def test_rainfall_is_daily_and_keeps_the_covariates_that_are_named():
    panel = read_csv(
        DATA / "rainfall.csv",
        target="precipitation",
        past_covariates=["temp_max"],
        known_covariates=["weather"],
    )

    assert len(panel.values) == 1461
    assert panel.calendar == Calendar("D")
    assert panel.covariates["temp_max"][:2].tolist() == [12.8, 10.6]
    assert panel.covariates["weather"][:2].tolist() == ["drizzle", "rain"]
    assert list(panel.covariates) == ["temp_max", "weather"]


def test_stocks_go_on_by_trading_days():
    with pytest.raises(AmbiguousColumns, match="which column is the target"):
        read_csv(DATA / "stocks.csv")

    panel = read_csv(DATA / "stocks.csv", target="Close")

    future = panel.calendar.future(panel.last_timestamps(), 10)
    assert len(panel.values) == 5031
    assert panel.calendar == Calendar("B", (0, 1, 2, 3, 4))
    assert pd.DatetimeIndex(future[0]).day_of_week.max() == 4


# Files.


def test_a_small_file_is_read_to_the_letter(csv):
    panel = read_csv(csv(MONTHS))

    assert panel.values.tolist() == [1.5, 2, 4]
    assert panel.timestamps.astype("datetime64[M]").astype(str).tolist() == [
        *("2024-01", "2024-02", "2024-03")
    ]
    assert panel.target == "sales"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (gzip.compress(MONTHS.encode(), mtime=0), "sales.csv.gz"),
        (b"\xef\xbb\xbf" + MONTHS.encode(), "sales.csv"),
        (MONTHS.replace("\n", "\r\n"), "sales.csv"),
        (MONTHS.replace(",", " , "), "sales.csv"),
        ("\n\n" + MONTHS.replace("2024-02", "\n2024-02") + "\n\n", "sales.csv"),
        (MONTHS.replace("\n", ",,\n"), "sales.csv"),
        ('"month","sales"\n"2024-01","1.5"\n"2024-02","2"\n"2024-03","4"', "sales.csv"),
    ],
    ids=["gzip", "BOM", "CRLF", "spaces", "blank lines", "empty columns", "quotes"],
)
def test_the_wrapping_does_not_matter(csv, content, name):
    panel = read_csv(csv(content, name))

    assert panel.values.tolist() == [1.5, 2, 4]
    assert panel.target == "sales"


@pytest.mark.parametrize(
    ("delimiter", "name"), [(";", "semicolon"), ("\t", "tab"), ("|", "bar")]
)
def test_the_delimiter_is_guessed_and_said(csv, delimiter, name):
    panel = read_csv(csv(MONTHS.replace(",", delimiter)))

    assert panel.values.tolist() == [1.5, 2, 4]
    assert f"delimiter: {name}" in panel.notes


def test_cp1252_is_read_and_said(csv):
    panel = read_csv(csv(MONTHS.replace("sales", "Verkäufe €").encode("cp1252")))

    note = "encoding: cp1252 (the text is no UTF-8), such as 'Verkäufe'"
    assert panel.target == "Verkäufe €"
    assert note in panel.notes


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("", "a.csv", "the file is empty"),
        (" \n \n", "a.csv", "the file is empty"),
        ("month,sales\n", "a.csv", "a header and no rows"),
        ("month,sales\n,\n", "a.csv", "a header and no rows"),
        (bytes(range(256)), "a.csv", "a binary file"),
        (b"PK\x03\x04rest", "a.csv", "a binary file"),
        ("<!DOCTYPE html><html></html>", "a.csv", "HTML, XML or JSON"),
        ('{"sales": [1]}', "a.csv", "HTML, XML or JSON"),
        (MONTHS, "a.csv.gz", "no gzip file"),
        (
            gzip.compress(MONTHS.encode(), mtime=0)[:-9],
            "a.csv.gz",
            "the gzip is damaged",
        ),
        (
            gzip.compress(bytes(2**26 + 1), mtime=0),
            "a.csv.gz",
            "unpacks to more than 64 MiB",
        ),
        ("2024-01,1\n2024-02,2\n", "a.csv", "the first line .* looks like data"),
        (
            "month,sales\n2024-01,1\n2024-02,2,3\n",
            "a.csv",
            "not every line|line 3 has 3",
        ),
        ("month,y,y\n2024-01,1,2\n", "a.csv", "header names 'y' more than once"),
    ],
)
def test_what_is_no_csv_is_refused_in_one_sentence(csv, content, name, message):
    with pytest.raises(UnreadableData, match=rf"{name}: .*({message})"):
        read_csv(csv(content, name))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UnreadableData, match=r"none\.csv: there is no such file"):
        read_csv(tmp_path / "none.csv")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(UnreadableData, match="this is a folder"):
        read_csv(tmp_path)


# Numbers.


def test_decimal_commas_are_read_and_said(csv):
    panel = read_csv(csv("month;sales\n2024-01;1,5\n2024-02;2\n2024-03;1.234,25\n"))

    assert panel.values.tolist() == [1.5, 2, 1234.25]
    assert "'sales': decimal commas" in panel.notes


def test_thousands_are_read_and_said(csv):
    panel = read_csv(
        csv('month,sales\n2024-01,"1,500"\n2024-02,2\n2024-03,"1,234.25"\n')
    )

    assert panel.values.tolist() == [1500, 2, 1234.25]
    assert "'sales': commas between thousands" in panel.notes


def test_text_among_numbers_is_named_with_its_line(csv):
    with pytest.raises(
        InvalidValues, match=r"'sales': 1 value is not a number at line 3 \('many'\)"
    ):
        read_csv(csv(MONTHS.replace(",2\n", ",many\n")))


@pytest.mark.parametrize("missing", ["error", "interpolate"])
def test_infinite_values_are_always_refused(csv, missing):
    with pytest.raises(InvalidValues, match="'sales': 1 infinite value at line 3"):
        read_csv(csv(MONTHS.replace(",2\n", ",-inf\n")), missing=missing)


# Columns.


def test_a_column_that_is_not_there_is_named_beside_those_that_are(csv):
    with pytest.raises(
        MissingColumns, match="'Sales': the columns are 'month', 'sales'"
    ):
        read_csv(csv(MONTHS), target="Sales")


def test_one_column_has_one_role(csv):
    with pytest.raises(SettingError, match="named for one role each; found 'sales'"):
        read_csv(csv(MONTHS), target="sales", known_covariates=["sales"])


def test_two_date_columns_are_ambiguous(csv):
    content = "sold,paid,sales\n2024-01-01,2024-01-02,1\n2024-01-02,2024-01-03,2\n"

    with pytest.raises(AmbiguousColumns, match=r"time.*'sold', 'paid'.*--time COL"):
        read_csv(csv(content))


def test_no_number_column_is_said(csv):
    with pytest.raises(AmbiguousColumns, match=r"target.*no column could be it"):
        read_csv(csv("month,sky\n2024-01,dry\n2024-02,wet\n"))


def test_well_known_names_settle_the_roles(csv):
    content = "unique_id,ds,y,extra\n007,1,5,1\n007,2,6,1\n008,1,7,1\n"

    panel = read_csv(csv(content))

    assert panel.series_ids == ("007", "008")
    assert panel.values.tolist() == [5, 6, 7]
    assert panel.timestamps.tolist() == [1, 2, 1]
    assert panel.calendar == STEPS


def test_the_series_id_is_the_one_text_column_that_tells_rows_apart(csv):
    panel = read_csv(csv(SHOPS))

    assert panel.series_ids == ("south", "north")
    assert panel.series("north").tolist() == [10, 20]
    assert "series_id: 'shop' (it tells rows of one time apart)" in panel.notes


def test_text_beside_unique_times_is_no_series_id(csv):
    content = "day,sky,sales\n2024-01-01,dry,1\n2024-01-02,wet,2\n2024-01-03,wet,3\n"

    assert read_csv(csv(content)).series_ids == ("sales",)


def test_two_possible_series_ids_are_ambiguous(csv):
    content = (
        "day,shop,town,sales\n2024-01-01,a,x,1\n2024-01-01,b,y,2\n"
        "2024-01-02,a,x,1\n2024-01-02,b,y,2\n"
    )

    with pytest.raises(
        AmbiguousColumns, match=r"series id.*'shop', 'town'.*--series-id"
    ):
        read_csv(csv(content))


def test_series_ids_that_look_like_numbers_or_missing_values_are_names(csv):
    content = "shop,day,sales\n01,2024-01-01,1\n1,2024-01-01,2\nNA,2024-01-01,3\n"

    panel = read_csv(csv(content), series_id="shop", freq="D")

    assert panel.series_ids == ("01", "1", "NA")


def test_a_missing_series_id_is_refused(csv):
    with pytest.raises(InvalidValues, match="'shop': 1 missing series id at line 3"):
        read_csv(csv(SHOPS.replace("north,10", ",10")), series_id="shop")


def test_an_empty_line_in_a_file_of_one_column_is_a_missing_value(csv):
    panel = read_csv(csv("sales\n1\n\n3\n\n"), missing="interpolate")

    assert panel.values.tolist() == [1, 2, 3]


def test_without_a_time_column_rows_are_numbered_within_their_series(csv):
    content = "series_id,sales\nb,1\na,10\nb,2\na,20\nb,3\n"

    panel = read_csv(csv(content))

    assert panel.series_ids == ("b", "a")
    assert panel.values.tolist() == [1, 2, 3, 10, 20]
    assert panel.timestamps.tolist() == [1, 2, 3, 1, 2]
    assert "time: none, the rows are numbered 1, 2, 3, ..." in panel.notes


def test_other_columns_are_dropped(csv):
    panel = read_csv(csv(",day,sky,sales\n0,2024-01-01,dry,1\n1,2024-01-02,wet,2\n"))

    assert panel.target == "sales"
    assert panel.covariates == {}


# Time.


def test_rows_out_of_order_are_sorted_and_this_is_said(csv):
    shuffled = "month,sales\n2024-03,4\n2024-01,1.5\n2024-02,2\n"

    panel = read_csv(csv(shuffled))

    assert panel.values.tolist() == [1.5, 2, 4]
    assert "rows sorted by time" in panel.notes


def test_interleaved_series_are_in_order(csv):
    assert "rows sorted by time" not in read_csv(csv(SHOPS)).notes


@given(order=st.permutations(range(12)))
def test_the_order_of_the_rows_does_not_matter(order):
    frame = pd.DataFrame(
        {
            "unique_id": ["a"] * 6 + ["b"] * 6,
            "ds": [*pd.date_range("2024-01-31", periods=6, freq="ME")] * 2,
            "y": np.arange(12.0),
        }
    )

    panel = read_frame(frame.iloc[order])

    for name, values in {"a": range(6), "b": range(6, 12)}.items():
        assert panel.series(name).tolist() == list(values)
    assert panel.calendar == Calendar("ME")


def test_duplicate_moments_are_refused_with_their_lines(csv):
    content = MONTHS + "2024-02,9\n"

    with pytest.raises(
        DuplicateTimestamps, match=r"2024-02-01 of series 'sales' \(line 3 and line 5\)"
    ):
        read_csv(csv(content))


def test_duplicates_hint_at_a_column_that_may_name_the_series(csv):
    content = SHOPS + "2024-01-01,south,3\n"

    with pytest.raises(DuplicateTimestamps, match=r"names the series \('shop'\)"):
        read_csv(csv(content))


def test_an_unreadable_date_is_named_with_its_line(csv):
    with pytest.raises(InvalidTimestamps, match="'month': 'soon' at line 4"):
        read_csv(csv(MONTHS.replace("2024-03", "soon")))


def test_the_frequency_may_be_given(csv):
    content = "day,sales\n2024-01-05,1\n2024-01-08,2\n2024-01-09,3\n"

    panel = read_csv(csv(content), freq="B")

    assert panel.calendar == Calendar("B", (0, 1, 2, 3, 4))


def test_constant_series_are_said(csv):
    panel = read_csv(csv("month,sales\n2024-01,3\n2024-02,3\n"))

    assert "series 'sales' is constant (3.0)" in panel.notes


# Missing values and moments.


def test_a_missing_value_is_refused_with_its_line(csv):
    with pytest.raises(
        MissingValues,
        match=r"'sales': 1 missing value at line 3\. Fill them, or choose",
    ):
        read_csv(csv(MONTHS.replace(",2\n", ",\n")))


def test_a_missing_moment_is_refused_by_name(csv):
    with pytest.raises(
        IrregularTimestamps,
        match=r"1 moment is missing.*lacks 2024-03-01\. Add the rows",
    ):
        read_csv(csv(MONTHS.replace("-03", "-04") + "2024-05,3\n"))


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("interpolate", [1, 2, 3, 6.5, 10]),
        ("forward", [1, 1, 3, 3, 10]),
        ("mean", [1, 1, 3, 2, 10]),
    ],
)
def test_missing_values_and_moments_are_filled_by_the_policy(csv, missing, expected):
    content = "day,sales\n2024-01-01,1\n2024-01-02,\n2024-01-03,3\n2024-01-05,10\n"

    panel = read_csv(csv(content), missing=missing)

    assert panel.values.tolist() == expected
    assert len(panel.timestamps) == 5
    assert f"'sales': 1 missing value filled ({missing})" in panel.notes
    assert f"1 missing moment put in and filled ({missing})" in panel.notes


def test_covariates_are_filled_too(csv):
    content = (
        "day,sky,heat,sales\n2024-01-01,dry,1,1\n2024-01-02,,,2\n2024-01-04,wet,4,4\n"
    )

    panel = read_csv(
        csv(content), target="sales", missing="interpolate",
        past_covariates=["heat"], static_covariates=["sky"],
    )  # fmt: skip

    assert panel.covariates["heat"].tolist() == [1, 2, 3, 4]
    assert panel.covariates["sky"].tolist() == ["dry", "dry", "dry", "wet"]


def test_a_missing_covariate_is_refused_too(csv):
    content = "day,heat,sales\n2024-01-01,1,1\n2024-01-02,,2\n"

    with pytest.raises(MissingValues, match="'heat': 1 missing value at line 3"):
        read_csv(csv(content), target="sales", past_covariates=["heat"])


def test_trading_days_lack_nothing(csv):
    days = pd.bdate_range("2024-01-01", periods=60).delete([7, 30])
    frame = pd.DataFrame({"day": days, "price": np.arange(58.0)})

    assert len(read_frame(frame).values) == 58


def test_an_unknown_policy_is_refused_before_the_file_is_opened():
    with pytest.raises(SettingError, match="missing must be one of error, interpolate"):
        read_csv("none.csv", missing="drop")


# Frames.


@given(
    lengths=st.lists(st.integers(2, 6), min_size=1, max_size=4),
    freq=st.sampled_from(["D", "MS", "h", "YE-DEC", "15min"]),
    data=st.data(),
)
def test_reading_a_panel_that_was_written_gives_the_same_panel(lengths, freq, data):
    finite = st.floats(-1e6, 1e6)
    rows = [
        (f"series {i}", moment, data.draw(finite))
        for i, length in enumerate(lengths)
        for moment in pd.date_range("2023-12-31", periods=length, freq=freq)
    ]
    frame = pd.DataFrame(rows, columns=["series_id", "timestamp", "target"])

    first = read_frame(frame)
    again = read_frame(
        pd.DataFrame(
            {
                "series_id": np.repeat(first.series_ids, first.lengths),
                "timestamp": first.timestamps,
                "target": first.values,
            }
        )
    )

    assert first.values.tolist() == frame["target"].tolist()
    assert again.series_ids == first.series_ids
    assert again.calendar == first.calendar == Calendar(freq)
    assert (again.timestamps == first.timestamps).all()
    assert (again.values == first.values).all()
    assert (again.offsets == first.offsets).all()


def test_an_index_of_dates_is_the_time():
    index = pd.date_range("2024-01-07", periods=3, freq="W-SUN")

    panel = read_frame(pd.DataFrame({"sales": [1, 2, 3]}, index=index))

    assert panel.calendar == Calendar("W-SUN")
    assert panel.values.tolist() == [1, 2, 3]


def test_a_frame_is_left_as_it_is():
    frame = pd.DataFrame({" ds ": ["2024-01-02", "2024-01-01"], "y": [2, 1]})
    before = frame.copy()

    read_frame(frame)

    pd.testing.assert_frame_equal(frame, before)


def test_rows_of_a_frame_are_counted_from_zero():
    days = ["2024-01-01", "2024-01-02", "2024-01-03"]
    frame = pd.DataFrame({"ds": days, "y": [1, None, 3]})

    with pytest.raises(MissingValues, match="'y': 1 missing value at row 1"):
        read_frame(frame)


def test_an_empty_frame_is_refused():
    with pytest.raises(UnreadableData, match="orders: there are no rows"):
        read_frame(pd.DataFrame({"ds": [], "y": []}), source="orders")
