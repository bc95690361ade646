"""A fit that is read from a checkpoint is used as if it had just been made."""

import numpy as np
import pandas as pd
import pytest

from forecasting.data.panel import Panel
from forecasting.data.splits import last_origins
from forecasting.data.windows import WindowSpec
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.presets import forecaster_for
from forecasting.models.config import RecurrentConfig
from forecasting.training import CheckpointClock, Checkpoints, TrainingConfig

RNG = np.random.default_rng(3)
STEPS = np.arange(90)
PANEL = Panel.from_values(
    {
        name: 20 + level + 3 * np.sin(STEPS / 2 + level) + RNG.normal(0, 0.4, 90)
        for name, level in (("a", 0), ("b", 5), ("NA", 9))
    }
)
LATER = PANEL.pieces(np.arange(3), np.zeros(3, int), PANEL.lengths - 8)


def make(**model):
    return Forecaster(
        windows=WindowSpec(seq_len=6, horizon=4),
        model=RecurrentConfig(hidden_size=4, **model),
        training=TrainingConfig(device="cpu", epochs=2, refit=True),
    )


MAKERS = {
    "guarded": lambda: make(guard=True),
    "quantiles": lambda: make(quantiles=(0.1, 0.5, 0.9)),
    "smoothed logarithms": lambda: make(normalization="log_ets", season_length=12),
    "split": lambda: make(intervals="split", normalization="window"),
    "accurate": lambda: forecaster_for(
        PANEL, "accurate", horizon=4, given={"training.steps": 20, "model.members": 2}
    ),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_fit_of_a_checkpoint_forecasts_and_calibrates_alike(tmp_path, kind):
    checkpoints = Checkpoints(tmp_path, {"job": "a"}, CheckpointClock(0))
    fresh = MAKERS[kind]().fit(PANEL, checkpoints=checkpoints)
    read = MAKERS[kind]().fit(PANEL, checkpoints=checkpoints)

    assert repr(read.history) == repr(fresh.history)  # NaN is not equal to itself
    origins = last_origins(LATER)
    for model in (fresh, read):
        points = model.forecast_at(PANEL, origins)
        model.calibrate(PANEL, origins, points)
    frames = [model.predict(levels=(50, 80, 95)).to_frame() for model in (fresh, read)]
    pd.testing.assert_frame_equal(*frames, check_exact=True)
    frames = [model.without_guard().predict().points for model in (fresh, read)]
    np.testing.assert_array_equal(*frames)
    assert read.trained.method_counts == fresh.trained.method_counts


def test_choices_of_a_read_fit_hold_as_those_of_a_fresh_one(tmp_path):
    checkpoints = Checkpoints(tmp_path, {"job": "a"}, CheckpointClock(0))
    fresh = make(guard=True).fit(LATER, checkpoints=checkpoints)
    read = make(guard=True).fit(LATER, checkpoints=checkpoints)

    finals = [make(guard=True).fit(PANEL, choices=model) for model in (fresh, read)]

    np.testing.assert_array_equal(*(model.predict().points for model in finals))
