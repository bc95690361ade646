"""Folders of series and files of forecasts are read, written and checked."""

import gzip

import numpy as np
import pytest

from benchmarks.common.files import (
    count_steps,
    read_forecasts,
    read_series,
    write_forecasts,
)
from forecasting import DataError, Forecast, Panel

TEST = Panel.from_values({"b": [1, 2], "NA": [3, 4]})
COMPLETE = ["NA,2,4.5", "b,1,1.5", "b,2,2.5", "NA,1,3.5"]


def written(path, header, rows):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_part_is_read_in_the_order_of_its_file_and_plain_or_gzipped(tmp_path):
    text = "unique_id,ds,y\nb,1,5\nNA,2000-01-01,1\nNA,2000-02-01,2\nb,2,6.5\n"
    with gzip.open(tmp_path / "train.csv.gz", "wt") as file:
        file.write(text)
    (tmp_path / "test.csv").write_text(text)

    train, test = read_series(tmp_path, "train"), read_series(tmp_path, "test")

    assert train.series_ids == test.series_ids == ("b", "NA")
    assert train.series("b").tolist() == [5, 6.5]


def test_steps_are_counted_without_a_look_at_the_values(tmp_path):
    rows = ["a,1,what", "a,2,ever", "b,1,?", "b,2,?"]
    written(tmp_path / "test.csv", "unique_id,ds,y", rows)

    assert count_steps(tmp_path) == 2


def test_a_folder_without_series_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no train\.csv or train\.csv\.gz there"):
        read_series(tmp_path, "train")


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        ("unique_id,ds,value", ["a,1,2"], "no column 'y': the columns are 'unique_id'"),
        ("unique_id,ds,y", [], "it has no rows"),
        ("unique_id,ds,y", ["a,1,2", "a,2,"], "column 'a': NaN or infinity at pos"),
        ("unique_id,ds,y", ["a,1,x"], "series 'a' must be a list of numbers"),
        ("unique_id,ds,y", ['a,"1,2'], "it cannot be read as CSV"),
    ],
)
def test_a_file_that_holds_no_series_is_refused(tmp_path, header, rows, message):
    written(tmp_path / "train.csv", header, rows)

    with pytest.raises(DataError, match=message):
        read_series(tmp_path, "train")


def test_forecasts_are_put_in_the_order_of_the_test_part(tmp_path):
    rows = [*COMPLETE, "b,3,9", "other,1,9"]
    path = written(tmp_path / "f.csv", "unique_id,step,y_hat", rows)

    forecast = read_forecasts(path, TEST)

    assert forecast.series_ids == ("b", "NA")
    assert forecast.points.tolist() == [[1.5, 2.5], [3.5, 4.5]]
    assert forecast.intervals == {}


def test_forecasts_with_intervals_are_read_back_as_they_were_written(tmp_path):
    points = np.array([[0.1 + 0.2, 1e-17], [1 / 3, 2e300]])
    bounds = {80.0: (points - 1, points + 1), 99.5: (points - 2, points + 2)}
    original = Forecast(
        series_ids=TEST.series_ids, timestamps=None, points=points, intervals=bounds
    )

    write_forecasts(original, tmp_path / "f.csv")
    forecast = read_forecasts(tmp_path / "f.csv", TEST)

    assert forecast.points == pytest.approx(points, rel=1e-15)
    assert list(forecast.intervals) == [80.0, 99.5]
    assert forecast.intervals[99.5][1] == pytest.approx(points + 2, rel=1e-15)


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        ("unique_id,step,point", COMPLETE, "no column 'y_hat'"),
        ("unique_id,step,y_hat", COMPLETE[1:], "no forecast of series 'NA' step 2;"),
        ("unique_id,step,y_hat", COMPLETE + COMPLETE[1:2], "more than one .* 'b' step"),
        (
            "unique_id,step,y_hat",
            ["b,1,inf", *COMPLETE[2:], COMPLETE[0]],
            "no finite number at series 'b', step 1",
        ),
        (
            "unique_id,step,y_hat,lower_80",
            [f"{row},1" for row in COMPLETE],
            "no column 'upper_80'",
        ),
    ],
)
def test_forecasts_that_cannot_be_scored_are_refused(tmp_path, header, rows, message):
    path = written(tmp_path / "f.csv", header, rows)

    with pytest.raises(DataError, match=message):
        read_forecasts(path, TEST)
