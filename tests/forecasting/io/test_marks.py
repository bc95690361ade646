"""Marks of decimals and thousands: decided by the whole table, or asked about."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from forecasting.data.schema import Schema
from forecasting.errors import DataError, InvalidValues
from forecasting.io import read_csv
from forecasting.io.csv_format import read_table
from forecasting.io.marks import settle_marks
from forecasting.io.numbers import read_numbers


@pytest.mark.parametrize(
    ("cells", "delimiter", "values", "decimal"),
    [
        ("990|995|1.000|1.005", ";", [990, 995, 1000, 1005], ","),
        ("990|995|1.000|1.005", "\t", [990, 995, 1000, 1005], ","),
        ("990|995|1,000|1,005", ",", [990, 995, 1000, 1005], "."),
        ("990|995|1,000|1,005", "\t", [990, 995, 1000, 1005], "."),
        ("12|1.234|95|2.310", ";", [12, 1234, 95, 2310], ","),
        ("890|234.567|1.234.567", ";", [890, 234567, 1234567], ","),
        ("0,700|1,234|0,817", ",", [0.7, 1.234, 0.817], ","),
        ("-0,700|-1,234", ";", [-0.7, -1.234], ","),
        ("0.700|1.234|0.817", ";", [0.7, 1.234, 0.817], "."),
        ("1.234|2.345|3.456", ",", [1.234, 2.345, 3.456], "."),
        ("1.000|1.010|1.020", ",", [1, 1.01, 1.02], "."),
        ("0|1.234|0|2.345", ",", [0, 1.234, 0, 2.345], "."),
        ("1.234|2.5|3", ";", [1.234, 2.5, 3], "."),
        ("1.004,50|995,00", ";", [1004.5, 995], ","),
        ("1,23,456|12,34,567.50", ",", [123456, 1234567.5], "."),
        ("1000|1005|990", ",", [1000, 1005, 990], None),
    ],
)
def test_a_column_shows_its_marks(column_file, cells, delimiter, values, decimal):
    panel = read_csv(column_file(cells, delimiter))

    assert panel.values.tolist() == values
    assert panel.schema.decimal == decimal


@pytest.mark.parametrize(
    ("cells", "delimiter", "example"),
    [
        ("990|995|1.000|1.005", ",", "1.000"),
        ("0|1.230|0|2.340", ",", "1.230"),
        ("1.234|2.345|3.456", ";", "1.234"),
        ("1,234|2,345|3,456", ";", "1,234"),
        ("1.234|2.345|3.456", "\t", "1.234"),
        ("1,600|1,610|1,620", ",", "1,600"),
        ("990|1,000|1,005", ";", "1,000"),
        ("995|1500|1.000", ";", "1.000"),
    ],
)
def test_two_readings_are_asked_about_with_both(column_file, cells, delimiter, example):
    path = column_file(cells, delimiter)
    thousands = float(example.replace(".", "").replace(",", ""))

    with pytest.raises(InvalidValues) as caught:
        read_csv(path)
    place = cells.split("|").index(example)
    readings = [read_csv(path, decimal=mark).values[place] for mark in (".", ",")]

    message = str(caught.value)
    for part in ("'sales'", repr(example), f"{thousands:g}", "--decimal", "data.decim"):
        assert part in message
    assert sorted(readings) == [thousands / 1000, thousands]


def test_a_point_and_a_comma_in_one_column_are_refused(column_file):
    with pytest.raises(InvalidValues, match=r"line 2 \('1\.5'\), line 3 \('1,5'\)"):
        read_csv(column_file("1.5|1,5|2", ";"))


def test_another_column_settles_the_marks(csv):
    content = "day;price;count\n2024-01-01;1,50;1.234\n2024-01-02;1,51;2.345\n"

    panel = read_csv(csv(content), target="count")

    assert panel.values.tolist() == [1234, 2345]
    assert "'count': dots between thousands" in panel.notes


def test_a_point_elsewhere_does_not_settle_whole_numbers_beside_thousands(csv):
    content = "day,price,count\n2024-01-01,1.50,990\n2024-01-02,1.51,1.000\n"

    with pytest.raises(InvalidValues, match=r"'count': '1.000' can be 1 or.*1000"):
        read_csv(csv(content), target="count")


def test_open_numbers_far_below_are_found(csv):
    rows = [(i, 800 + i % 200) for i in range(3000)]
    rows += [(3000 + i, f"1.{i:03d}") for i in range(200)]
    content = "".join(f"{step};{value}\n" for step, value in rows)

    panel = read_csv(csv("step;sales\n" + content), time="step", target="sales")

    assert panel.values[-1] == 1199
    assert panel.values.min() == 800


def test_a_mark_that_is_set_is_checked(column_file):
    with pytest.raises(InvalidValues, match=r"'1,5'.*Say --decimal , \(data\.decimal"):
        read_csv(column_file("1,5|2,25", ";"), decimal=".")
    with pytest.raises(InvalidValues, match=r"decimals after a point.*line 2 \(1\.5\)"):
        read_csv(column_file("1.5|2.25", ";"), decimal=",")


@pytest.mark.parametrize(
    ("decimal", "cells", "delimiter", "values"),
    [
        (",", "1,600|1,610", ",", [1.6, 1.61]),
        (",", "1.600|1.610", ";", [1600, 1610]),
        (".", "1.600|1.610", ";", [1.6, 1.61]),
        (".", "1,600|1,610", ",", [1600, 1610]),
        (",", "1.5|1.25", ",", [1.5, 1.25]),
        (".", "1,5|1,25", ";", [1.5, 1.25]),
    ],
)
def test_the_marks_of_a_model_settle_what_is_open(
    column_file, decimal, cells, delimiter, values
):
    panel = read_csv(column_file(cells, delimiter), schema=Schema(decimal=decimal))

    assert panel.values.tolist() == values


@pytest.mark.parametrize(
    ("decimal", "cells", "delimiter"),
    [
        (",", "1.600|1.610", ","),
        (".", "1,600|1,610", ";"),
        (".", "990|1.000|1.005", ";"),
        (",", "990|1,000|1,005", ","),
    ],
)
def test_cells_that_speak_against_the_marks_of_a_model_are_asked_about(
    column_file, decimal, cells, delimiter
):
    with pytest.raises(InvalidValues, match="with thousands"):
        read_csv(column_file(cells, delimiter), schema=Schema(decimal=decimal))


def test_thousands_are_asked_about_where_a_model_had_whole_numbers(column_file):
    schema = read_csv(column_file("1000|1005|990")).schema

    with pytest.raises(InvalidValues, match="with thousands"):
        read_csv(column_file("1.000|1.005|1.010"), schema=schema)


@given(
    data=st.data(),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    mark=st.sampled_from(["", "other", " ", "\xa0", "\u202f", "'", "\u2019"]),
    places=st.integers(0, 4),
)
def test_numbers_of_any_dialect_come_back_or_are_refused(
    tmp_path_factory, data, delimiter, decimal, mark, places
):
    group = {"other": "," if decimal == "." else "."}.get(mark, mark)
    ints = st.lists(st.integers(-2_500_000, 2_500_000), min_size=2, max_size=12)
    numbers = [i / 10**places for i in data.draw(ints)]
    cells = [
        f"{x:,.{places}f}".translate({ord(","): group, ord("."): decimal})
        for x in numbers
    ]
    # Programs write these without groups: 1.234 in a file with commas is a decimal.
    unusual = {",": ".", ";": ",", "\t": "", "|": ""}[delimiter]
    assume(not (group == unusual and all(cell.count(group) == 1 for cell in cells)))
    path = tmp_path_factory.mktemp("dialects") / "a.csv"
    lines = [f'2024-01-{i + 1:02d}{delimiter}"{c}"' for i, c in enumerate(cells)]
    path.write_text("\n".join([f"day{delimiter}sales", *lines, ""]), encoding="utf-8")

    try:
        panel = read_csv(path)
    except DataError:
        return

    np.testing.assert_allclose(panel.values, numbers, rtol=1e-12)


def test_columns_without_a_question_are_read_beside_one_with(csv):
    content = "day;a;b\n2024-01-01;1.234;x\n2024-01-02;2.345;y\n"
    table = settle_marks(read_table(csv(content), Schema()), Schema())

    with pytest.raises(InvalidValues, match="'a'"):
        read_numbers(table, "a")
    assert list(table.questions) == ["a"]
