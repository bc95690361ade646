"""The season length of each series."""

import numpy as np
import pandas as pd
import pytest

from forecasting import Panel, SettingError
from forecasting.zeroshot import MAX_CONTEXT, choose_season_lengths
from forecasting.zeroshot.season import find_season


def dated(freq, count=60):
    stamps = pd.date_range("2020-01-01", periods=count, freq=freq)
    return Panel.from_values({"a": np.arange(float(count))}, timestamps={"a": stamps})


@pytest.mark.parametrize(
    ("freq", "season_length"),
    [("h", 24), ("D", 7), ("W", 52), ("MS", 12), ("QS", 4), ("YS", 1)],
)
def test_the_calendar_tells_the_season(freq, season_length):
    assert choose_season_lengths(dated(freq)).tolist() == [season_length]


def test_a_season_that_is_set_holds_for_all_series():
    assert choose_season_lengths(dated("D"), 30).tolist() == [30]


@pytest.mark.parametrize("season_length", [0, -1, 1025, 2.5, True, "week"])
def test_a_season_out_of_range_is_refused(season_length):
    with pytest.raises(SettingError, match=r"season_length.*auto or a whole number"):
        choose_season_lengths(dated("D"), season_length)


@pytest.mark.parametrize("season_length", [4, 7, 12, 24, 96])
def test_a_season_is_found_in_numbered_steps(season_length):
    rng = np.random.default_rng(season_length)
    profile = rng.normal(0, 3, season_length)
    values = np.tile(profile, 6) + rng.normal(0, 1, 6 * season_length).cumsum() * 0.1

    assert find_season(values) == season_length


def test_values_before_those_that_a_forecast_reads_change_no_season():
    latest = np.tile([1.0, 5.0, 2.0, 9.0, 3.0], 410)[-MAX_CONTEXT:]
    earlier = np.tile([0.0, 50.0], 2000)
    panel = Panel.from_values({"all": np.r_[earlier, latest], "latest": latest})

    assert choose_season_lengths(panel).tolist() == [5, 5]


def test_random_walks_have_no_season():
    rng = np.random.default_rng(0)
    found = [find_season(rng.normal(0, 1, 150).cumsum()) for _ in range(200)]

    assert np.mean(np.array(found) == 1) > 0.9


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0], [5.0] * 50])
def test_short_and_constant_series_have_no_season(values):
    assert find_season(np.array(values)) == 1
