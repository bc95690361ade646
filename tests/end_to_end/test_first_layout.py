"""Models, jobs and versions of the first layout of the packages work unchanged.

`tests/fixtures/first_layout/` holds files written before the modules moved: two
registered versions, the job files that trained them, and their forecasts.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from forecasting import Forecaster, read_future
from pipelines.config.job import read_job
from pipelines.jobs.train import train
from pipelines.tracking.models import open_model

FIXTURES = Path(__file__).parents[1] / "fixtures" / "first_layout"
FOLDER = Path("data", "forecaster")  # the model, inside a version's folder


def read_forecast(name: str) -> pd.DataFrame:
    return pd.read_csv(FIXTURES / f"{name}_forecast.csv")


def assert_same_numbers(
    forecast: pd.DataFrame,
    name: str,
    tolerance: float,
    columns: list[str] | None = None,
) -> None:
    expected = read_forecast(name)
    columns = columns or [*expected.columns.drop(["series_id", "timestamp"])]
    assert forecast["series_id"].tolist() == expected["series_id"].tolist()
    np.testing.assert_allclose(
        forecast[columns].to_numpy(float), expected[columns], rtol=tolerance
    )


def forecast_plain(forecaster: Forecaster) -> pd.DataFrame:
    return forecaster.predict(horizon=5, levels=(80,)).to_frame()


def forecast_shops(forecaster: Forecaster) -> pd.DataFrame:
    table = pd.read_csv(FIXTURES / "shops_future.csv")
    future = read_future(
        table, forecaster.trained.context, ["promo"], time="day", series_id="shop"
    )
    return forecaster.predict(future=future, levels=(80, 95)).to_frame()


FORECAST = {"plain": forecast_plain, "shops": forecast_shops}


@pytest.mark.parametrize("name", FORECAST)
def test_a_model_folder_forecasts_the_same_numbers(name: str) -> None:
    forecaster = Forecaster.load(FIXTURES / name / FOLDER)

    forecast = FORECAST[name](forecaster)

    assert_same_numbers(forecast, name, 1e-5)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Register the two versions in a SQLite store."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        client = mlflow.MlflowClient()
        for name in FORECAST:
            shutil.copytree(FIXTURES / name, folder / "written" / name)
            client.create_registered_model(name)
            client.create_model_version(name, (folder / "written" / name).as_uri())
        yield folder


def test_a_registered_version_forecasts_the_same_numbers(store: Path) -> None:
    for name, forecast_with in FORECAST.items():
        forecaster, version = open_model(f"{name}/1")

        assert version is not None
        assert_same_numbers(forecast_with(forecaster), name, 1e-5)


def test_mlflow_loads_a_registered_version_as_a_pyfunc(store: Path) -> None:
    model = mlflow.pyfunc.load_model("models:/plain/1")

    no_rows = pd.DataFrame({"target": np.array([], float)})
    forecast = model.predict(no_rows, params={"horizon": 5, "levels": [80.0]})

    assert_same_numbers(forecast, "plain", 1e-5)


def test_a_job_file_trains_a_model_with_the_same_numbers(store: Path) -> None:
    for name in ("north.csv", "plain.yaml"):
        shutil.copy(FIXTURES / name, store)

    train(read_job(store / "plain.yaml"), Console(quiet=True))

    forecaster, version = open_model("plain")
    assert version is not None
    assert int(version.version) == 2
    # Another processor adds up in another order; intervals of a new training are
    # calibrated on more origins than they were.
    forecast = forecast_plain(forecaster)
    assert_same_numbers(forecast, "plain", 1e-3, ["step", "point"])
    assert_same_numbers(forecast, "plain", 0.02)
