import numpy as np
import pytest

from forecasting.data.forecast import MAX_HORIZON, Forecast, check_horizon, check_levels
from forecasting.errors import SettingError


def forecast(timestamps):
    points = np.array([[1.0, 2.0], [3.0, 4.0]])
    return Forecast(
        series_ids=("a", "b"),
        timestamps=timestamps,
        points=points,
        intervals={80.0: (points - 1, points + 1), 99.5: (points - 2, points + 2)},
    )


def test_a_frame_has_a_row_a_series_and_step():
    stamps = np.array([[5, 6], [9, 10]])

    frame = forecast(stamps).to_frame()

    assert list(frame) == [
        "series_id", "step", "timestamp", "point",
        "lower_80", "upper_80", "lower_99.5", "upper_99.5",
    ]  # fmt: skip
    assert frame["series_id"].tolist() == ["a", "a", "b", "b"]
    assert frame["step"].tolist() == [1, 2, 1, 2]
    assert frame["timestamp"].tolist() == [5, 6, 9, 10]
    assert frame["point"].tolist() == [1, 2, 3, 4]
    assert frame["lower_80"].tolist() == [0, 1, 2, 3]
    assert frame["upper_99.5"].tolist() == [3, 4, 5, 6]


def test_dates_stay_dates_in_the_frame():
    stamps = np.array([["2024-01-01", "2024-01-02"]] * 2, dtype="datetime64[ns]")

    frame = forecast(stamps).to_frame()

    assert str(frame["timestamp"].dtype) == "datetime64[ns]"


def test_unknown_timestamps_are_empty():
    frame = forecast(None).to_frame()

    assert frame["timestamp"].isna().all()


def test_the_horizon_is_the_number_of_steps():
    assert forecast(None).horizon == 2


@pytest.mark.parametrize("horizon", [1, np.int64(12), MAX_HORIZON])
def test_a_whole_number_of_steps_is_a_horizon(horizon):
    checked = check_horizon(horizon)

    assert checked == horizon
    assert type(checked) is int


@pytest.mark.parametrize(
    "horizon", [-1, 0, 10_001, 10**9, 1.5, True, "2", float("nan")]
)
def test_anything_else_is_no_horizon(horizon):
    with pytest.raises(
        SettingError, match="horizon must be a whole number from 1 to 10"
    ):
        check_horizon(horizon)


def test_levels_are_sorted_and_each_comes_once():
    assert check_levels([95, 80, 80.0, 1, 99]) == (1, 80, 95, 99)


@pytest.mark.parametrize("level", [0, 100, -5, 0.8, float("nan"), float("inf")])
def test_a_level_outside_1_to_99_is_refused(level):
    with pytest.raises(SettingError, match="level must be a percentage from 1 to 99"):
        check_levels([80, level])
