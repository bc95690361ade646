"""Series and their logarithms, and the origins of their backtests."""

import numpy as np
import pytest

from forecasting.zeroshot.tracks import make_tracks


def test_positive_series_have_a_track_of_logarithms():
    values = np.array([1.0, 2.0, 4.0, 0.0, 8.0, 2.0, 3.0])

    tracks = make_tracks(values, np.array([0, 3, 5, 7]), 1)

    assert tracks.units.tolist() == [4.0, 8.0, 2.0]
    assert tracks.firsts.tolist() == [0, 2, 3, 5]
    assert tracks.offsets.tolist() == [0, 3, 6, 8, 10, 12]
    np.testing.assert_allclose(tracks.values[:3], [0.25, 0.5, 1.0])
    np.testing.assert_allclose(tracks.values[3:6], np.log([0.25, 0.5, 1.0]))
    np.testing.assert_array_equal(tracks.values[6:8], [0.0, 1.0])


@pytest.mark.parametrize(
    ("length", "steps", "expected"),
    [
        (3, 14, [2, 3]),  # a third of a short series
        (30, 2, [26, 27, 28, 29, 30]),  # two horizons
        (200, 14, [172, 175, 178, 181, 184, 187, 190, 193, 196, 199, 200]),
    ],
)
def test_origins_lie_in_the_last_two_horizons_or_the_last_third(
    length, steps, expected
):
    tracks = make_tracks(-np.ones(length), np.array([0, length]), steps)

    assert tracks.ends.tolist() == expected
    assert tracks.borders.tolist() == [0, len(expected)]


@pytest.mark.parametrize("largest", [5e-324, 1e-300, 1.0, 1.7e308])
def test_units_are_powers_of_two_near_the_largest_value(largest):
    tracks = make_tracks(np.array([0.0, -largest, 0.0]), np.array([0, 3]), 1)

    assert 1 <= -tracks.series[1] < 2
    assert tracks.series[1] * tracks.units[0] == -largest
