"""A forecaster in a notebook: a line, a card, a plot, a table of its series."""

import numpy as np
import pandas as pd
import pytest

from forecasting import Forecaster, Panel, RecurrentConfig, TrainingConfig, WindowSpec
from forecasting.errors import NotFittedError


def waves(count, length=60):
    steps = np.arange(float(length))
    return Panel.from_values({f"shop {i}": np.sin(steps + i) for i in range(count)})


def quick():
    return Forecaster(
        windows=WindowSpec(seq_len=5, horizon=2),
        model=RecurrentConfig(cell="gru", hidden_size=4),
        training=TrainingConfig(epochs=1),
    )


def test_an_untrained_forecaster_says_so():
    forecaster = quick()

    assert repr(forecaster) == (
        "<Forecaster gru: reads 5 steps, forecasts 2; not trained>"
    )
    assert "call fit with a panel or a frame" in forecaster._repr_html_()
    with pytest.raises(NotFittedError, match="call fit first"):
        forecaster.to_frame()
    with pytest.raises(NotFittedError, match="call fit first"):
        forecaster.plot()


def test_a_trained_forecaster_names_its_series_and_their_methods():
    forecaster = quick().fit(waves(3))

    assert repr(forecaster) == (
        "<Forecaster gru: reads 5 steps, forecasts 2; trained on 3 series until 60; "
        "answers: network>"
    )
    frame = forecaster.to_frame()
    assert frame["series_id"].tolist() == ["shop 0", "shop 1", "shop 2"]
    assert frame["last"].tolist() == [60, 60, 60]
    assert frame["method"].tolist() == ["network"] * 3
    page = forecaster._repr_html_()
    assert "<dt>trained until</dt><dd>60</dd>" in page
    assert "gru, 4 units, 1 layer, 1 member" in page


def test_the_last_moment_is_in_the_zone_of_the_series():
    days = pd.date_range("2024-01-01", periods=60, tz="America/New_York")
    frame = pd.DataFrame({"day": days, "sales": np.sin(np.arange(60.0))})

    forecaster = quick().fit(frame)

    assert forecaster.to_frame()["last"].tolist() == [days[-1]]


def test_the_card_of_thousands_of_series_is_small():
    forecaster = quick().fit(waves(2000, length=12))

    page = forecaster._repr_html_()

    assert "2,000 rows in all" in page
    assert len(page) < 10_000


def test_a_plot_shows_the_series_of_the_training_and_their_forecast(tmp_path):
    forecaster = quick().fit(waves(6))

    figure = forecaster.plot(["shop 5"], horizon=4)
    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model").plot(["shop 5"])

    observed, ahead = figure.axes[0].get_lines()
    assert len(observed.get_xdata()) == 60
    assert ahead.get_xdata().tolist() == [60, 61, 62, 63, 64]
    # A loaded model has the end of its series alone.
    assert len(loaded.axes[0].get_lines()[0].get_xdata()) == 5
