import pandas as pd
import pytest

from forecasting.errors import (
    DuplicateTimestamps,
    InvalidLabels,
    InvalidValues,
    MissingColumns,
    MissingValues,
)
from forecasting.sequences.reading.columns import SequenceColumns
from forecasting.sequences.reading.tables import (
    read_sequence_file,
    read_sequence_frame,
)

MACHINES = SequenceColumns(
    series_id=("id",), time=("day",), channels=("x", "y"), label="kind"
)
EVENTS = SequenceColumns(series_id=("user",), symbol="event")


def frame(**columns):
    days = ["2024-01-02", "2024-01-01", "2024-01-01"]
    plain = {
        "id": [7, 7, 8],
        "day": days,
        "kind": ["1", "1", "02"],
        "x": [2, 1, 3],
        "y": [5.0, 4, 6],
    }
    return pd.DataFrame(plain | columns)


def test_rows_become_series_in_the_order_of_time_with_one_label_each():
    data = read_sequence_frame(frame(), "classify", MACHINES)

    assert (data.ids, data.labels) == (("7", "8"), ["1", "02"])
    assert [one.tolist() for one in data.series] == [[[1, 4], [2, 5]], [[3, 6]]]


def test_a_file_is_read_as_those_of_forecasts_are(tmp_path):
    path = tmp_path / "machines.csv"
    path.write_bytes(
        "id;day;kind;x;y\n7;02.01.2024;gr\xfcn;1,5;2\n7;01.01.2024;gr\xfcn;0,5;3\n"
        "8;01.01.2024;rot;2,25;4\n".encode("cp1252")
    )

    data = read_sequence_file(path, "classify", MACHINES)

    assert data.labels == ["gr\xfcn", "rot"]
    assert data.series[0].tolist() == [[0.5, 3], [1.5, 2]]


def test_labels_of_steps_may_be_missing():
    table = frame(kind=["up", None, "down"])

    data = read_sequence_frame(table, "label", MACHINES)

    assert data.labels == [[None, "up"], ["down"]]


def test_symbols_are_text_even_if_they_look_like_numbers(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text("user,event\na,007\na,1\nb,NA\n")

    data = read_sequence_file(path, "next", EVENTS)

    assert data.series == [["007", "1"], ["NA"]]


def test_labels_are_not_needed_for_a_prediction():
    data = read_sequence_frame(
        frame().drop(columns="kind"), "label", MACHINES, labelled=False
    )

    assert data.labels is None


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        (
            {"kind": ["a", "b", "b"]},
            InvalidLabels,
            r"series '7': expected one label in column 'kind'; found 'b', 'a'",
        ),
        ({"kind": ["a", "a", None]}, InvalidLabels, "series '8': .*found nothing"),
        (
            {"x": [1, None, 3]},
            MissingValues,
            r"'x': 1 missing value at row 1. Fill them, or leave these series out",
        ),
        ({"y": ["1", "2", "many"]}, InvalidValues, "many"),
        (
            {"day": ["2024-01-01"] * 3},
            DuplicateTimestamps,
            r"'7' \(row 0 and row 1\). Keep one row for each step of a series",
        ),
        ({"id": [7, None, 8]}, InvalidValues, "missing series id"),
    ],
)
def test_rows_that_are_no_series_are_refused_with_their_place(columns, error, message):
    with pytest.raises(error, match=message):
        read_sequence_frame(frame(**columns), "classify", MACHINES)


def test_a_missing_column_is_named():
    with pytest.raises(MissingColumns, match="no column 'kind'"):
        read_sequence_frame(frame().drop(columns="kind"), "classify", MACHINES)


def test_columns_survive_json():
    assert SequenceColumns.from_plain(MACHINES.to_plain()) == MACHINES
