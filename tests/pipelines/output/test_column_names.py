"""Columns of an output named as in the file of the series."""

import pandas as pd
import pytest

from forecasting.data.schema import Schema
from forecasting.errors import SettingError
from pipelines.output.column_names import name_as_in_data

FRAME = pd.DataFrame(
    {
        "series_id": ["north / tea", "south / tea"],
        "step": [1, 1],
        "timestamp": pd.to_datetime(["2024-01-01", "2024-01-01"]),
        "point": [1.5, 2.5],
        "lower_80": [1.0, 2.0],
    }
)


def named(time="day", series_id=("store", "item"), target="sales"):
    schema = Schema.of(time=time, target=target, series_id=series_id)
    return name_as_in_data(FRAME, schema)


def test_ids_of_several_columns_are_split_again():
    table = named()

    assert list(table) == ["store", "item", "step", "day", "sales", "lower_80"]
    assert table["store"].tolist() == ["north", "south"]
    assert table["item"].tolist() == ["tea", "tea"]


def test_an_id_of_one_column_takes_its_name():
    table = named(series_id="shop")

    assert table["shop"].tolist() == FRAME["series_id"].tolist()


def test_a_file_of_one_series_gets_no_id_and_joined_times_keep_their_name():
    table = named(time=("Year", "Month"), series_id=())

    assert list(table) == ["step", "timestamp", "sales", "lower_80"]


def test_ids_with_parts_that_are_not_clear_stay_joined():
    assert "a / b / c" in named(series_id=("a", "b", "c"))


@pytest.mark.parametrize("name", ["step", "lower_80"])
def test_two_columns_of_one_name_are_refused(name):
    with pytest.raises(SettingError, match="column_names must be recast"):
        named(target=name)
    with pytest.raises(SettingError, match="column_names must be recast"):
        named(series_id=name)
