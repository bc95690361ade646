"""Forecasts of a panel without a training, and the notes on them."""

import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.errors import SeriesTooShort, SettingError
from pipelines.jobs.zero_shot import forecast_panel

LEVELS = (80.0, 95.0)


@pytest.fixture(scope="module")
def panel():
    wave = 10 + 3 * np.sin(2 * np.pi * np.arange(72) / 6)
    line = np.arange(30.0)
    return Panel.from_values({"wave": wave, "young": [1.0, 2.0], "line": line})


def test_short_series_are_left_out_and_named(panel):
    forecast, name, notes = forecast_panel(panel, levels=LEVELS)

    assert forecast.series_ids == ("wave", "line")
    assert forecast.points.shape == (2, 14)
    assert "series with fewer than 3 observations, left out: 'young' (2)" in notes
    assert name.startswith("zero_shot version ")


def test_the_others_are_forecast_as_they_would_be_alone(panel):
    together, _, _ = forecast_panel(panel, horizon=6, levels=LEVELS)

    for row, name in enumerate(together.series_ids):
        single = Panel.from_values({name: panel.series(name)})
        alone, _, _ = forecast_panel(single, horizon=6, levels=LEVELS)
        np.testing.assert_array_equal(alone.points[0], together.points[row])
        for level in LEVELS:
            pairs = zip(alone.intervals[level], together.intervals[level], strict=True)
            for bound, other in pairs:
                np.testing.assert_array_equal(bound[0], other[row])


def test_the_seasons_are_named_with_their_number_of_series(panel):
    _, _, notes = forecast_panel(panel, levels=LEVELS)

    [note] = [note for note in notes if note.startswith("season_length: ")]
    assert "6 (1 series)" in note
    assert "none (1 series)" in note


def test_a_season_that_is_said_needs_no_note(panel):
    _, _, notes = forecast_panel(panel, season_length=6, levels=LEVELS)

    assert not any("season_length" in note for note in notes)


def test_only_short_series_are_an_error():
    young = Panel.from_values({"a": [1.0, 2.0], "b": [3.0]})

    with pytest.raises(SeriesTooShort, match="'a' has 2, 'b' has 1"):
        forecast_panel(young, levels=LEVELS)


@pytest.mark.parametrize(
    "settings", [{"horizon": 0}, {"season_length": 0}, {"levels": (0.0,)}]
)
def test_settings_out_of_range_are_refused(panel, settings):
    with pytest.raises(SettingError):
        forecast_panel(panel, **{"levels": LEVELS, **settings})
