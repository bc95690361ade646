"""Numbers with signs, groups, units and percent, and categories that look alike."""

import numpy as np
import pandas as pd
import pytest

from forecasting.data.schema import Schema
from forecasting.errors import AmbiguousColumns, InvalidValues, MissingValues
from forecasting.io import read_csv, read_frame, read_future


@pytest.mark.parametrize(
    ("cells", "delimiter", "values"),
    [
        ("1 234,5|990|12 345,25", ";", [1234.5, 990, 12345.25]),
        ("1\xa0234,5|990|12\u202f345,25", ",", [1234.5, 990, 12345.25]),
        ("1'234.50|990|12\u2019345.10", ";", [1234.5, 990, 12345.1]),
        ("1'234|990", ";", [1234, 990]),
        ("\u221212|13|\u201314.5", ",", [-12, 13, -14.5]),
        ("(12)|13|(1,400.5)", ",", [-12, 13, -1400.5]),
        ("12-|13|14.5-", ",", [-12, 13, -14.5]),
        ("12.-|13.-|14.50", ",", [12, 13, 14.5]),
        ("12,-|13,-|14,50", ";", [12, 13, 14.5]),
        ("EUR 12.50|EUR 13.00|EUR 9.25", ",", [12.5, 13, 9.25]),
        ("12,50 \u20ac|13,00 \u20ac|1.009,25 \u20ac", ";", [12.5, 13, 1009.25]),
        ("$1,200|-$990|($1,250.50)", ",", [1200, -990, -1250.5]),
        ("25 %|30%|0", ",", [25, 30, 0]),
        ("5 kg|6 kg|7.5kg", ",", [5, 6, 7.5]),
        ("1e3|2.5e-1|1E+05", ",", [1000, 0.25, 100000]),
        ("1,5E+03|2,5E-01|7", ";", [1500, 0.25, 7]),
        ("+5|- 6|7", ",", [5, -6, 7]),
    ],
)
def test_numbers_are_read_as_they_are_written(column_file, cells, delimiter, values):
    assert read_csv(column_file(cells, delimiter)).values.tolist() == values


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        ("25 %|30%", "'%' beside each number left out"),
        ("$5|$6", "'$' beside each number left out"),
        ("(5)|6", "numbers in parentheses are negative"),
        ("5-|6", "a minus behind a number makes it negative"),
    ],
)
def test_other_ways_of_writing_are_noted(column_file, cells, note):
    assert f"'sales': {note}" in read_csv(column_file(cells)).notes


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("25 %|0.3|10%", r"several units.*'25 %'.*'0\.3'"),
        ("5 kg|600 g", r"several units.*\('g', 'kg'\)"),
        ("12k|13k", r"'k' beside the numbers changes their size.*'12k'"),
        ("1.2 Mio|1.3 Mio", r"'Mio' beside the numbers"),
        ("1 23|4 56", r"not a number at line 2 \('1 23'\)"),
        ("1_000|2", r"not a number at line 2 \('1_000'\)"),
        ("-|2|3", r"not a number at line 2 \('-'\)"),
    ],
)
def test_what_is_no_plain_number_is_named(column_file, cells, message):
    with pytest.raises(InvalidValues, match=rf"'sales': .*{message}"):
        read_csv(column_file(cells), target="sales")


def test_several_currencies_are_no_target(column_file):
    with pytest.raises(AmbiguousColumns, match="no column could be it"):
        read_csv(column_file("$5|\u20ac6|7"))


# Categories.


def days(column, cells):
    rows = [f"2024-01-{i + 1:02d},{i},{cell}" for i, cell in enumerate(cells)]
    return "\n".join([f"day,sales,{column}", *rows, ""])


@pytest.mark.parametrize(
    "cells",
    [
        ("01", "02", "01"),
        ("01", "02", "A1"),
        ("01", "", "02"),
        ("None", "BOGO", "None"),
        ("NA", "DE", "US"),
        ("NA", "NA", "NA"),
        ("N/A", "null", "NaN"),
        ("5 kg", "600 g", "5 kg"),
        ("0123", "4567", "8901"),
    ],
)
def test_codes_and_words_are_categories(csv, cells):
    panel = read_csv(
        csv(days("deal", cells)), target="sales", past_covariates="deal",
        missing="forward",
    )  # fmt: skip

    expected = [cell or cells[0] for cell in cells]
    assert panel.covariates["deal"].tolist() == expected
    assert panel.schema.text == ("deal",)


def test_words_that_may_mean_a_missing_value_are_noted(csv):
    panel = read_csv(
        csv(days("promo", ("None", "BOGO", "NA"))), target="sales",
        past_covariates="promo",
    )  # fmt: skip

    note = "'promo': 'NA', 'None' are categories; an empty field is a missing value"
    assert note in panel.notes


def test_an_empty_category_is_missing_and_the_advice_fits(csv):
    with pytest.raises(MissingValues, match=r"line 3\. Name the category in every row"):
        read_csv(
            csv(days("promo", ("BOGO", "", "BOGO"))), target="sales",
            past_covariates="promo",
        )  # fmt: skip


def test_numbers_stay_numbers_and_na_is_missing_in_them(csv):
    panel = read_csv(
        csv(days("heat", ("1", "NA", "3"))), target="sales", past_covariates="heat",
        missing="forward",
    )  # fmt: skip

    assert panel.covariates["heat"].tolist() == [1, 1, 3]
    assert panel.schema.text == ()


def test_a_word_among_numbers_of_a_covariate_may_be_a_category(csv):
    with pytest.raises(
        InvalidValues, match=r"'B'.*categories, name the column in data"
    ):
        read_csv(
            csv(days("zone", ("1", "2", "B"))), target="sales", past_covariates="zone"
        )

    panel = read_csv(
        csv(days("zone", ("1", "2", "B"))), target="sales", past_covariates="zone",
        text="zone",
    )  # fmt: skip
    assert panel.covariates["zone"].tolist() == ["1", "2", "B"]


def test_numbers_can_be_read_as_text(csv):
    panel = read_csv(
        csv(days("zone", ("1", "2", "2"))), target="sales", past_covariates="zone",
        text="zone",
    )  # fmt: skip

    assert panel.covariates["zone"].tolist() == ["1", "2", "2"]


def test_names_of_series_are_no_missing_values(csv):
    rows = [f"2024-01-0{d},{c},{d}" for d in (1, 2, 3) for c in ("NA", "DE", "null")]

    panel = read_csv(csv("\n".join(["day,country,sales", *rows, ""])))

    assert panel.series_ids == ("NA", "DE", "null")


def test_new_data_and_plans_keep_the_categories_of_the_model(csv):
    cells = ("01", "A1", "02")
    roles = {"target": "sales", "known_covariates": "deal"}
    panel = read_csv(csv(days("deal", cells)), **roles)

    again = read_csv(csv(days("deal", ("1", "2", "3"))), schema=panel.schema)
    plan = csv("day,deal\n2024-01-04,01\n2024-01-05,02\n", "plan.csv")
    future = read_future(plan, panel, ["deal"])
    frame = pd.DataFrame({"day": ["2024-01-04", "2024-01-05"], "deal": [1, 2]})
    from_frame = read_future(frame, panel, ["deal"])

    assert again.covariates["deal"].tolist() == ["1", "2", "3"]
    assert future["deal"]["sales"].tolist() == ["01", "02"]
    assert from_frame["deal"]["sales"].tolist() == ["1", "2"]


def test_missing_text_of_a_frame_is_missing_and_a_word_is_not():
    frame = pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=3),
            "sales": [1.0, 2.0, 3.0],
            "promo": ["None", "BOGO", "None"],
        }
    )
    roles = {"target": "sales", "past_covariates": "promo"}

    panel = read_frame(frame, **roles)
    with pytest.raises(MissingValues, match="'promo': 1 missing value at row 1"):
        read_frame(frame.replace("BOGO", None), **roles)

    assert panel.covariates["promo"].tolist() == ["None", "BOGO", "None"]


def test_text_of_a_frame_is_read_as_that_of_a_file():
    frame = pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=3),
            "sales": ["1,5", "2", "1.000,5"],
        }
    )

    panel = read_frame(frame)

    np.testing.assert_array_equal(panel.values, [1.5, 2, 1000.5])
    assert panel.schema == Schema(
        time=("day",), target="sales", series_id=(), freq="D", decimal=","
    )
