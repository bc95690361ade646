"""The guard: the forecast of each rung, and the choice of a rung."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.data.windows import WindowSpec
from forecasting.errors import ArtifactError
from forecasting.evaluation.baselines import Baseline
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.storage.artifact import CONFIG, TENSORS
from forecasting.models.config import RecurrentConfig
from forecasting.models.window_ridge import LinearPart
from forecasting.scaling.window_scaling import ScaledWindows
from forecasting.selection.guard import RUNGS, Guard, GuardInputs
from forecasting.selection.rungs import BASES
from forecasting.training import TrainingConfig

# Forecasts of the rungs


def hand_made(*, smoothed=False, season=2, basis="linear"):
    """Two windows of three, four steps ahead; z is (u - 10) / 2."""
    window = torch.tensor([[12.0, 14.0, 18.0], [10.0, 8.0, 6.0]])
    frame = ScaledWindows(
        inputs=(window - 10) / 2,
        base=torch.full((2, 4), 10.0),
        size=torch.full((2, 1), 2.0),
        recent=window[:, -season:],
    )
    linear = LinearPart(
        torch.arange(12.0, dtype=torch.float64).reshape(3, 4),
        torch.ones(4, dtype=torch.float64),
        penalty=0.0,
    )
    top = RUNGS.index("network")
    guard = Guard(
        linear=linear,
        smoothed=smoothed,
        default=top,
        by_series=np.full(2, top),
        basis=basis,
    )
    return guard, GuardInputs(frame.inputs[..., None], frame), torch.full((2, 4), 7.0)


def in_units(windows, forecast):
    return windows.frame.restore(forecast).tolist()


def test_the_last_value_comes_again_and_again():
    guard, windows, network = hand_made()

    forecasts = guard.forecasts(windows, network)["last_value"]

    assert in_units(windows, forecasts) == [[18.0] * 4, [6.0] * 4]


def test_the_last_season_comes_again_and_again():
    guard, windows, network = hand_made()

    forecasts = guard.forecasts(windows, network)["seasonal_naive"]

    assert in_units(windows, forecasts) == [[14.0, 18, 14, 18], [8.0, 6, 8, 6]]


def test_without_a_season_there_is_no_seasonal_rung():
    guard, windows, network = hand_made(season=1)

    forecasts = guard.forecasts(windows, network)

    assert list(forecasts) == ["last_value", "linear", "halfway", "network"]


def test_smoothing_forecasts_the_base():
    guard, windows, network = hand_made(smoothed=True)

    forecasts = guard.forecasts(windows, network)

    assert in_units(windows, forecasts["smoothing"]) == [[10.0] * 4] * 2
    assert tuple(forecasts) == RUNGS[:-1]  # zero_shot reads more than windows


def test_linear_is_the_ridge_regression_of_the_window():
    guard, windows, network = hand_made()

    forecasts = guard.forecasts(windows, network)["linear"]

    expected = windows.inputs[..., 0].double() @ guard.linear.weights + 1
    torch.testing.assert_close(forecasts, expected.float())


@pytest.mark.parametrize("basis", BASES)
def test_halfway_is_the_mean_of_the_network_and_its_basis(basis):
    guard, windows, network = hand_made(smoothed=True, basis=basis)

    forecasts = guard.forecasts(windows, network)

    torch.testing.assert_close(forecasts["halfway"], (forecasts[basis] + network) / 2)


def test_each_window_gets_the_forecast_of_its_own_rung():
    guard, windows, network = hand_made()
    choices = torch.tensor([RUNGS.index("last_value"), RUNGS.index("network")])

    forecasts = guard.apply(windows, network, choices)

    assert in_units(windows, forecasts) == [[18.0] * 4, [24.0] * 4]


def test_a_series_never_seen_stands_on_the_default_rung():
    guard = Guard(
        linear=hand_made()[0].linear, smoothed=False, default=4, by_series=np.array([0])
    )

    assert guard.choices(np.array([-1, 0, -1])).tolist() == [4, 0, 4]


# Rungs of whole data sets


def fit(panel, *, horizon=2, seq_len=8, epochs=1, **model):
    return Forecaster(
        windows=WindowSpec(seq_len=seq_len, horizon=horizon),
        model=RecurrentConfig(**{"hidden_size": 4, "guard": True} | model),
        training=TrainingConfig(
            device="cpu", epochs=epochs, learning_rate=1e-2, validation=0.3
        ),
    ).fit(panel)


def rung_of(forecaster, place=0):
    return RUNGS[forecaster.trained.guard.by_series[place]]


def one(values):
    return Panel.from_values({"a": values})


def test_random_walks_mostly_stay_on_their_last_value():
    rungs, ratios = [], []
    origins = Origins(series=np.zeros(98, int), ends=np.arange(300, 398))
    for seed in range(10):
        walk = 100 + np.cumsum(np.random.default_rng(seed).normal(size=400))
        forecaster = fit(one(walk[:300]), normalization="last")
        actual = np.array([walk[end : end + 2] for end in origins.ends])
        error = np.abs(forecaster.forecast_at(one(walk), origins) - actual).mean()
        naive = np.abs(walk[origins.ends - 1, None] - actual).mean()
        rungs.append(rung_of(forecaster))
        ratios.append(error / naive)

    assert rungs.count("last_value") >= 7
    assert set(rungs) <= {"last_value", "linear"}
    assert np.mean(ratios) < 1.02


def test_the_last_value_is_forecast_as_it_was_observed():
    walk = 100 + np.cumsum(np.random.default_rng(2).normal(size=300))

    forecaster = fit(one(walk), normalization="last")

    assert rung_of(forecaster) == "last_value"
    np.testing.assert_allclose(forecaster.predict().points, walk[-1], rtol=1e-5)


def test_a_pure_season_errs_no_more_than_the_season_repeated():
    season = np.array([3.0, 9, 4, 7, 1, 8])
    values = np.tile(season, 30)

    forecaster = fit(one(values), horizon=6, normalization="ets", season_length=6)

    assert RUNGS.index(rung_of(forecaster)) >= RUNGS.index("seasonal_naive")
    np.testing.assert_allclose(forecaster.predict().points[0], season, atol=0.01)


def test_a_noisy_season_is_forecast_no_worse_than_by_its_repetition():
    rng = np.random.default_rng(0)
    values = np.tile([3.0, 9, 4, 7, 1, 8], 60) + rng.normal(0, 0.5, 360)
    panel, seen = one(values), one(values[:300])
    origins = Origins(series=np.zeros(10, int), ends=np.arange(300, 360, 6))
    actual = np.array([values[end : end + 6] for end in origins.ends])

    forecaster = fit(seen, horizon=6, normalization="ets", season_length=6)
    naive = Baseline("seasonal_naive", seq_len=8, horizon=6, season_length=6).fit(seen)

    error = np.abs(forecaster.forecast_at(panel, origins) - actual).mean()
    assert error <= np.abs(naive.forecast_at(panel, origins) - actual).mean()


def logistic_map(count):
    """A series that a small network can learn, but no linear model."""
    values = [0.3]
    for _ in range(count - 1):
        values.append(3.9 * values[-1] * (1 - values[-1]))
    return np.array(values)


def test_a_nonlinear_series_reaches_the_network():
    panel = one(logistic_map(500))

    forecaster = fit(
        panel, horizon=1, seq_len=2, epochs=60, cell="gru", hidden_size=16,
        normalization="standard",
    )  # fmt: skip

    assert rung_of(forecaster) in ("halfway", "network")


def test_series_never_seen_get_the_rung_of_the_data_set():
    values = logistic_map(300)
    seen = Panel.from_values({"a": values[:200], "b": values[200:]})
    forecaster = fit(seen, normalization="last")
    guard = forecaster.trained.guard
    guard.by_series[:] = RUNGS.index("network")
    forecaster.trained = replace(
        forecaster.trained, guard=replace(guard, default=RUNGS.index("last_value"))
    )

    other = forecaster.predict(Panel.from_values({"c": values[:50]}))

    np.testing.assert_allclose(other.points, values[49], rtol=1e-5)
    last = seen.values[seen.offsets[1:] - 1, None]
    assert not np.isclose(forecaster.predict().points, last, rtol=1e-3).all()


def test_the_guard_leaves_the_networks_as_they_are():
    walk = one(np.cumsum(np.random.default_rng(2).normal(size=200)))

    plain, guarded = (fit(walk, guard=on, normalization="last") for on in (False, True))
    top = np.full(1, RUNGS.index("network"))
    freed = replace(guarded.trained.guard, by_series=top)

    assert plain.trained.guard is None
    assert not np.array_equal(plain.predict().points, guarded.predict().points)
    guarded.trained = replace(guarded.trained, guard=freed)
    np.testing.assert_array_equal(plain.predict().points, guarded.predict().points)


# Saved and loaded


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(0)
    season = np.tile([3.0, 9, 4, 7, 1, 8], 20)
    return fit(
        Panel.from_values(
            {"walk": 50 + np.cumsum(rng.normal(size=120)), "season": season + 5}
        ),
        normalization="ets",
        season_length=6,
    )


@pytest.mark.parametrize("covariates", [False, True])
def test_a_loaded_guard_chooses_and_forecasts_the_same(covariates, tmp_path):
    values = {"a": logistic_map(80), "b": np.arange(60.0) % 7}
    covariate_values = {
        "promo": {k: np.arange(len(v) + 9.0) % 3 for k, v in values.items()}
    }
    panel = Panel.from_values(
        values, known_covariates=covariate_values if covariates else None
    )
    forecaster = fit(panel, season_length=1)

    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model", device="cpu")

    first, second = forecaster.predict(horizon=5), loaded.predict(horizon=5)
    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(
        loaded.trained.guard.by_series, forecaster.trained.guard.by_series
    )


@pytest.mark.parametrize("rung", RUNGS)
def test_every_rung_survives_saving(model, rung, tmp_path):
    model.trained.guard.by_series[:] = RUNGS.index(rung)

    model.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model", device="cpu")

    expected = model.predict(horizon=7).points
    np.testing.assert_array_equal(loaded.predict(horizon=7).points, expected)


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("guard.weights", None, r"guard\.weights"),
        ("guard.bias", None, r"guard\.bias"),
        ("guard.by_series", None, r"guard\.by_series"),
        ("guard.by_series", torch.zeros(3, dtype=torch.int64), "number of series"),
        ("guard.by_series", torch.tensor([0, 7]), "a forecast that this model lacks"),
        ("guard.by_series", torch.tensor([-1, 0]), "a forecast that this model lacks"),
        ("guard.weights", torch.zeros(3, 2, dtype=torch.float64), "damaged"),
        ("guard.bias", torch.zeros(5, dtype=torch.float64), "damaged"),
    ],
)
def test_a_damaged_guard_is_an_error(model, name, tensor, message, tmp_path):
    model.save(tmp_path / "model")
    path = tmp_path / "model" / TENSORS
    changed = {**load_file(path), name: tensor}
    save_file({k: v for k, v in changed.items() if v is not None}, path)

    with pytest.raises(ArtifactError, match=message):
        Forecaster.load(tmp_path / "model")


@pytest.mark.parametrize(
    "plain",
    [
        {"default": 7},
        {"default": 6, "gain": {"error": 1.0}},
        {"default": "network"},
        {"default": 0, "basis": "network"},
        {"default": 0, "basis": 3},
        {"x": 1},
        5,
    ],
)
def test_a_damaged_default_is_an_error(model, plain, tmp_path):
    model.save(tmp_path / "model")
    path = tmp_path / "model" / CONFIG
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(config | {"guard": plain}), encoding="utf-8")

    with pytest.raises(ArtifactError, match="it is damaged"):
        Forecaster.load(tmp_path / "model")


@pytest.mark.parametrize("rung", ["seasonal_naive", "smoothing"])
def test_a_rung_that_the_model_does_not_have_is_an_error(rung, tmp_path):
    plain = fit(one(logistic_map(60)), normalization="last")
    plain.trained.guard.by_series[:] = RUNGS.index(rung)
    plain.save(tmp_path / "model")

    with pytest.raises(ArtifactError, match="a forecast that this model lacks"):
        Forecaster.load(tmp_path / "model")


def test_squared_errors_favour_the_mean_where_absolute_ones_favour_persistence():
    rng = np.random.default_rng(0)
    spells = np.repeat(rng.random(150) < 0.1, 3)
    rain = np.where(spells, rng.exponential(10, len(spells)), 0.0)
    spec, model = WindowSpec(), RecurrentConfig(guard=True, hidden_size=4)

    rungs = {}
    for loss in ("mae", "mse"):
        training = TrainingConfig(loss=loss, epochs=0)
        forecaster = Forecaster(windows=spec, model=model, training=training)
        guard = forecaster.fit(Panel.from_values({"rain": rain})).trained.guard
        rungs[loss] = RUNGS[guard.default]

    assert rungs["mae"] == "last_value"
    assert rungs["mse"] != "last_value"
