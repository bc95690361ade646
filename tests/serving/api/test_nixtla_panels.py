"""Series without names, on the calendar of the model that they are sent to."""

import msgspec
import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.forecaster.forecaster import Forecaster
from forecasting.models.config import RecurrentConfig
from forecasting.training import TrainingConfig
from serving.api.nixtla.answers import forecast
from serving.api.nixtla.forecasters import TrainedForecaster
from serving.api.nixtla.panels import make_panel
from serving.api.nixtla.requests import ForecastBody
from serving.errors import RequestError
from serving.settings import Settings

MONTHS = np.arange("2010-01", "2015-01", dtype="datetime64[M]")
MONTH_ENDS = ((MONTHS + 1).astype("datetime64[D]") - 1).astype("datetime64[ns]")
SEASON = 10 + np.sin(np.arange(60) * np.pi / 6)


def fit(**covariates):
    values = {"0": SEASON, "1": 100 * SEASON}  # names that a place could be taken for
    panel = Panel.from_values(
        values, timestamps=dict.fromkeys(values, MONTH_ENDS), freq="ME", **covariates
    )
    return Forecaster(
        windows=WindowSpec(seq_len=6, horizon=3),
        model=RecurrentConfig(hidden_size=4, calendar_features=not covariates),
        training=TrainingConfig(epochs=2, device="cpu"),
    ).fit(panel)


@pytest.fixture(scope="module")
def forecaster():
    return fit()


def make_request(start="2013-03-31", freq="ME"):
    series = {"y": SEASON[3:20].tolist(), "sizes": [9, 8]}
    if start:
        series["start_datetime"] = [start, start]
    return msgspec.convert(
        {"series": series, "model": "any", "freq": freq, "h": 2}, ForecastBody
    )


@pytest.mark.parametrize("freq", ["ME", "M", "1MS"])
def test_series_go_on_from_their_start_and_are_new_to_the_model(forecaster, freq):
    at = list(MONTH_ENDS).index(np.datetime64("2013-03-31", "ns"))
    same = Panel.from_values(
        {"new": SEASON[3:12], "newer": SEASON[12:20]},
        timestamps={
            "new": MONTH_ENDS[at : at + 9],
            "newer": MONTH_ENDS[at : at + 8],
        },
        freq="ME",
    )

    trained = TrainedForecaster(forecaster)
    answer = forecast(trained, make_request(freq=freq), Settings())

    expected = forecaster.predict(same, horizon=2).points.ravel()
    np.testing.assert_allclose(answer["mean"], expected, rtol=1e-6)
    assert answer["intervals"] is None


@pytest.mark.parametrize(
    ("request_body", "text"),
    [
        (make_request(start=None), "this model takes the seasons from the timestamps"),
        (
            make_request(start="2013-03-30"),
            "start_datetime.0: it does not lie on the model's",
        ),
        (make_request(start="soon"), "'soon' at series 0 cannot be read as a date"),
        (make_request(freq="QE"), "the model was trained on 'ME'; found 'QE'"),
    ],
)
def test_series_on_another_calendar_are_refused(forecaster, request_body, text):
    with pytest.raises(RequestError, match=text):
        make_panel(request_body, forecaster.trained)


def test_a_model_with_covariates_is_refused():
    forecaster = fit(past_covariates={"c": {"0": SEASON, "1": SEASON}})

    with pytest.raises(RequestError, match="the model has covariates, and this client"):
        make_panel(make_request(), forecaster.trained)
