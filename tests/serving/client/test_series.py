"""Frames and lists become the series of a request."""

import msgspec
import pandas as pd
import pytest

from serving.client.series import series_of, to_series
from serving.schemas.request import Series

NAN = float("nan")


def test_covariates_and_the_future_come_from_a_frames_rows():
    frame = pd.DataFrame(
        {
            "shop": [1, 1, 1, 2, 2, 2],
            "day": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"] * 2),
            "sales": [3.0, 4.0, NAN, 5.0, 6.0, NAN],
            "visits": [30, 40, 50, 50, 60, 70],
            "promo": [0, 1, 0, 1, 0, 1],
            "kind": ["mall"] * 3 + ["street"] * 3,
        }
    )

    series = series_of(
        frame,
        time="day",
        target="sales",
        series_id="shop",
        past_covariates=["visits"],
        known_covariates=["promo"],
        static_covariates=["kind"],
    )

    assert series[1] == {
        "id": "2",
        "values": [5.0, 6.0],
        "timestamps": ["2024-01-01T00:00:00", "2024-01-02T00:00:00"],
        "past_covariates": {"visits": [50, 60]},
        "known_covariates": {"promo": [1, 0, 1]},
        "static_covariates": {"kind": "street"},
    }
    assert msgspec.json.decode(msgspec.json.encode(series), type=list[Series])


def test_a_frame_with_a_target_alone_is_one_series():
    assert to_series(pd.DataFrame({"target": [1, 2]})) == [
        {"id": "target", "values": [1.0, 2.0]}
    ]


def test_integer_steps_stay_numbers():
    frame = pd.DataFrame({"timestamp": [4, 5], "target": [1.0, 2.0]})

    assert series_of(frame)[0]["timestamps"] == [4, 5]


def test_dates_of_python_are_dates_too():
    days = pd.date_range("2024-01-31", periods=2)
    frame = pd.DataFrame({"timestamp": days.date, "target": [1.0, 2.0]})

    assert series_of(frame)[0]["timestamps"] == ["2024-01-31", "2024-02-01"]


def test_rows_that_name_no_series_are_refused_not_left_out():
    frame = pd.DataFrame({"series_id": ["a", None], "target": [1.0, 2.0]})

    with pytest.raises(ValueError, match="'series_id' has rows that name no series"):
        series_of(frame)


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="no column 'sales'; the frame has 'target'"):
        series_of(pd.DataFrame({"target": [1.0]}), target="sales")


@pytest.mark.parametrize("values", [[1.0, NAN, 2.0], [1.0, NAN]])
def test_missing_values_are_refused_before_anything_is_sent(values):
    with pytest.raises(ValueError, match="series 'target' has rows without a target"):
        series_of(pd.DataFrame({"target": values}))
    with pytest.raises(ValueError, match="'a' has a value that is missing"):
        to_series({"a": values})
