"""Tables as CSV, Parquet and JSON, by the end of a file's name."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from pipelines.errors import OutputError
from pipelines.output.files import check_output, write_table

FRAME = pd.DataFrame(
    {
        "series_id": ["a", "a"],
        "timestamp": pd.to_datetime(["2024-01-01", "2024-01-02"]),
        "actual": [1234567.875, 2.0],
        "point": [1234567.875, 1 / 3],
        "lower_80": [1.0, float("nan")],
    }
)


def test_a_csv_has_six_digits_but_all_of_the_observations(tmp_path):
    write_table(FRAME, tmp_path / "out.csv")

    assert (tmp_path / "out.csv").read_text().splitlines() == [
        "series_id,timestamp,actual,point,lower_80",
        "a,2024-01-01,1234567.875,1234570.0,1.0",
        "a,2024-01-02,2.0,0.333333,",
    ]


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_all_digits_come_back_from_every_kind_of_file(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    read = {".csv": pd.read_csv, ".json": pd.read_json, ".parquet": pd.read_parquet}

    write_table(FRAME, path, full=True)

    again = read[suffix](path)
    again["timestamp"] = again["timestamp"].astype(FRAME["timestamp"].dtype)
    pd.testing.assert_frame_equal(again, FRAME, check_dtype=False, rtol=1e-14)
    assert list(tmp_path.iterdir()) == [path]


def test_json_has_a_mapping_a_row_and_null_for_no_number(tmp_path):
    write_table(FRAME, tmp_path / "out.json")

    assert json.loads((tmp_path / "out.json").read_text())[1] == {
        "series_id": "a",
        "timestamp": "2024-01-02T00:00:00",
        "actual": 2.0,
        "point": 0.333333,
        "lower_80": None,
    }


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_moments_of_a_zone_are_iso_text(tmp_path, zone):
    moments = pd.to_datetime(["2024-03-05T04:00:00Z"]).tz_convert(zone)
    text = {"UTC": "2024-03-05T04:00:00Z", "Asia/Kolkata": "2024-03-05T09:30:00+05:30"}

    for name in ("out.csv", "out.json"):
        write_table(pd.DataFrame({"timestamp": moments}), tmp_path / name)

        assert text[zone] in (tmp_path / name).read_text()


def test_a_dash_is_the_standard_output(capsys):
    write_table(FRAME, Path("-"))

    assert capsys.readouterr().out.startswith("series_id,timestamp,actual,point")
    check_output(Path("-"))


def test_another_end_of_a_name_is_refused_with_those_that_work(tmp_path):
    with pytest.raises(OutputError, match=r"in none of \.csv, \.parquet, \.json"):
        check_output(tmp_path / "out.doc")


def test_parquet_without_its_package_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(OutputError, match=r"the package pyarrow\. Install it"):
        check_output(tmp_path / "out.parquet")
