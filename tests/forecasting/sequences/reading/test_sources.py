"""Files of any form, and columns that are inferred."""

import pandas as pd
import pytest

from forecasting.errors import (
    AmbiguousColumns,
    InvalidSeries,
    MissingColumns,
    UnreadableData,
)
from forecasting.sequences.reading.columns import SequenceColumns
from forecasting.sequences.reading.sources import read_new_series, read_training_series

NONE = SequenceColumns()


def write(path, columns):
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def test_columns_are_inferred_where_one_fits_and_named_in_notes(tmp_path):
    columns = {"id": ["a", "a", "b", "b"], "t": [1, 2, 1, 2]}
    columns |= {
        "x": [0.5, 1, 2, 3],
        "y": [4, 5, 6, 7.5],
        "kind": ["up"] * 2 + ["dn"] * 2,
    }

    data, found = read_training_series(
        write(tmp_path / "a.csv", columns), "classify", NONE
    )

    assert found == SequenceColumns(
        series_id=("id",), time=("t",), channels=("x", "y"), label="kind"
    )
    assert data.labels == ["up", "dn"]
    assert data.ends is None  # all begin at step 1
    notes = " ".join(data.notes)
    for role in ("series_id: 'id'", "label: 'kind'", "time: 't'", "channels: 'x', 'y'"):
        assert role in notes


def test_series_that_begin_at_different_moments_have_an_order(tmp_path):
    columns = {"id": ["a", "a", "b"], "day": ["2024-02-01", "2024-02-02", "2024-01-01"]}
    columns |= {"x": [0.5, 1, 2], "kind": ["up", "up", "dn"]}

    data, _ = read_training_series(write(tmp_path / "a.csv", columns), "classify", NONE)

    assert data.ends[0] > data.ends[1]
    assert data.take([1]).ends.tolist() == data.ends[1:].tolist()


def test_a_list_in_one_option_names_several_columns(tmp_path):
    columns = {
        "p": ["a", "b"],
        "q": ["c", "d"],
        "x": [1, 2],
        "y": [1, 2],
        "k": ["u", "v"],
    }
    requested = SequenceColumns(series_id=("p,q",), channels=("x, y",), label="k")

    data, found = read_training_series(
        write(tmp_path / "a.csv", columns), "classify", requested
    )

    assert found.series_id == ("p", "q")
    assert found.channels == ("x", "y")
    assert data.ids == ("a / c", "b / d")


def test_the_only_column_left_holds_the_symbols(tmp_path):
    path = write(tmp_path / "a.csv", {"t": [2, 1, 3], "state": ["b", "a", "NA"]})

    data, found = read_training_series(path, "next", NONE, time=("t",))

    assert found.symbol == "state"
    assert data.series == [["a", "b", "NA"]]


def test_a_text_is_a_series_of_characters(tmp_path):
    (tmp_path / "a.txt").write_text("a b\nä", encoding="utf-8")

    data, columns = read_training_series(tmp_path / "a.txt", "next", NONE)

    assert data.series == [["a", " ", "b", "\n", "ä"]]
    assert columns.is_text
    assert read_new_series(tmp_path / "a.txt", "next", columns).series == data.series


def test_archives_are_read_for_training_and_prediction(tmp_path):
    (tmp_path / "a.tsv").write_text("1\t0.5\t1\n2\t2\t3\n")

    data, columns = read_training_series(tmp_path / "a.tsv", "classify", NONE)
    again = read_new_series(tmp_path / "a.tsv", "classify", columns)

    assert data.labels == ["1", "2"]
    assert columns.channels == ("value",)
    assert [one.tolist() for one in again.series] == [[[0.5], [1]], [[2], [3]]]


def test_new_series_need_no_columns_of_label_series_and_time(tmp_path):
    columns = SequenceColumns(
        series_id=("id",), time=("t",), channels=("x",), label="kind"
    )

    data = read_new_series(
        write(tmp_path / "a.csv", {"x": [1, 2]}), "classify", columns
    )

    assert [one[:, 0].tolist() for one in data.series] == [[1, 2]]


@pytest.mark.parametrize(
    ("columns", "task", "error", "message"),
    [
        (
            {"x": [1, 2], "a": ["p", "q"], "b": ["r", "s"]},
            "classify",
            AmbiguousColumns,
            r"which column is the label\? 2 columns could be it",
        ),
        (
            {"x": [1, 2], "label": ["p", "q"]},
            "classify",
            AmbiguousColumns,
            r"which column is the series id\? no column could be it",
        ),
        (
            {"id": ["a", "b"], "label": ["p", "q"]},
            "classify",
            AmbiguousColumns,
            r"which column is the channel\?.* Say it with --channels",
        ),
        (
            {"a": ["p", "q"], "b": ["r", "s"]},
            "next",
            AmbiguousColumns,
            r"which column is the symbol\? .*--symbol",
        ),
    ],
)
def test_open_questions_name_the_option(tmp_path, columns, task, error, message):
    with pytest.raises(error, match=message):
        read_training_series(write(tmp_path / "a.csv", columns), task, NONE, time=())


def test_a_missing_column_is_named(tmp_path):
    path = write(tmp_path / "a.csv", {"id": ["a", "b"], "kind": ["p", "q"]})

    with pytest.raises(MissingColumns, match="no column 'z'"):
        read_training_series(path, "classify", SequenceColumns(channels=("z",)))


def test_an_archive_of_unequal_channels_is_refused(tmp_path):
    (tmp_path / "a.ts").write_text("@data\n1,2:3,4:a\n1,2:b\n")

    with pytest.raises(InvalidSeries, match=r"1 \(series 2\) and 2 \(series 1\)"):
        read_training_series(tmp_path / "a.ts", "classify", NONE)


def test_a_text_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "a.txt").write_bytes("größer".encode("cp1252"))

    with pytest.raises(UnreadableData, match="cannot be read as a text in utf-8"):
        read_training_series(tmp_path / "a.txt", "next", NONE)
    read_training_series(tmp_path / "a.txt", "next", SequenceColumns(encoding="cp1252"))


@pytest.mark.parametrize("task", ["label", "next"])
def test_the_only_text_left_names_the_series_of_labels_and_symbols(tmp_path, task):
    path = write(
        tmp_path / "a.csv",
        {"machine": ["m", "m", "n"], "x": [1.5, 2, 3], "event": ["on", "off", "on"]},
    )
    requested = SequenceColumns(label="event") if task == "label" else NONE

    data, columns = read_training_series(path, task, requested, time=())
    whole, _ = read_training_series(path, task, requested, time=(), is_one_series=True)

    assert columns.series_id == ("machine",)
    assert data.ids == ("m", "n")
    assert "not used: 'machine'" in " ".join(whole.notes)
    assert len(whole) == 1


def test_several_columns_of_text_are_an_open_question(tmp_path):
    columns = {"a": ["m", "m"], "b": ["p", "q"], "x": [1, 2], "label": ["on", "off"]}

    with pytest.raises(AmbiguousColumns, match=r"series id\? 2 columns could be it"):
        read_training_series(write(tmp_path / "a.csv", columns), "label", NONE)
