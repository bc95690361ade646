import json
import shutil

import numpy as np
import pandas as pd
import pytest

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.errors import DataError, SettingError
from forecasting.forecaster.forecaster import Forecaster
from forecasting.io import read_frame
from forecasting.models.config import RecurrentConfig
from forecasting.pyfunc import PyfuncForecaster, _load_pyfunc, example_frame
from forecasting.training import TrainingConfig

COLUMNS = ["series_id", "step", "timestamp", "point"]


def season(count=60, seed=0):
    noise = np.random.default_rng(seed).normal(size=count)
    return 20 + 5 * np.sin(0.3 * np.arange(count)) + noise


def days(count):
    return np.datetime64("2024-01-01", "ns") + np.arange(count) * np.timedelta64(1, "D")


def panel(has_dates=False):
    stamps = {"a": days(60), "b": days(50)} if has_dates else None
    values = {"a": season(), "b": 10 * season(50, seed=1)}
    return Panel.from_values(values, timestamps=stamps)


def fit(series, **model):
    forecaster = Forecaster(
        model=RecurrentConfig(cell="gru", hidden_size=4, **model),
        training=TrainingConfig(device="cpu", epochs=1),
    )
    return forecaster.fit(series)


@pytest.fixture(scope="module")
def forecaster():
    return fit(panel())


@pytest.fixture
def folder(forecaster, tmp_path):
    forecaster.save(tmp_path / "model")
    return tmp_path / "model"


def without_method(forecast):
    return forecast.to_frame().drop(columns="method")


def test_a_plain_folder_forecasts_as_the_library_does(folder, forecaster):
    loaded = _load_pyfunc(str(folder))

    forecast = loaded.predict(panel().to_frame())

    pd.testing.assert_frame_equal(forecast, without_method(forecaster.predict(panel())))


def test_an_mlflow_model_forecasts_as_the_library_does(folder, forecaster, tmp_path):
    root = tmp_path / "mlflow"
    shutil.copytree(folder, root / "data" / "model")
    (root / "MLmodel").write_text(json.dumps({"flavors": {}}))

    inside, whole = _load_pyfunc(str(root / "data" / "model")), _load_pyfunc(str(root))

    expected = without_method(forecaster.predict(panel()))
    pd.testing.assert_frame_equal(inside.predict(panel().to_frame()), expected)
    pd.testing.assert_frame_equal(whole.predict(panel().to_frame()), expected)


def test_without_rows_the_series_seen_in_training_go_on(folder, forecaster):
    forecast = _load_pyfunc(str(folder)).predict(pd.DataFrame(columns=["target"]))

    pd.testing.assert_frame_equal(forecast, without_method(forecaster.predict()))


def test_horizon_and_levels_are_parameters(folder, forecaster):
    params = {"horizon": 7, "levels": [50]}

    forecast = _load_pyfunc(str(folder)).predict(panel().to_frame(), params)

    expected = without_method(forecaster.predict(panel(), horizon=7, levels=[50]))
    pd.testing.assert_frame_equal(forecast, expected)
    assert list(forecast) == [*COLUMNS, "lower_50", "upper_50"]


def test_a_horizon_of_zero_is_the_trained_one(folder):
    forecast = _load_pyfunc(str(folder)).predict(panel().to_frame(), {"horizon": 0})

    assert forecast["step"].tolist() == [1, 2, 1, 2]


def test_a_single_series_needs_no_name():
    values = season()
    model = fit(Panel.from_values({"sales": values}))

    forecast = PyfuncForecaster(model).predict(pd.DataFrame({"target": values}))

    assert forecast["point"].tolist() == model.predict().points.ravel().tolist()


def test_dates_may_be_text_and_go_on_by_the_trained_frequency():
    model = fit(panel(has_dates=True))
    frame = panel(has_dates=True).to_frame()
    text = frame.assign(timestamp=frame["timestamp"].dt.strftime("%Y-%m-%d"))

    forecast = PyfuncForecaster(model).predict(text)

    assert forecast["timestamp"].tolist() == [
        pd.Timestamp("2024-03-01"),
        pd.Timestamp("2024-03-02"),
        pd.Timestamp("2024-02-20"),
        pd.Timestamp("2024-02-21"),
    ]
    np.testing.assert_array_equal(forecast["point"], model.predict().points.ravel())


def test_rows_in_disorder_are_put_in_order_by_their_dates():
    model = fit(panel(has_dates=True))
    frame = panel(has_dates=True).to_frame()

    forecast = PyfuncForecaster(model).predict(frame[::-1])

    points = forecast.set_index(["series_id", "step"])["point"]
    np.testing.assert_array_equal(points["a"], model.predict().points[0])
    np.testing.assert_array_equal(points["b"], model.predict().points[1])


def test_empty_timestamps_count_as_none(folder):
    frame = panel().to_frame().assign(timestamp=None)

    forecast = _load_pyfunc(str(folder)).predict(frame)

    assert forecast["timestamp"].tolist() == [61, 62, 51, 52]


def test_the_frame_is_left_as_it_was(folder):
    frame = panel().to_frame()

    _load_pyfunc(str(folder)).predict(frame)

    pd.testing.assert_frame_equal(frame, panel().to_frame())


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"horizon": -1}, "horizon must be a whole number from 1"),
        ({"horizon": 10**9}, "horizon must be a whole number from 1"),
        ({"levels": [0]}, "level must be a percentage from 1 to 99"),
    ],
)
def test_a_parameter_out_of_range_is_refused(folder, params, message):
    with pytest.raises(SettingError, match=message):
        _load_pyfunc(str(folder)).predict(panel().to_frame(), params)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"value": [1.0] * 9}), "no column 'target'"),
        (pd.DataFrame({"target": [1.0, None] * 9}), "missing value"),
        (pd.DataFrame({"target": ["many"] * 9}), "column 'target'"),
        (pd.DataFrame({"target": [1.0] * 3}), "has 3; at least 5 points"),
    ],
)
def test_observations_that_cannot_be_used_are_an_error(folder, frame, message):
    with pytest.raises(DataError, match=message):
        _load_pyfunc(str(folder)).predict(frame)


def test_the_example_of_a_model_without_covariates_is_its_training_data():
    forecaster = Forecaster(training=TrainingConfig(epochs=0, device="cpu")).fit(
        Panel.from_values({"a": list(range(20)), "b": list(range(30))})
    )

    example = example_frame(forecaster, 1)

    assert list(example) == ["series_id", "timestamp", "target"]
    assert example["target"].tolist() == [15, 16, 17, 18, 19]
    assert example["timestamp"].tolist() == [16, 17, 18, 19, 20]


def test_the_example_of_a_model_that_smooths_is_no_longer_than_a_window():
    forecaster = fit(panel(has_dates=True), normalization="ets")

    example = example_frame(forecaster, 2)

    assert example["series_id"].value_counts().to_dict() == {"a": 5, "b": 5}
    assert len(PyfuncForecaster(forecaster).predict(example)) == 2 * 2


def zoned(freq="D", zone="Europe/Berlin", start="2024-02-01", count=60):
    stamps = pd.date_range(start, periods=count, freq=freq, tz=zone)
    return pd.DataFrame({"timestamp": stamps, "target": season(count)})


@pytest.fixture(scope="module")
def berlin():
    return PyfuncForecaster(fit(read_frame(zoned())))


def test_forecasts_are_in_the_zone_of_training(berlin):
    forecast = berlin.predict(pd.DataFrame())

    assert str(forecast["timestamp"].dt.tz) == "Europe/Berlin"
    assert forecast["timestamp"][0] == pd.Timestamp("2024-04-01", tz="Europe/Berlin")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "Asia/Kolkata", None])
def test_forecasts_are_in_the_zone_that_was_sent(berlin, zone):
    moments = zoned(start="2024-03-20", count=12)["timestamp"]
    expected = moments.dt.tz_convert(zone) if zone else moments.dt.tz_localize(None)
    sent = pd.DataFrame({"timestamp": expected[:10], "target": season(10)})
    texts = sent.assign(timestamp=[stamp.isoformat() for stamp in expected[:10]])

    for frame in (sent, texts):
        forecast = berlin.predict(frame)
        assert [str(stamp) for stamp in forecast["timestamp"]] == [
            str(stamp) for stamp in expected[10:]
        ]


def test_a_model_with_a_zone_forecasts_its_own_example(berlin):
    example = example_frame(berlin.forecaster, 5)

    assert example["timestamp"].tolist()[-1] == "2024-03-31T00:00:00+01:00"
    expected = berlin.predict(pd.DataFrame())
    pd.testing.assert_frame_equal(
        berlin.predict(example),
        expected.assign(timestamp=expected["timestamp"].dt.tz_convert("UTC+01:00")),
    )


def test_numbers_that_are_no_dates_are_refused_where_the_model_has_dates(berlin):
    frame = pd.DataFrame({"timestamp": range(10), "target": season(10)})

    with pytest.raises(DataError, match=r"0 is a number.*Send dates"):
        berlin.predict(frame)


def test_hours_of_the_day_are_those_of_the_zone():
    table = zoned("h", "Asia/Tokyo", count=24 * 20)
    table["target"] = np.where(table["timestamp"].dt.hour.between(9, 17), 100.0, 10.0)
    forecaster = Forecaster(
        windows=WindowSpec(seq_len=4, horizon=24),
        model=RecurrentConfig(hidden_size=16, calendar_features=True),
        training=TrainingConfig(device="cpu", epochs=30),
    ).fit(read_frame(table))

    in_utc = table.assign(timestamp=table["timestamp"].dt.tz_convert("UTC"))
    naive = table.assign(timestamp=table["timestamp"].dt.tz_localize(None))
    points = [
        PyfuncForecaster(forecaster).predict(frame)["point"].to_numpy()
        for frame in (table, in_utc, naive)
    ]

    np.testing.assert_allclose(points[1], points[0])
    np.testing.assert_allclose(points[2], points[0])
