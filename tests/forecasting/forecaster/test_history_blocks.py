"""Many origins are read in blocks, and each is forecast as if alone."""

import numpy as np
import pytest
import torch

from forecasting.data.panel import Panel
from forecasting.data.splits import last_origins
from forecasting.data.windows import WindowSpec
from forecasting.errors import SeriesTooShort
from forecasting.forecaster import history as blocks
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.predict import read_histories
from forecasting.models.config import RecurrentConfig
from forecasting.training import TrainingConfig

SEQ_LEN, HORIZON = 5, 3


def positive(count=80, seed=0):
    noise = np.random.default_rng(seed).normal(size=count)
    return np.exp(0.2 * noise + np.sin(np.pi / 2 * np.arange(count)) + 3)


def fit(panel, normalization):
    return Forecaster(
        windows=WindowSpec(seq_len=SEQ_LEN, horizon=HORIZON),
        model=RecurrentConfig(
            hidden_size=4, season_length=4, normalization=normalization
        ),
        training=TrainingConfig(device="cpu", epochs=2),
    ).fit(panel)


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
        Panel.from_values({"a": positive(), "s80": values["s80"]}), normalization=method
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
