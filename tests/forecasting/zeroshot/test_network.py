"""The recurrent networks of the package, as part of a zero-shot forecast."""

from itertools import pairwise

import numpy as np
import pytest

from forecasting import Forecaster, Panel
from forecasting.zeroshot import load_zero_shot
from forecasting.zeroshot.combination import forecast_series
from forecasting.zeroshot.network import network_for, read_network, season_lengths
from forecasting.zeroshot.smoothing import SmoothedTracks, smooth_tracks

SEASONS = season_lengths()


def walk(count, season_length):
    rng = np.random.default_rng(count)
    phase = 2 * np.pi * np.arange(count) / max(season_length, 2)
    return 100 + 5 * np.sin(phase) + rng.normal(0, 1, count).cumsum()


@pytest.mark.parametrize("season_length", SEASONS)
@pytest.mark.parametrize("seasons", [2.5, 6, 30])
def test_forecasts_are_those_of_the_pretrained_forecaster(
    track, season_length, seasons
):
    network = read_network(season_length)
    count = int(seasons * season_length) + 3
    values, steps = walk(count, season_length), network.horizon
    forecaster = Forecaster.pretrained(season_length=season_length, horizon=steps)
    panel = Panel.from_values({"a": values})
    expected = forecaster.predict(panel, horizon=steps, levels=()).points

    smoothed = smooth_tracks(
        track(values, [count]), season_length, steps, network.seq_len
    )
    points = network.forecast(smoothed, np.array([0, 1]))

    np.testing.assert_allclose(points, expected, rtol=1e-5)


def test_values_behind_an_origin_change_nothing(track):
    network, values = read_network(12), walk(100, 12)
    changed = values.copy()
    changed[80:] = 1e3

    before, after = (
        network.forecast(
            smooth_tracks(track(x, [80]), 12, 6, network.seq_len), np.array([0, 1])
        )
        for x in (values, changed)
    )

    np.testing.assert_array_equal(after, before)


def test_the_network_answers_where_its_season_and_horizon_fit():
    longest = read_network(12).horizon

    assert network_for(12, longest) is not None
    assert network_for(12, longest + 1) is None
    assert network_for(13, 1) is None


def test_the_method_names_the_network():
    methods = load_zero_shot().forecast(
        walk(120, 12), np.array([0, 120]), season_lengths=np.array([12]), steps=12
    )[2]

    assert methods == ("smoothing+regression+gru",)


def test_the_windows_of_a_series_give_the_same_bits_alone_and_among_others():
    network, rng = read_network(12), np.random.default_rng(0)
    sizes = np.array([9, 18, 1, 40, 3])
    windows = rng.normal(size=(sizes.sum(), network.seq_len)).astype(np.float32)
    borders = np.concatenate([[0], np.cumsum(sizes)])

    def changes(rows):
        ones = np.ones(len(rows))
        smoothed = SmoothedTracks(np.zeros((len(rows), 5)), rows, ones)
        return lambda borders: network.forecast(smoothed, borders)

    together = changes(windows)(borders)

    for begin, end in pairwise(borders):
        alone = changes(windows[begin:end])(np.array([0, end - begin]))
        np.testing.assert_array_equal(alone, together[begin:end])


def test_on_request_no_network_has_a_part_in_the_forecast():
    values = walk(120, 12)

    with_network, without = (
        forecast_series(values, np.array([0, 120]), 12, 12, networks=networks)
        for networks in (True, False)
    )

    assert with_network.methods == ("smoothing+regression+gru",)
    assert without.methods == ("smoothing+regression",)
    assert not np.allclose(with_network.points, without.points)
