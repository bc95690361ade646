"""Histories before origins: read and scaled as in training, and in blocks."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins, last_origins
from forecasting.data.windows import WindowSpec
from forecasting.errors import SeriesTooShort
from forecasting.forecaster import history as blocks
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.history import (
    SmoothedHistory,
    WindowHistory,
)
from forecasting.forecaster.predict import read_histories
from forecasting.forecaster.trained_model import ForecasterConfig
from forecasting.models.config import RecurrentConfig
from forecasting.scaling.methods import SMOOTHING_MEMORY
from forecasting.scaling.window_scaling import EtsStates
from forecasting.training import TrainingConfig

SEQ_LEN, HORIZON = 5, 3


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(size=count)


def settings(season_length=4, seq_len=SEQ_LEN):
    return ForecasterConfig(
        windows=WindowSpec(seq_len=seq_len, horizon=HORIZON),
        model=RecurrentConfig(season_length=season_length),
    )


def smoothed_history(pieces, season_length=4):
    counts = np.array([len(piece) for piece in pieces])
    padded = [np.r_[np.full(counts.max() - len(p), np.nan), p] for p in pieces]
    return SmoothedHistory(np.array(padded), counts, settings(season_length))


def fit(panel, **model):
    small = {"hidden_size": 4, "season_length": 4, "normalization": "log_ets"}
    return Forecaster(
        windows=WindowSpec(seq_len=SEQ_LEN, horizon=HORIZON),
        model=RecurrentConfig(**{**small, **model}),
        training=TrainingConfig(device="cpu", epochs=2),
    ).fit(panel)


def positive(count=80, seed=0):
    return np.exp(0.2 * noise(count, seed) + np.sin(np.pi / 2 * np.arange(count)) + 3)


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@given(st.integers(1, 40), st.integers(1, 9))
def test_a_history_is_scaled_like_the_same_origin_of_the_whole_series(end, m):
    values = noise(40) + np.sin(np.arange(40))
    states = EtsStates.fit(values, np.array([0, 40]), season_length=m, horizon=HORIZON)

    frame = smoothed_history([values[:end]], m).scaled_windows()

    assert_same(frame, states.frame(torch.tensor([0]), torch.tensor([end]), SEQ_LEN))


@pytest.mark.parametrize("steps", [1, 3])
def test_forecasts_join_a_smoothed_history_as_if_they_had_been_observed(steps):
    pieces = [noise(30), noise(7, 1)]
    history = smoothed_history(pieces)
    forecast = torch.tensor(noise(2 * steps).reshape(2, steps))

    longer = history.extend(forecast)

    joined = [np.r_[piece, row] for piece, row in zip(pieces, forecast, strict=True)]
    assert_same(longer.scaled_windows(), smoothed_history(joined).scaled_windows())


@pytest.mark.parametrize("season", [1, 7])
@pytest.mark.parametrize("steps", [1, 3, 9])
def test_forecasts_move_a_window_and_the_season_that_is_remembered(steps, season):
    observed, forecast = torch.randn(2, max(SEQ_LEN, season)), torch.randn(2, steps)

    moved = WindowHistory(observed, settings(season), "last").extend(forecast)

    joined = torch.cat([observed, forecast], 1)
    expected = joined[:, -SEQ_LEN:] - joined[:, -1:]
    torch.testing.assert_close(moved.scaled_windows().inputs, expected)
    torch.testing.assert_close(moved.scaled_windows().recent, joined[:, -season:])


def test_smoothing_remembers_more_than_a_window():
    assert settings().memory("last") == SEQ_LEN
    assert settings(season_length=7).memory("last") == 7
    assert settings().memory("ets") == SMOOTHING_MEMORY
    assert settings(seq_len=5000).memory("log_ets") == 5000


@pytest.mark.parametrize(
    ("method", "required"), [("ets", 1), ("log_ets", 1), ("last", 5), ("log", 5)]
)
def test_with_smoothing_a_single_observation_is_enough(method, required):
    forecaster = fit(Panel.from_values({"a": positive()}), normalization=method)
    new = Panel.from_values({"b": positive(required)})

    assert forecaster.trained.min_history == required
    forecast = forecaster.predict(new)
    assert np.isfinite(forecast.points).all()
    assert np.isfinite(np.array(forecast.intervals[95])).all()


def test_fewer_than_a_window_are_refused_without_smoothing():
    forecaster = fit(Panel.from_values({"a": positive()}), normalization="last")

    with pytest.raises(SeriesTooShort, match="'b'"):
        forecaster.predict(Panel.from_values({"b": positive(4)}))


def test_a_short_series_beside_others_is_forecast_as_if_alone():
    forecaster = fit(Panel.from_values({"a": positive(), "b": positive(seed=1)}))
    values = {"x": positive(40, 2), "y": positive(2, 3), "z": positive(9, 4)}

    together = forecaster.predict(Panel.from_values(values)).points

    for row, (name, series) in enumerate(values.items()):
        alone = forecaster.predict(Panel.from_values({name: series})).points
        np.testing.assert_allclose(together[row], alone[0], rtol=1e-5)


def test_short_series_with_covariates_are_forecast_as_if_alone():
    def shops(lengths):
        prices = {name: noise(n + 3, n) for name, n in lengths.items()}
        return Panel.from_values(
            {name: positive(n, n) for name, n in lengths.items()},
            known_covariates={"price": prices},
            past_covariates={"visits": {s: noise(n) for s, n in lengths.items()}},
        )

    forecaster = fit(shops({"a": 80, "b": 60}))
    lengths = {"x": 40, "y": 2, "z": 9}

    together = forecaster.predict(shops(lengths)).points

    for row, (name, length) in enumerate(lengths.items()):
        alone = forecaster.predict(shops({name: length})).points
        np.testing.assert_allclose(together[row], alone[0], rtol=1e-5)


def test_nothing_behind_an_origin_is_read():
    panel = Panel.from_values({"a": positive()})
    forecaster = fit(panel)
    poisoned = panel.values.copy()
    poisoned[50:] = 1e6
    origins = Origins(series=np.array([0, 0]), ends=np.array([50, 20]))

    points = forecaster.forecast_at(panel, origins)

    other = Panel.from_values({"a": poisoned})
    np.testing.assert_array_equal(forecaster.forecast_at(other, origins), points)


@pytest.mark.parametrize("method", ["ets", "log_ets"])
def test_forecasts_beyond_the_horizon_go_on_from_its_end(method):
    panel = Panel.from_values({"a": positive()})
    forecaster = fit(panel, normalization=method)
    first = forecaster.predict(panel).points
    longer = Panel.from_values({"a": np.r_[panel.values, first[0]]})

    points = forecaster.predict(panel, horizon=5).points

    expected = forecaster.predict(longer).points[:, :2]
    np.testing.assert_allclose(points[:, 3:], expected, rtol=1e-4)


def test_a_saved_model_remembers_what_smoothing_needs(tmp_path):
    forecaster = fit(Panel.from_values({"a": positive(), "b": positive(30, 1)}))
    forecaster.save(tmp_path / "model")

    loaded = Forecaster.load(tmp_path / "model", device="cpu")

    assert loaded.trained.context.lengths.tolist() == [80, 30]
    np.testing.assert_array_equal(
        loaded.predict(horizon=7).points, forecaster.predict(horizon=7).points
    )


def test_no_forecast_is_below_zero_where_nothing_was():
    low = np.maximum(noise(80), 0)
    forecaster = fit(Panel.from_values({"a": low}), normalization="ets")
    panel = Panel.from_values({"a": low, "b": noise(80)})

    predictor = forecaster.predictor
    histories = read_histories(predictor, panel, last_origins(panel), HORIZON)
    rows = predictor.read(histories, slice(0, 2))

    assert (forecaster.predict().points >= 0).all()
    assert rows.floor[:, 0].tolist() == [0, -np.inf]


@pytest.mark.parametrize("method", ["last", "ets"])
def test_blocks_hold_every_origin_once_and_no_more_points_than_memory_shall(
    method, monkeypatch
):
    lengths = {"a": 80, "b": 30, "c": 41, "d": 9, "e": 50}
    panel = Panel.from_values({name: positive(n, n) for name, n in lengths.items()})
    forecaster = fit(panel, normalization=method)
    origins = last_origins(panel)
    predictor = forecaster.predictor
    histories = read_histories(predictor, panel, origins, HORIZON)
    whole = predictor.read(histories, slice(0, 5))
    monkeypatch.setattr(blocks, "MAX_BLOCK_POINTS", 81)

    blocks_read = [*histories.blocks(predictor.model.memory)]
    parts = [(block, predictor.read(histories, block)) for block in blocks_read]

    assert np.concatenate([np.arange(5)[block] for block, _ in parts]).tolist() == [
        *range(5)
    ]
    assert [len(rows) for _, rows in parts] == {"last": [5], "ets": [1, 3, 1]}[method]
    for block, rows in parts:
        for part, other in zip(rows.frame, whole.frame, strict=True):
            torch.testing.assert_close(part, other[block])
        np.testing.assert_array_equal(rows.floor, whole.floor[block])


@pytest.mark.parametrize("method", ["last", "ets", "minmax", "log_ets"])
def test_many_series_are_forecast_in_blocks_as_if_at_once(method, monkeypatch):
    values = {f"s{n}": positive(n, n) for n in (80, 30, 41, 9, 50)}
    forecaster = fit(
        Panel.from_values({"a": positive(), "s80": values["s80"]}),
        normalization=method,
    )
    panel = Panel.from_values(values)
    whole = forecaster.predict(panel, horizon=7)
    monkeypatch.setattr(blocks, "MAX_BLOCK_ROWS", 2)

    parts = forecaster.predict(panel, horizon=7)

    np.testing.assert_allclose(parts.points, whole.points, rtol=1e-5)
    for level, bounds in parts.intervals.items():
        np.testing.assert_allclose(bounds, whole.intervals[level], rtol=1e-5)


def test_all_series_that_are_too_short_are_named_whatever_their_block(monkeypatch):
    forecaster = fit(Panel.from_values({"a": positive()}), normalization="last")
    panel = Panel.from_values({"x": positive(4), "y": positive(9), "z": positive(2)})
    monkeypatch.setattr(blocks, "MAX_BLOCK_ROWS", 1)

    with pytest.raises(SeriesTooShort, match=r"'x'.*'z'"):
        forecaster.predict(panel)
