"""Presets: chosen settings, every kind of data, and no use of the future."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.errors import SettingError
from forecasting.forecaster.presets import (
    MAX_RECURRENT_STEPS,
    MIN_SEASONS,
    ChosenSettings,
    _patch_len,
    choose_settings,
    forecaster_for,
)

FEW_STEPS = {"training.steps": 20, "model.members": 1, "model.hidden_size": 4}
ONE_EPOCH = {"training.epochs": 1, "model.hidden_size": 4}
EFFORT = {"classic": ONE_EPOCH, "guarded": ONE_EPOCH, "accurate": FEW_STEPS}


def wave(count, *, season=7, seed=0, noise=0.1):
    rng = np.random.default_rng(seed)
    cycle = 2 + np.sin(2 * np.pi * np.arange(count) / season)
    return 10 * cycle * np.exp(rng.normal(0, noise, count))


def single_series(values):
    return Panel.from_values({"a": values})


def yearly(count=60):
    """Return many short series with different trends."""
    rng = np.random.default_rng(0)
    return Panel.from_values(
        {
            str(i): 100
            * np.exp(np.cumsum(rng.normal(0.02, 0.05, rng.integers(13, 30))))
            for i in range(count)
        }
    )


def fit(panel, preset="accurate", *, horizon=3, **given):
    settings = EFFORT[preset] | given
    return forecaster_for(panel, preset, horizon=horizon, given=settings).fit(panel)


# Chosen settings


@pytest.mark.parametrize("preset", EFFORT)
def test_settings_of_the_user_take_precedence(preset):
    user_settings = {
        "model.normalization": "ets",
        "model.guard": False,
        "model.cell": "rnn",
        "windows.seq_len": 9,
        "training.loss": "huber",
        "training.learning_rate": 0.02,
    }

    chosen = choose_settings(
        preset, single_series(wave(100)), horizon=2, given=user_settings
    )
    forecaster = forecaster_for(
        single_series(wave(100)), preset, horizon=2, given=user_settings
    )

    assert not set(chosen.settings) & set(user_settings)
    for path, value in user_settings.items():
        section, name = path.split(".")
        assert getattr(getattr(forecaster, section), name) == value


def test_classic_is_one_network_on_windows_between_0_and_1():
    chosen = choose_settings("classic", single_series(wave(100)), horizon=2)

    assert chosen == ChosenSettings(
        settings={
            "model.normalization": "minmax",
            "model.linear_skip": False,
            "training.loss": "mse",
        }
    )


def test_guarded_adds_guard_season_and_refit_to_the_default_settings():
    chosen = choose_settings(
        "guarded", single_series(wave(100)), horizon=2, season_length=7
    )

    settings = {
        "model.guard": True,
        "model.season_length": 7,
        "training.refit": True,
    }
    assert chosen == ChosenSettings(settings=settings)


def test_accurate_chooses_season_transform_and_lookback_and_says_why():
    chosen = choose_settings("accurate", single_series(wave(210)), horizon=3)

    settings = chosen.settings
    assert settings["model.season_length"] == 7
    assert settings["model.normalization"] == "log_ets"
    assert settings["windows.seq_len"] % 7 == 0
    assert settings["model.guard"]
    assert settings["training.refit"]
    assert [reason.split()[0] for reason in chosen.reasons] == [
        "season_length",
        "normalization",
        "steps",
    ]


def test_accurate_chooses_the_same_again():
    first, second = (choose_settings("accurate", yearly(), horizon=3) for _ in range(2))

    assert first == second


def test_accurate_forecasts_the_same_again():
    panel = single_series(wave(100))

    first, second = (fit(panel).predict().points for _ in range(2))

    np.testing.assert_array_equal(first, second)


def test_epochs_that_are_given_are_not_outdone_by_steps():
    chosen = choose_settings(
        "accurate", single_series(wave(100)), horizon=3, given={"training.epochs": 2}
    )

    assert "training.steps" not in chosen.settings
    assert not any(reason.startswith("steps") for reason in chosen.reasons)


@pytest.mark.parametrize(
    ("settings", "patch_len"),
    [
        ({}, 7),
        ({"model.strategy": "seq2seq"}, 1),
        ({"model.loss_at": "step", "model.linear_skip": False}, 1),
    ],
)
def test_patches_need_a_network_that_reads_the_window_as_a_whole(settings, patch_len):
    settings = settings | {"windows.seq_len": 56}

    forecaster = forecaster_for(
        single_series(wave(210)), "accurate", horizon=3, given=settings
    )

    assert forecaster.model.patch_len == patch_len


def test_a_season_that_is_given_is_not_searched():
    chosen = choose_settings(
        "accurate",
        single_series(wave(210)),
        horizon=3,
        given={"model.season_length": 5},
    )

    assert "model.season_length" not in chosen.settings
    assert "season_length 5: as given" in chosen.reasons[0]
    assert chosen.settings["windows.seq_len"] % 5 == 0


def test_a_season_length_of_the_user_is_tried_beside_estimated_ones():
    chosen = choose_settings(
        "accurate", single_series(wave(210, season=7)), horizon=3, season_length=12
    )

    assert chosen.settings["model.season_length"] == 7
    assert "tried 1, 12, 7" in chosen.reasons[0]


def test_negative_values_anywhere_forbid_the_logarithm():
    panel = single_series(wave(140) - 20)

    chosen = choose_settings("accurate", panel, horizon=3)

    assert chosen.settings["model.normalization"] == "ets"


def test_steps_without_dates_show_their_season():
    chosen = choose_settings(
        "accurate", single_series(wave(300, season=12)), horizon=12
    )

    assert chosen.settings["model.season_length"] == 12


@pytest.mark.parametrize(
    "given",
    [
        {"model.strategy": "seq2seq"},
        {"model.linear_skip": False},
        {"model.cell": "mlp"},
        {"model.bidirectional": True},
        {"model.normalization": "last"},
        {"model.quantiles": (0.1, 0.9)},
        {"training.epochs": 2, "training.steps": None},
        {"training.validation": 0.0},
        {"training.truncate": 3},
        {"windows.seq_len": 11},
    ],
    ids=lambda given: ",".join(f"{key}={value}" for key, value in given.items()),
)
def test_accurate_goes_together_with_what_is_given(given):
    forecaster = fit(single_series(wave(100)), **given)

    assert np.isfinite(forecaster.predict().points).all()


@given(st.integers(1, 512), st.integers(1, 60))
@example(509, 7)
@example(56, 7)
def test_patches_divide_the_window_and_make_few_steps(seq_len, season):
    patch = _patch_len(seq_len, season)

    assert seq_len % patch == 0
    prime = all(seq_len % p for p in range(2, seq_len))
    few = seq_len // patch <= max(MAX_RECURRENT_STEPS, MIN_SEASONS, seq_len // season)
    assert few or prime  # it cannot be cut


# Every kind of data


@pytest.mark.parametrize("preset", EFFORT)
def test_an_unknown_setting_is_refused(preset):
    with pytest.raises(SettingError, match=r"cel must be one of bidirectional, cal"):
        forecaster_for(
            single_series(wave(50)), preset, horizon=2, given={"model.cel": "gru"}
        )
    with pytest.raises(SettingError, match=r"a path like model\.cell"):
        forecaster_for(
            single_series(wave(50)), preset, horizon=2, given={"cell": "gru"}
        )


@pytest.mark.parametrize("function", [choose_settings, forecaster_for])
def test_an_unknown_preset_is_refused(function):
    with pytest.raises(SettingError, match="preset must be one of classic, guarded"):
        function(panel=single_series(wave(50)), preset="best", horizon=2)


KINDS = {
    "many short": yearly(),
    "sixty points": single_series(wave(60, season=12)),
    "twelve points": single_series(wave(12)),
    "eight points": single_series(wave(8)),
    "constant": single_series(np.full(60, 5.0)),
    "zero": single_series(np.zeros(60)),
    "with zeros": single_series(np.maximum(wave(120) - 20, 0)),
    "counts": single_series(np.random.default_rng(0).poisson(0.4, 150).astype(float)),
    "negative": single_series(wave(120) - 20),
    "huge": single_series(1e12 * wave(100)),
    "tiny": single_series(1e-9 * wave(100)),
    "outlier": single_series(np.where(np.arange(120) == 60, 1e6, wave(120))),
    "level shift": single_series(np.where(np.arange(120) < 60, 1, 1000) * wave(120)),
    "one constant among others": Panel.from_values(
        {"a": wave(60), "b": np.full(60, 3.0), "c": wave(20)}
    ),
    "one very short among long": Panel.from_values({"a": wave(200), "b": wave(6)}),
    "one observation among long": Panel.from_values({"a": wave(200), "b": [3.0]}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_accurate_forecasts_every_kind_of_series(kind):
    panel = KINDS[kind]

    forecast = fit(panel).predict(levels=[80])

    lower, upper = forecast.intervals[80]
    assert forecast.points.shape == (len(panel), 3)
    assert np.isfinite([forecast.points, lower, upper]).all()
    if panel.values.min() >= 0:
        assert (forecast.points >= 0).all()


def test_a_constant_goes_on():
    np.testing.assert_allclose(
        fit(single_series(np.full(60, 5.0))).predict().points, 5, rtol=0.01
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_one_negative_series_among_very_many_forbids_the_logarithm(sign):
    rng = np.random.default_rng(0)
    growth = 100 * np.exp(np.cumsum(rng.normal(0.1, 0.1, (1002, 24)), axis=1))
    growth[-1] *= sign

    chosen = choose_settings(
        "accurate",
        Panel.from_values({str(i): g for i, g in enumerate(growth)}),
        horizon=2,
    )

    expected = "log_ets" if sign > 0 else "ets"
    assert chosen.settings["model.normalization"] == expected


def test_series_too_short_for_the_window_are_forecast():
    panel = single_series(wave(300, season=12))
    forecaster = fit(panel, horizon=12)

    short = forecaster.predict(Panel.from_values({"new": wave(5)}))

    assert forecaster.windows.seq_len > 5
    assert np.isfinite(short.points).all()


# No future


def poisoned(panel, ends, seed=0):
    """Return the panel with other values behind ``ends``."""
    values, rng = panel.values.copy(), np.random.default_rng(seed)
    for begin, end, stop in zip(
        panel.offsets[:-1], ends, panel.offsets[1:], strict=True
    ):
        behind = slice(begin + end, stop)
        values[behind] = rng.uniform(0, 5000, len(values[behind]))
    parts = np.split(values, panel.offsets[1:-1])
    return Panel.from_values(dict(zip(panel.series_ids, parts, strict=True)))


@pytest.mark.parametrize("preset", EFFORT)
def test_values_behind_an_origin_change_nothing_before_it(preset):
    panel = Panel.from_values({"a": wave(90), "b": wave(70, seed=1)})
    ends = panel.lengths - 9
    other = poisoned(panel, ends)
    origins = Origins(series=np.arange(2), ends=ends)

    results = []
    for source in (panel, other):
        before = source.until(ends)
        chosen = choose_settings(preset, before, horizon=3)
        forecast = fit(before, preset).forecast_at(source, origins)
        results.append((chosen, forecast))

    assert not np.array_equal(panel.values, other.values)
    (first, one_forecast), (second, other_forecast) = results
    assert first == second
    np.testing.assert_array_equal(one_forecast, other_forecast)


@pytest.mark.parametrize("preset", EFFORT)
def test_later_origins_do_see_later_observations(preset):
    panel = single_series(wave(90))
    forecaster = fit(panel.until(np.array([80])), preset)
    other = poisoned(panel, np.array([80]))
    origins = Origins(series=np.zeros(1, int), ends=np.array([86]))

    first, second = (
        forecaster.forecast_at(source, origins) for source in (panel, other)
    )

    assert not np.array_equal(first, second)
