"""The season of many series at once, against a loop over one of them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.scaling.ets import CYCLE_DECAY, running_season


def slow(values, m):
    """Go through one series cycle by cycle, phase by phase."""
    half, count = m // 2, len(values)
    reach = half if m % 2 else half - 1  # with even m the two ends count half
    season, noise, squares = np.zeros(count), 1.0, 0.0
    total, weight = np.zeros(m), np.zeros(m)
    if m == 1 or count < 2 * half + 1:
        return season
    for begin in range(0, count, m):
        squares *= CYCLE_DECAY
        for phase, t in enumerate(range(begin, min(begin + m, count))):
            total[phase] *= CYCLE_DECAY
            weight[phase] *= CYCLE_DECAY
            if half <= t < count - half:
                window = values[t - reach : t + reach + 1].sum()
                if m % 2 == 0:
                    window += (values[t - half] + values[t + half]) / 2
                total[phase] += values[t] - window / m
                weight[phase] += 1
                squares += (values[t] - window / m) ** 2
            season[t] = total[phase] / (weight[phase] + noise)
        noise = 1.0
        if (weight >= 1.5).all():
            means = total / weight
            within = max(squares - (weight * means**2).sum(), 0)
            within /= max(weight.sum() - m, 1)
            between = (means**2).sum() / (m - 1) - within / weight.mean()
            noise = min(within / max(between, 1e-12), 1e6)
    return season


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=5),
    st.integers(1, 9),
    st.integers(0, 9),
)
def test_the_seasons_of_many_series_are_those_of_a_loop(lengths, m, seed):
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values = np.random.default_rng(seed).normal(size=offsets[-1])
    values += np.sin(np.arange(offsets[-1]) * 2 * np.pi / m)

    result = running_season(values, offsets, m)

    expected = [slow(values[begin:end], m) for begin, end in pairwise(offsets)]
    np.testing.assert_allclose(result, np.concatenate(expected), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("count", [1, 11, 12])
def test_there_is_no_season_before_one_whole_average(count):
    values = np.arange(float(count)) ** 2

    assert not running_season(values, np.array([0, count]), 12).any()
