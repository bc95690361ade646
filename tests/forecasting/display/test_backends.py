"""Charts of series: lines, titles as plain text, backends."""

import importlib.util

import numpy as np
import pytest
from matplotlib.figure import Figure

from forecasting.display.backends import draw
from forecasting.display.series_chart import ForecastLine, SeriesChart
from forecasting.errors import SettingError

STEPS = np.arange(1, 11)
HAS_PLOTLY = importlib.util.find_spec("plotly") is not None


def chart(title="a"):
    points = np.array([1.0, 2.0])
    return SeriesChart(
        title=title,
        timestamps=STEPS,
        values=np.arange(10.0),
        past=[
            ForecastLine(timestamps=STEPS[2:4], points=points),
            ForecastLine(timestamps=STEPS[4:6], points=points),
        ],
        ahead=ForecastLine(
            timestamps=np.array([11, 12]),
            points=points,
            intervals={95.0: (points - 2, points + 2), 80.0: (points - 1, points + 1)},
        ),
    )


def test_lines_are_told_apart_by_their_style_and_named_once():
    figure = draw([chart(), chart("b")], caption="two series")

    lines = figure.axes[0].get_lines()
    assert [line.get_linestyle() for line in lines] == ["-", "-", "-", "--"]
    assert [line.get_marker() for line in lines] == ["None", ".", ".", "None"]
    assert figure.axes[0].get_legend_handles_labels()[1] == [
        "observed", "backtest", "95 % interval", "80 % interval", "forecast",
    ]  # fmt: skip
    assert figure.get_suptitle() == "two series"
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["a", "b"]


def test_a_forecast_goes_on_from_the_last_observation():
    figure = draw([chart()])

    forecast = figure.axes[0].get_lines()[-1]
    assert forecast.get_xdata().tolist() == [10, 11, 12]
    assert forecast.get_ydata().tolist() == [9.0, 1.0, 2.0]


def test_dollars_in_a_name_are_no_formula():
    figure = draw([chart(r"sales in $ of \frac and $")], caption=r"$\nothing$")

    assert figure._repr_png_().startswith(b"\x89PNG")


def test_a_series_is_drawn_on_the_axes_of_the_caller():
    figure = Figure()
    left, right = figure.subplots(1, 2)

    result = draw([chart()], ax=right)

    assert result is figure
    assert (len(left.get_lines()), len(right.get_lines())) == (0, 4)


def test_axes_for_several_series_are_refused():
    with pytest.raises(SettingError, match="choose one by series="):
        draw([chart(), chart()], ax=Figure().subplots())


def test_an_unknown_backend_is_refused():
    with pytest.raises(SettingError, match="one of matplotlib, plotly; found 'bokeh'"):
        draw([chart()], backend="bokeh")


@pytest.mark.skipif(HAS_PLOTLY, reason="Plotly is installed")
def test_a_backend_that_is_not_installed_names_the_command():
    with pytest.raises(SettingError, match=r"installed \(pip install plotly\)"):
        draw([chart()], backend="plotly")


@pytest.mark.skipif(not HAS_PLOTLY, reason="needs Plotly")
def test_plotly_draws_the_same_lines_and_no_markup():
    figure = draw([chart("<b>$a$</b>"), chart("b")], caption="c", backend="plotly")

    names = [trace.name for trace in figure.data if trace.showlegend]
    assert names == [
        "observed", "backtest", "95 % interval", "80 % interval", "forecast",
    ]  # fmt: skip
    title = figure.layout.annotations[0].text
    assert title == "&lt;b&gt;&#36;a&#36;&lt;/b&gt;"
