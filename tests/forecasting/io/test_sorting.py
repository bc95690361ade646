"""Series ids: of several columns, with missing parts, and almost the same."""

import numpy as np
import pandas as pd
import pytest

from forecasting.errors import InvalidValues
from forecasting.io import read_csv, read_frame

DAYS = ["2024-01-01", "2024-01-02", "2024-01-03"]


def rows(*ids, names=("store", "item")):
    """Return three days of each series."""
    parts = [dict(zip(names, id_, strict=True)) for id_ in ids]
    table = pd.DataFrame(
        [{**part, "ds": day, "y": i} for i, part in enumerate(parts) for day in DAYS]
    )
    return table.astype({"y": float})


def test_an_id_of_several_columns_holds_all_of_them():
    table = rows(("Bern", "tea"), ("Rome", "tea"), ("Bern", "rice"))

    panel = read_frame(table.sort_values("ds"), series_id=["store", "item"])

    assert panel.series_ids == ("Bern / tea", "Rome / tea", "Bern / rice")
    assert panel.series("Rome / tea").tolist() == [1, 1, 1]
    assert panel.schema.series_id == ("store", "item")


@pytest.mark.parametrize("text", ["store,item", "store, item", " store ,item,"])
def test_columns_of_an_id_may_be_one_text_with_commas(text, tmp_path):
    rows(("01", "tea"), ("1", "tea")).to_csv(tmp_path / "sales.csv", index=False)

    panel = read_csv(tmp_path / "sales.csv", series_id=text, target="y")

    assert panel.series_ids == ("01 / tea", "1 / tea")


def test_a_column_with_a_comma_in_its_name_is_one_column():
    table = rows(("a",), ("b",), names=("store, item",))

    assert read_frame(table, series_id="store, item").series_ids == ("a", "b")


def test_ids_that_join_to_one_name_are_refused():
    table = rows(("a / b", "c"), ("a", "b / c"))

    with pytest.raises(InvalidValues, match=r"'store, item'.*'a / b / c'.*without"):
        read_frame(table, series_id=["store", "item"])


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_a_missing_part_of_an_id_is_an_error_with_its_line(empty, tmp_path):
    table = rows(("a", "tea"), ("b", "tea"))
    table.loc[3, "item"] = empty
    table.to_csv(tmp_path / "sales.csv", index=False)

    with pytest.raises(InvalidValues, match=r"'item': 1 missing series id at line 5"):
        read_csv(tmp_path / "sales.csv", series_id="store,item")


def test_ids_that_differ_only_by_case_or_spaces_are_noted():
    table = rows(("New York",), ("new york",), ("NewYork",), ("Rome",), names=("city",))

    panel = read_frame(table, series_id="city")

    assert len(panel) == 4
    note = "differ only by spaces or case: 'New York' and 'new york' and 'NewYork'"
    assert [n for n in panel.notes if note in n]


def test_whole_numbers_that_became_floats_are_ids_without_decimals():
    table = rows((1.0,), (2.0,), names=("shop",))

    assert read_frame(table, series_id="shop", target="y").series_ids == ("1", "2")


def test_columns_without_a_role_are_named_in_one_note():
    table = rows(("a", "tea")).assign(price=[1, 2, 3.5])

    [note] = [n for n in read_frame(table, target="y").notes if "not used" in n]

    assert note == (
        "not used: 'store', 'item', 'price'; to use them: --series-id (names of "
        "series) or --known, --past or --static (covariates)"
    )


def test_blank_rows_before_the_first_value_are_cut_where_gaps_are_filled():
    table = rows(("a",), ("b",), names=("shop",))
    table.loc[[0, 4], "y"] = np.nan

    panel = read_frame(table, series_id="shop", target="y", missing="forward")

    assert panel.lengths.tolist() == [2, 3]
    assert "1 row without 'y' at the start of series cut" in panel.notes
