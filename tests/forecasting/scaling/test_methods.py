"""Every normalization method is one object with the same interface."""

from typing import get_args

import numpy as np
import pytest
import torch

from forecasting.data.panel import Panel
from forecasting.scaling.methods import METHODS, SMOOTHING_MEMORY, Method
from forecasting.scaling.normalization import Normalizer

SMOOTHED = {"ets", "log_ets"}


def test_the_setting_names_the_methods_that_exist():
    assert tuple(METHODS) == get_args(Method)


@pytest.mark.parametrize("method", METHODS)
def test_scaled_windows_are_restored(method):
    windows = 5 + torch.randn(4, 6, generator=torch.manual_seed(0))

    scaled = METHODS[method].scale_windows(windows, windows[:, -2:])

    torch.testing.assert_close(scaled.restore(scaled.inputs), windows)
    assert scaled.recent.tolist() == windows[:, -2:].tolist()


@pytest.mark.parametrize("method", METHODS)
def test_scaled_series_are_restored(method):
    values = np.random.default_rng(0).uniform(1, 9, 50)
    panel = Panel.from_values({"a": values[:30], "b": values[30:]})
    normalizer = Normalizer.fit(panel, method, seq_len=5)
    owner = np.repeat([0, 1], [30, 20])

    u = normalizer.scale_points(values, owner)

    np.testing.assert_allclose(
        normalizer.select(owner).unscale(u[:, None])[:, 0], values
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_smoothed_method_takes_short_histories_and_remembers_long_ones(method):
    scaling = METHODS[method]
    needs = (
        scaling.min_history(12),
        scaling.min_training_length(12, 4),
        scaling.memory(12, 24),
    )

    smoothed = (1, 6, SMOOTHING_MEMORY)
    assert needs == (smoothed if method in SMOOTHED else (12, 16, 24))


@pytest.mark.parametrize(
    ("method", "unusable"), [("last", []), ("log", [0, 2]), ("log_ets", [0])]
)
def test_a_logarithm_names_the_values_that_it_does_not_take(method, unusable):
    values = np.array([-1.0, 2.0, 0.0])

    assert METHODS[method].unusable(values).tolist() == unusable
