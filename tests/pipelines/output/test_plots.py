"""Plots of a run: sizes, titles, and no global state of matplotlib."""

import io
import sys

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.image import imread

from forecasting.data.panel import Panel
from forecasting.data.plotting import plot_series
from forecasting.data.windows import WindowSpec
from forecasting.display.wording import make_caption
from forecasting.forecaster.forecaster import Forecaster
from forecasting.training import TrainingConfig
from pipelines.config.job import read_job
from pipelines.jobs.experiment import Experiment
from pipelines.output.plots import (
    plot_loss,
    plot_residuals,
)


def size(figure):
    """Return width and height of a figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    height, width, _ = imread(io.BytesIO(buffer.getvalue())).shape
    return width, height


@pytest.fixture(scope="module")
def evaluated(shared_workplace, daily_csv):
    path = daily_csv("shops.csv", {f"shop {i}": 60 for i in range(6)})
    quick = {"training.epochs": 1, "evaluation.folds": 3, "model.hidden_size": 4}
    experiment = Experiment(read_job(path, quick))
    return experiment.panel, experiment.evaluate(experiment.job)


def test_the_forecast_shows_at_most_four_series(evaluated):
    panel, result = evaluated
    forecast = result.forecaster.predict(panel)

    figure = plot_series(panel, forecast, result.table)

    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert [title.split(":")[0] for title in titles] == [f"shop {i}" for i in range(4)]
    assert size(figure) == (900, 1360)


def test_the_titles_name_what_answers_and_the_score(evaluated):
    panel, result = evaluated
    forecast = result.forecaster.predict(panel)
    caption = make_caption("guarded lstm", "linear", "mase 0.5 on 3 folds of 6 series")

    figures = [
        plot_series(panel, forecast, result.table, caption=caption),
        plot_residuals(result.table, caption),
        plot_loss(result.forecaster.history, "loss of the network"),
    ]

    expected = "guarded lstm; answers: linear\nmase 0.5 on 3 folds of 6 series"
    captions = [figure.get_suptitle() for figure in figures]
    assert captions == [expected, expected, "loss of the network"]
    titles = [ax.get_title(loc="left") for ax in figures[0].axes]
    methods = [method.replace("_", " ") for method in forecast.methods]
    assert titles == [f"shop {i}: {methods[i]}" for i in range(4)]
    assert size(figures[0]) == (900, 1360)


def test_loss_and_residuals_are_pictures(evaluated):
    _, result = evaluated

    assert size(plot_loss(result.forecaster.history)) == (900, 400)
    assert size(plot_residuals(result.table)) == (900, 400)


def test_integer_steps_are_drawn_too():
    panel = Panel.from_values({"a": np.sin(np.arange(40.0))})
    forecaster = Forecaster(training=TrainingConfig(epochs=1)).fit(panel)
    table = forecaster.predict().to_frame().assign(actual=0.0, cutoff=40)

    figure = plot_series(panel, forecaster.predict(), table)

    assert size(figure) == (900, 400)


def test_a_long_horizon_has_few_labels():
    panel = Panel.from_values({"a": np.sin(np.arange(200.0))})
    windows = WindowSpec(horizon=60)
    forecaster = Forecaster(windows=windows, training=TrainingConfig(epochs=1))
    table = forecaster.fit(panel).predict().to_frame().assign(actual=0.0)

    figure = plot_residuals(table)

    assert len(figure.axes[0].get_xticks()) <= 12


def test_no_global_state_of_matplotlib_is_touched(evaluated):
    _, result = evaluated
    before = dict(rcParams)

    plot_loss(result.forecaster.history)

    assert dict(rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []
