"""Irregular rows are gathered to steps, and rows of one moment to one, as requested."""

import numpy as np
import pandas as pd
import pytest

from forecasting.errors import DuplicateTimestamps, IrregularTimestamps, SettingError
from forecasting.io import read_frame
from forecasting.io.resampling import floor_to_steps


def sensor(seed=0, minutes=60):
    """Return rows at irregular seconds of some minutes, and the value of each."""
    random = np.random.default_rng(seed)
    seconds = np.unique(random.integers(0, minutes * 60, 40 * minutes))
    stamps = pd.Timestamp("2024-05-01") + pd.to_timedelta(seconds, "s")
    return pd.DataFrame({"ds": stamps, "y": random.normal(size=len(seconds))})


@pytest.mark.parametrize("how", ["mean", "sum", "min", "max", "first", "last"])
def test_irregular_rows_are_gathered_as_pandas_does_it(how):
    table = sensor()

    panel = read_frame(
        table.sample(frac=1, random_state=0), resample="5min", aggregate=how
    )

    expected = getattr(table.set_index("ds")["y"].resample("5min"), how)()
    np.testing.assert_allclose(panel.values, expected.to_numpy())
    np.testing.assert_array_equal(
        panel.timestamps, expected.index.to_numpy("datetime64[ns]")
    )
    assert panel.calendar.freq == "5min"
    assert f"{len(table)} rows gathered to 12 steps of 5min ({how})" in panel.notes


def test_each_series_is_gathered_for_itself_and_covariates_too():
    table = pd.DataFrame(
        {
            "shop": ["a"] * 4 + ["b"] * 4,
            "ds": ["2024-01-01 01:00", "2024-01-01 22:00", "2024-01-02", "2024-01-03"]
            * 2,
            "y": [1.0, 3, 5, 7, 10, 30, 50, 70],
            "price": [2.0, 4, 6, 8] * 2,
            "weather": ["sun", "rain", None, "sun"] * 2,
            "size": [100] * 4 + [200] * 4,
        }
    )

    panel = read_frame(
        table,
        target="y",
        series_id="shop",
        past_covariates=["price", "weather"],
        static_covariates="size",
        resample="D",
        aggregate="sum",
        missing="forward",
    )

    assert panel.values.tolist() == [4, 5, 7, 40, 50, 70]
    assert panel.covariates["price"].tolist() == [6, 6, 8, 6, 6, 8]
    assert panel.covariates["weather"].tolist() == ["rain", "rain", "sun"] * 2
    assert panel.covariates["size"].tolist() == [100] * 3 + [200] * 3


def test_a_step_without_rows_is_missing_and_one_without_values_too():
    stamps = ["00:01", "00:02", "00:07", "00:18", "00:21", "00:23"]
    table = pd.DataFrame(
        {"ds": [f"2024-01-01 {stamp}" for stamp in stamps], "y": [1, 2, None, 5, 6, 8]}
    )

    panel = read_frame(table, resample="5min", aggregate="sum", missing="zero")

    assert panel.values.tolist() == [3, 0, 0, 5, 14]
    with pytest.raises(IrregularTimestamps, match=r"00:10:00.*--missing"):
        read_frame(table, resample="5min", aggregate="sum")


def test_the_gathered_data_say_how_new_data_are_gathered():
    panel = read_frame(sensor(), resample="5min", aggregate="mean")

    again = read_frame(sensor(1), schema=panel.schema)

    assert again.calendar == panel.calendar
    assert len(again.values) == 12


def test_rows_of_one_moment_are_refused_and_the_error_names_the_option():
    table = pd.DataFrame({"ds": ["2024-01-01"] * 2 + ["2024-01-02"], "y": [1.0, 2, 3]})

    with pytest.raises(DuplicateTimestamps, match=r"--aggregate or data.aggregate"):
        read_frame(table)
    assert read_frame(table, aggregate="sum", freq="D").values.tolist() == [3, 3]


@pytest.mark.parametrize(
    ("freq", "moment", "step"),
    [
        ("5min", "2024-02-29T23:59:59", "2024-02-29T23:55"),
        ("h", "2024-02-29T23:59:59", "2024-02-29T23:00"),
        ("D", "1969-12-31T23:59:59", "1969-12-31"),
        ("W", "2024-02-26T08:00", "2024-03-03"),
        ("W-MON", "2024-02-26T08:00", "2024-02-26"),
        ("MS", "2024-02-29T23:59:59", "2024-02-01"),
        ("ME", "2024-02-01", "2024-02-29"),
        ("QS", "2024-03-31T12:00", "2024-01-01"),
        ("YE", "2024-03-31T12:00", "2024-12-31"),
        ("B", "2024-03-02T12:00", "2024-03-01"),
    ],
)
def test_a_moment_is_in_the_step_that_holds_it(freq, moment, step):
    moments = np.array([moment], "datetime64[ns]")

    assert floor_to_steps(moments, freq)[0] == np.datetime64(step, "ns")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"resample": "5min"}, "aggregate must be one of mean.*--aggregate"),
        ({"resample": "5 minutos", "aggregate": "mean"}, "resample must be a pandas"),
        ({"resample": "2MS", "aggregate": "mean"}, "resample must be one week, month"),
        ({"resample": "h", "aggregate": "sum", "freq": "D"}, "freq must be left out"),
        ({"resample": "h", "aggregate": "sum", "time": ()}, "the rows have no dates"),
        ({"resample": "h", "aggregate": "median"}, "aggregate must be one of"),
    ],
)
def test_steps_that_cannot_be_are_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        read_frame(sensor(), target="y", **settings)


def test_irregular_rows_are_refused_with_the_option_that_gathers_them():
    with pytest.raises(IrregularTimestamps, match="--resample"):
        read_frame(sensor())
