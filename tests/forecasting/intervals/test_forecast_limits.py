"""Bounds and points stay within reason after shifts, outliers, zeros, tiny values."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.errors import ArtifactError
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.storage.artifact import TENSORS
from forecasting.models.config import RecurrentConfig
from forecasting.training import TrainingConfig

HORIZON, LENGTH = 7, 120


def weekly(seed=0, level=100.0):
    random = np.random.default_rng(seed)
    season = 0.15 * np.sin(2 * np.pi * np.arange(LENGTH) / 7)
    return level * (1 + season + random.normal(0, 0.03, LENGTH))


def changed(where, value=None, factor=1.0):
    values = weekly()
    values[where] = values[where] * factor if value is None else value
    return values


CASES = {
    "shift up": changed(slice(-5, None), factor=50),
    "shift down": changed(slice(-12, None), factor=0.01),
    "outlier in training": changed(60, factor=1000),
    "outlier in validation": changed(-20, factor=1000),
    "outlier at the end": changed(-1, factor=1000),
    "zeros at the end": changed(slice(-10, None), value=0.0),
    "zeros within": changed(slice(50, 80), value=0.0),
    "tiny values": changed(slice(-10, None), value=1e-9),
    "all magnitudes": 10 ** np.random.default_rng(3).uniform(-8, 6, LENGTH),
    "random walk of logarithms": np.exp(
        np.cumsum(np.random.default_rng(3).normal(size=LENGTH))
    ),
}


def fit(series, normalization, seq_len=14):
    return Forecaster(
        windows=WindowSpec(seq_len=seq_len, horizon=HORIZON),
        model=RecurrentConfig(
            cell="gru",
            hidden_size=4,
            normalization=normalization,
            season_length=7,
            guard=True,
        ),
        training=TrainingConfig(device="cpu", epochs=2, refit=True),
    ).fit(Panel.from_values(series))


def assert_within_reason(forecast, series):
    """Check that nothing leaves a series by more than 4 widths of its range."""
    for row, values in enumerate(series.values()):
        growth = 1.0
        if values.min() > 0:
            halves = np.log(values[: LENGTH // 2]), np.log(values[LENGTH // 2 :])
            change = max(halves[1].mean() - halves[0].mean(), 0)
            growth = np.exp(change * forecast.points.shape[1] / (LENGTH / 2))
        highest = growth * (values.max() + 4 * np.ptp(values))
        for lower, upper in forecast.intervals.values():
            assert (lower[row] >= 0).all()
            assert (lower[row] <= forecast.points[row]).all()
            assert (forecast.points[row] <= upper[row]).all()
            assert (upper[row] <= highest).all()


@pytest.mark.parametrize("normalization", ["log", "log_ets", "standard", "last"])
@pytest.mark.parametrize("name", CASES)
def test_bounds_stay_within_reason(name, normalization):
    series = {"a": CASES[name]}
    if normalization == "log" and series["a"].min() <= 0:
        pytest.skip("a logarithm needs positive values")

    model = fit(series, normalization)

    for horizon in (HORIZON, 4 * HORIZON):
        assert_within_reason(model.predict(horizon=horizon), series)


def test_series_of_different_levels_are_each_within_reason():
    series = {f"s{i}": weekly(i, level=10.0 ** (i % 7 - 3)) for i in range(12)}
    series["s1"][-3:] *= 50
    series["s5"][-8:] = 0
    series["s7"][-1] *= 1000

    model = fit(series, "log_ets")

    assert_within_reason(model.predict(horizon=4 * HORIZON), series)


def test_a_new_series_is_limited_by_its_observations():
    model = fit({"a": CASES["outlier in validation"], "b": weekly(1)}, "log_ets")
    quiet = {"new": weekly(2)}

    forecast = model.predict(Panel.from_values(quiet), horizon=HORIZON)

    assert_within_reason(forecast, quiet)


def test_an_undisturbed_series_keeps_narrow_intervals():
    model = fit({"a": weekly()}, "log_ets")

    lower, upper = model.predict(levels=[95]).intervals[95]

    assert (upper - lower).mean() < 3 * 4 * 3  # of noise with a deviation of 3


# Artifacts


@pytest.fixture
def saved(tmp_path):
    fit({"a": weekly()}, "log_ets").save(tmp_path / "model")
    return tmp_path / "model"


def edit(folder, **changes):
    tensors = load_file(folder / TENSORS)
    for name, change in changes.items():
        change(tensors[name.replace("_", ".")])
    save_file(tensors, folder / TENSORS)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["intervals_quantiles", "intervals_scaling"])
def test_an_interval_table_without_numbers_is_refused(saved, name, value):
    edit(saved, **{name: lambda tensor: tensor.view(-1)[0].fill_(value)})

    with pytest.raises(ArtifactError, match=rf"damaged .*{name.replace('_', '.')}"):
        Forecaster.load(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda shown: shown[0].fill_(1e9), "finite and ordered"),
        (lambda shown: shown[1].fill_(float("nan")), "finite and ordered"),
    ],
)
def test_a_damaged_range_is_refused(saved, change, message):
    edit(saved, shown=change)

    with pytest.raises(ArtifactError, match=message):
        Forecaster.load(saved)


def test_the_limits_are_saved_with_the_model(saved):
    edit(saved, intervals_quantiles=lambda quantiles: quantiles.mul_(1e3))

    forecast = Forecaster.load(saved).predict()

    assert_within_reason(forecast, {"a": weekly()})


def test_a_model_of_an_older_format_has_no_limits(saved):
    tensors = load_file(saved / TENSORS)
    del tensors["shown"]
    tensors["intervals.quantiles"] *= 1e3
    save_file({k: torch.clone(v) for k, v in tensors.items()}, saved / TENSORS)

    model = Forecaster.load(saved)

    _, upper = model.predict(levels=[95]).intervals[95]
    assert model.trained.shown is None
    assert upper.max() > 1000
