"""Known covariates of the steps ahead, in the series' table or in a separate one."""

import numpy as np
import pandas as pd
import pytest

from forecasting.errors import (
    AmbiguousColumns,
    DataError,
    DuplicateTimestamps,
    IrregularTimestamps,
    MissingColumns,
    MissingValues,
    SettingError,
    UnknownSeries,
    UnreadableData,
)
from forecasting.io import read_csv, read_frame, read_future, read_latest
from forecasting.io.future import match_series_ids

DAYS = [f"2024-03-0{day}" for day in range(1, 8)]


def frame(**columns):
    """Return two series of four days, with known covariates of up to three more."""
    table = pd.DataFrame(
        {
            "shop": ["n"] * 7 + ["s"] * 5,
            "day": [*DAYS, *DAYS[:5]],
            "sales": [1.0, 2, 3, 4, None, None, None, 5.0, 6, 7, 8, None],
            "visits": [9.0] * 4 + [None] * 3 + [8.0] * 4 + [None],
            "promo": [0, 1, 0, 1, 1, 0, 1, 0, 0, 0, 0, 1],
            "size": ["big"] * 7 + ["small"] * 4 + [None],
        }
    )
    return table.assign(**columns)


def read(table, **settings):
    roles = {
        "past_covariates": ["visits"],
        "known_covariates": ["promo"],
        "static_covariates": ["size"],
    }
    columns = {"time": "day", "target": "sales", "series_id": "shop"}
    return read_frame(table, **{**columns, **roles, **settings})


def test_rows_without_a_target_at_the_end_are_the_steps_ahead():
    panel = read(frame())

    assert panel.values.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert panel.offsets.tolist() == [0, 4, 8]
    assert panel.timestamps[3] == np.datetime64("2024-03-04")
    assert panel.covariates["visits"].tolist() == [9] * 4 + [8] * 4
    assert panel.covariates["promo"].tolist() == [0, 1, 0, 1, 0, 0, 0, 0]
    assert panel.covariates["size"].tolist() == ["big"] * 4 + ["small"] * 4
    assert panel.future["promo"].values.tolist() == [1, 0, 1, 1]
    assert panel.future["promo"].lengths.tolist() == [3, 1]
    assert "4 rows without 'sales' at the end: the future" in panel.notes
    assert panel.roles == {"visits": "past", "promo": "known", "size": "static"}


def test_the_order_of_the_rows_does_not_matter():
    panel = read(frame().sample(frac=1, random_state=0), series_id="shop")

    first = panel.series_ids.index("n")
    ahead = panel.future["promo"]
    values = ahead.values[ahead.offsets[first] : ahead.offsets[first + 1]]
    assert values.tolist() == [1, 0, 1]


def test_a_file_gives_the_steps_ahead_too(tmp_path):
    frame().to_csv(tmp_path / "sales.csv", index=False)

    panel = read_csv(
        tmp_path / "sales.csv",
        time="day",
        target="sales",
        series_id="shop",
        known_covariates=["promo"],
    )

    assert panel.future["promo"].values.tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize("missing", ["error", "interpolate", "zero"])
def test_without_known_covariates_an_empty_target_at_the_end_is_the_future(missing):
    panel = read(frame(), known_covariates=[], missing=missing)

    assert panel.values.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert (
        panel.last_timestamps().astype("datetime64[D]").tolist()
        == [np.datetime64("2024-03-04").item()] * 2
    )
    assert "4 rows without 'sales' at the end: the future" in panel.notes


def test_an_empty_target_before_the_end_is_a_missing_value():
    sales = frame()["sales"].mask(frame()["sales"] == 2)

    with pytest.raises(MissingValues, match="'sales': 1 missing value at row 1"):
        read(frame(sales=sales))


def test_a_series_without_any_target_is_left_out():
    sales = frame()["sales"].where(frame()["shop"] == "n")

    panel = read(frame(sales=sales))

    assert panel.series_ids == ("n",)
    assert panel.future["promo"].values.tolist() == [1, 0, 1]
    assert "left out, without any value of 'sales': series 's'" in panel.notes


def test_a_target_without_any_value_is_refused():
    with pytest.raises(UnreadableData, match="column 'sales' has no value"):
        read(frame(sales=np.nan))


def test_a_missing_known_covariate_ahead_is_refused():
    promo = frame()["promo"].astype(float).where(frame().index != 5)

    with pytest.raises(MissingValues, match="'promo': 1 missing value at row 5"):
        read(frame(promo=promo))


def test_gaps_are_filled_before_the_end_and_the_future_stays_the_future():
    table = frame().drop(index=[1, 5])

    panel = read(table, missing="forward")

    assert panel.values.tolist() == [1, 1, 3, 4, 5, 6, 7, 8]
    assert panel.future["promo"].values.tolist() == [1, 1, 1, 1]


def test_one_column_has_one_role():
    with pytest.raises(SettingError, match="named for one role each; found 'promo'"):
        read(frame(), past_covariates=["promo"])


# A separate table


def observed():
    table = frame()
    return read(table[table["sales"].notna()])


def test_a_table_of_the_future_gives_the_steps_behind_each_series():
    future = read_future(frame(), observed(), ["promo"], series_id="shop")

    assert future["promo"]["n"].tolist() == [1, 0, 1]
    assert future["promo"]["s"].tolist() == [1]


def test_a_file_of_the_future_has_its_own_columns(tmp_path):
    path = tmp_path / "future.csv"
    table = frame().rename(columns={"day": "date", "shop": "series_id"})
    table[["series_id", "date", "promo"]].to_csv(path, index=False)

    future = read_future(path, observed(), ["promo"])

    assert future["promo"]["n"].tolist() == [1, 0, 1]


def test_without_timestamps_the_rows_are_the_steps_ahead():
    panel = read_frame(
        pd.DataFrame({"y": [1.0, 2], "x": [0, 1]}), known_covariates=["x"]
    )

    future = read_future(pd.DataFrame({"x": [5, 6, 7]}), panel, ["x"])

    assert future["x"]["y"].tolist() == [5, 6, 7]


def test_a_step_that_is_left_out_is_named():
    table = frame().drop(index=4)

    message = r"step 1 ahead of series 'n' is 2024-03-05; found 2024-03-06\. Give one"
    with pytest.raises(IrregularTimestamps, match=message):
        read_future(table, observed(), ["promo"], series_id="shop")


def test_a_future_of_an_unknown_series_is_refused():
    table = frame(shop="west")[:7]

    with pytest.raises(
        UnknownSeries, match="unknown series 'west'; known are 'n', 's'"
    ):
        read_future(table, observed(), ["promo"], series_id="shop")


def test_a_future_of_dates_for_steps_is_refused():
    panel = read_frame(
        pd.DataFrame({"y": [1.0, 2], "x": [0, 1]}), known_covariates=["x"]
    )
    table = pd.DataFrame({"day": DAYS, "x": range(7)})

    with pytest.raises(IrregularTimestamps, match="Give both dates, or both steps"):
        read_future(table, panel, ["x"])


def test_a_future_without_a_covariate_is_refused():
    with pytest.raises(MissingColumns, match="no column 'weather'"):
        read_future(frame(), observed(), ["promo", "weather"], series_id="shop")


# New observations of a trained model


def shops(*ids, days=DAYS):
    return pd.DataFrame(
        [
            {"shop": shop, "day": day, "sales": float(i)}
            for shop in ids
            for i, day in enumerate(days)
        ]
    )


def test_one_series_of_several_is_found_by_the_column_of_its_id():
    trained = read_frame(shops("a", "b"))

    panel = read_latest(shops("b"), trained)

    assert panel.series_ids == ("b",)
    assert not [note for note in panel.notes if "new" in note]


def test_columns_may_stand_in_another_order_with_others_among_them():
    trained = read_frame(shops("a", "b"))
    table = shops("a", "b").assign(visits=3, note="x")[
        ["note", "sales", "visits", "shop", "day"]
    ]

    panel = read_latest(table, trained)

    np.testing.assert_array_equal(panel.values, trained.values)
    assert not [note for note in panel.notes if "not used" in note]


@pytest.mark.parametrize("column", ["sales", "shop", "day"])
def test_a_missing_column_is_an_error_with_the_option_to_rename_it(column):
    trained = read_frame(shops("a", "b"))
    table = shops("a", "b").drop(columns=column).assign(price=range(14))
    option = {"sales": "--target", "shop": "--series-id", "day": "--time"}[column]

    with pytest.raises(MissingColumns, match=f"no column {column!r}.*{option}"):
        read_latest(table, trained)


def test_a_column_with_another_case_is_suggested():
    table = shops("a", "b").rename(columns={"sales": "Sales"})

    with pytest.raises(MissingColumns, match="Is it 'Sales'"):
        read_latest(table, read_frame(shops("a", "b")))


def test_a_renamed_column_can_be_said():
    table = shops("a", "b").rename(columns={"sales": "revenue", "shop": "store"})

    panel = read_latest(
        table, read_frame(shops("a", "b")), target="revenue", series_id="store"
    )

    assert panel.series_ids == ("a", "b")


def test_the_policy_for_gaps_is_that_of_the_training_unless_another_is_said():
    trained = read_frame(shops("a", "b"), missing="forward")
    table = shops("a", "b").drop(index=[2])

    assert read_latest(table, trained).values[:4].tolist() == [0, 1, 1, 3]
    assert read_latest(table, trained, missing="zero").values[2] == 0
    with pytest.raises(IrregularTimestamps, match=r"2024-03-03.*--missing"):
        read_latest(table, trained, missing="error")


def test_numbered_rows_are_numbered_again():
    trained = read_frame(pd.DataFrame({"sales": [1.0, 2, 3]}))

    panel = read_latest(shops("a").drop(columns="shop"), trained)

    assert panel.timestamps.tolist() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("ids", "trained", "matched"),
    [
        (["1.0", "2.00"], ["1", "2", "3"], ["1", "2"]),
        (["1", "2"], ["1.0", "2.0"], ["1.0", "2.0"]),
        (["1", "01"], ["1", "01"], ["1", "01"]),
        (["01", "2.5"], ["1", "2"], ["01", "2.5"]),
        (["3 / 1.0"], ["3 / 1", "3 / 2"], ["3 / 1"]),
        (["v1.0"], ["v1", "v2"], ["v1.0"]),
        (["7.0"], ["only"], ["7.0"]),
    ],
)
def test_a_whole_number_with_decimals_is_the_id_of_the_training(ids, trained, matched):
    assert match_series_ids(ids, trained)[0] == tuple(matched)


def test_changed_and_new_ids_are_noted_with_similar_ones():
    _, notes = match_series_ids(["1.0", "bern", "07", "Z"], ["1", "Bern", "7"])

    assert notes == [
        "series read as in training: '1.0' as '1'",
        "series new to the model: 'bern' (similar: 'Bern'), '07' (similar: '7'), 'Z'",
    ]


@pytest.mark.parametrize(
    ("ids", "trained", "message"),
    [
        (["1", "1.0"], ["1", "2"], "'1' and '1.0' are both series '1'"),
        (["1"], ["1.0", "1.00"], "'1' could be '1.0' or '1.00'"),
    ],
)
def test_ids_with_several_meanings_are_refused(ids, trained, message):
    with pytest.raises(DataError, match=message):
        match_series_ids(ids, trained)


def test_a_plan_without_series_is_refused_where_there_are_several():
    table = frame()[["day", "promo"]][4:7]

    with pytest.raises(AmbiguousColumns, match=r"series id.*--series-id"):
        read_future(table, observed(), ["promo"])


def test_a_plan_with_ids_that_became_floats_is_read_as_in_training():
    table = frame().assign(shop=[1] * 7 + [2] * 5)
    panel = read(table[table["sales"].notna()])

    future = read_future(
        table.assign(shop=table["shop"].map("{}.0".format)), panel, ["promo"]
    )

    assert future["promo"]["1"].tolist() == [1, 0, 1]


def test_a_table_of_fewer_columns_is_one_series_or_numbered_rows():
    trained = read_frame(shops("a", "b"))

    one = read_latest(shops("a").drop(columns="shop"), trained)
    numbered = read_latest(shops("a")[["sales"]], trained)

    assert one.series_ids == ("sales",)
    assert "no column 'shop': one series, without a name" in one.notes
    assert numbered.timestamps.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert "no column 'day': the rows are numbered" in numbered.notes


def test_several_series_without_the_column_of_their_ids_are_refused():
    with pytest.raises(DuplicateTimestamps, match="series 'sales'"):
        read_latest(shops("a", "b")[["day", "sales"]], read_frame(shops("a", "b")))


def test_an_empty_name_says_that_a_table_has_no_such_column():
    trained = read_frame(shops("a", "b"))
    table = shops("a").rename(columns={"shop": "note"})

    panel = read_latest(table, trained, series_id="", time="")

    assert (panel.series_ids, panel.timestamps[-1]) == (("sales",), 7)
