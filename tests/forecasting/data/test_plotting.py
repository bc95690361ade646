"""Plots of panels and forecasts: which series, which observations, which zone."""

import numpy as np
import pytest

from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.errors import SettingError, UnknownSeries


def waves(count=6, length=200, **settings):
    steps = np.arange(float(length))
    values = {f"shop {i}": np.sin(steps + i) for i in range(count)}
    return Panel.from_values(values, **settings)


def ahead(panel, horizon=3):
    points = np.ones((len(panel), horizon))
    stamps = panel.calendar.future(panel.last_timestamps(), horizon)
    return Forecast(
        series_ids=panel.series_ids,
        timestamps=stamps,
        points=points,
        intervals={80.0: (points - 1, points + 1)},
        zone=panel.calendar.zone,
        methods=("seasonal_naive",) * len(panel),
        history=panel,
    )


def titles(figure):
    return [ax.get_title(loc="left") for ax in figure.axes]


def observed(figure):
    return figure.axes[0].get_lines()[0].get_xdata()


def test_a_panel_shows_all_observations_of_its_first_four_series():
    figure = waves().plot()

    assert titles(figure) == [f"shop {i}" for i in range(4)]
    assert len(observed(figure)) == 200


def test_series_are_chosen_by_name_and_cut_to_the_last():
    figure = waves().plot(["shop 5", "shop 1"], last=20)

    assert titles(figure) == ["shop 5", "shop 1"]
    assert observed(figure).tolist() == list(range(181, 201))


def test_an_unknown_series_is_an_error():
    with pytest.raises(UnknownSeries, match="unknown series 'shop 9'"):
        waves().plot("shop 9")


def test_hundreds_of_series_in_one_figure_are_refused():
    panel = waves(count=51, length=3)

    with pytest.raises(SettingError, match="from 1 to 50 ids"):
        panel.plot(panel.series_ids)


def test_a_forecast_is_drawn_after_the_series_it_continues():
    figure = ahead(waves()).plot("shop 2")

    assert titles(figure) == ["shop 2: seasonal naive"]
    assert observed(figure).tolist() == list(range(105, 201))
    line = figure.axes[0].get_lines()[-1]
    assert line.get_xdata().tolist() == [200, 201, 202, 203]


def test_a_forecast_without_its_series_asks_for_them():
    points = np.ones((1, 2))
    bare = Forecast(
        series_ids=("a",), timestamps=np.array([[4, 5]]), points=points, intervals={}
    )

    with pytest.raises(SettingError, match="the panel that the forecast continues"):
        bare.plot()
    assert bare.plot(history=Panel.from_values({"a": [1.0, 2.0, 3.0]})) is not None


def test_times_are_those_of_the_clocks_in_the_zone():
    hours = np.arange("2024-06-01T00", "2024-06-01T05", dtype="datetime64[h]")
    panel = Panel.from_values(
        {"a": np.arange(5.0)}, timestamps={"a": hours}, zone="Europe/Berlin"
    )

    figure = ahead(panel).plot()

    first, forecast = figure.axes[0].get_lines()
    assert first.get_xdata()[0] == np.datetime64("2024-06-01T00:00")
    assert forecast.get_xdata()[-1] == np.datetime64("2024-06-01T07:00")
