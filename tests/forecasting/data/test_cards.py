"""Panels and forecasts as a line and as HTML: names escaped, size bounded."""

from dataclasses import replace

import numpy as np
import pytest

from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel

DAYS = np.arange("2024-01-01", "2024-01-08", dtype="datetime64[D]")
HOSTILE = "<img src=x onerror=alert(1)>"


def days(*names, **settings):
    values = {name: np.arange(7.0) for name in names}
    return Panel.from_values(values, timestamps=dict.fromkeys(names, DAYS), **settings)


def forecast(count, horizon=2, **settings):
    points = np.ones((count, horizon))
    return Forecast(
        series_ids=tuple(f"shop {i}" for i in range(count)),
        timestamps=np.tile(np.arange(8, 8 + horizon), (count, 1)),
        points=points,
        intervals={80.0: (points - 1, points + 1)},
        **settings,
    )


def test_a_panel_is_described_in_one_line():
    panel = days("a", "b", target="sales", static_covariates={"kind": {"a": 1, "b": 2}})

    assert repr(panel) == (
        "<Panel: 2 series of 'sales', 14 observations, 2024-01-01 to 2024-01-07, "
        "frequency D; kind (static)>"
    )


def test_a_panel_of_steps_has_no_dates():
    panel = Panel.from_values({"a": [1.0, 2.0, 3.0]})

    assert repr(panel) == "<Panel: 1 series of 'target', 3 observations, 1 to 3>"
    assert "<dt>steps</dt><dd>1 to 3</dd>" in panel._repr_html_()


def test_the_card_of_a_panel_has_facts_series_and_notes():
    panel = replace(days("a", "b", target="sales"), notes=("decimal: ',' (guessed)",))

    page = panel._repr_html_()

    assert "2 series of sales" in page
    assert "<dt>frequency</dt><dd>D, season 7</dd>" in page
    assert "<dd>2024-01-01 to 2024-01-07</dd>" in page
    assert "decimal: &#39;,&#39; (guessed)" in page
    assert page.count("<td>2024-01-07</td>") == 2


def test_names_from_the_data_are_escaped():
    panel = days(HOSTILE, target=HOSTILE)

    assert "<img" not in panel._repr_html_()
    assert "&lt;img" in panel._repr_html_()


@pytest.mark.parametrize("size", [100, 10_000])
def test_a_card_stays_small_whatever_the_number_of_series(size):
    names = [f"series {i} {'x' * 300}" for i in range(size)]
    notes = tuple(f"note {i}" for i in range(size))
    panel = Panel.from_values({name: [1.0, 2.0] for name in names})
    panel = replace(panel, notes=notes)

    page = panel._repr_html_()

    assert len(page) < 10_000
    assert f"{size:,} rows in all" in page
    assert f"{size - 10:,} further notes in .notes" in page
    assert len(repr(panel)) < 200


def test_a_forecast_is_described_in_one_line():
    methods = ("network", "last_value", "network")

    assert repr(forecast(3, methods=methods)) == (
        "<Forecast: 3 series, 2 steps from 8; intervals of 80 %; "
        "network for 2 of 3 series, last value for 1 of 3 series>"
    )
    assert repr(replace(forecast(1), timestamps=None, intervals={})) == (
        "<Forecast: 1 series, 2 steps>"
    )


def test_the_card_of_a_forecast_shows_its_first_rows():
    page = forecast(10_000, horizon=20)._repr_html_()

    assert "Forecast of 10,000 series" in page
    assert "200,000 rows in all" in page
    assert page.count("<td>shop 0</td>") == 10
    assert '<th scope="col" class="number">lower 80 %</th>' in page
    assert len(page) < 10_000
