"""The choice of a rung from errors, for a data set and for single series."""

import numpy as np
import pytest

from forecasting.models.window_ridge import DEFAULT_PENALTY, PENALTIES
from forecasting.selection.choice import MIN_INDEPENDENT_WINDOWS, choose
from forecasting.selection.evidence import Evidence

WOBBLE = np.tile([1.0, -1.0], 20)  # of 40 windows


def choice_of(errors, *, owners=None, horizon=1):
    count = len(next(iter(errors.values())))
    owners = np.zeros(count, dtype=int) if owners is None else owners
    return choose(Evidence(errors=errors, owners=owners, horizon=horizon))


def errors_of(**means):
    """Errors of 40 windows about the means; gains on the first have a spread of 1."""
    names = {"linear": "linear 0", "halfway": "halfway last_value"}
    return {
        names.get(name, name): np.full(40, 10.0 + mean) + (WOBBLE if place else 0)
        for place, (name, mean) in enumerate(means.items())
    }


@pytest.mark.parametrize(
    ("gain", "rung"), [(0.0, "last_value"), (0.15, "last_value"), (0.17, "linear")]
)
def test_a_gain_of_up_to_one_standard_error_is_not_taken(gain, rung):
    errors = errors_of(last_value=0, linear=-gain)  # standard error 1 / sqrt(39)

    assert choice_of(errors).default == rung


def test_windows_that_share_targets_count_as_one():
    errors = errors_of(last_value=0, linear=-0.25)

    assert choice_of(errors, horizon=1).default == "linear"
    assert choice_of(errors, horizon=4).default == "last_value"


def test_windows_that_all_share_targets_show_nothing():
    errors = {"last_value": np.full(12, 9.0), "linear 0": np.ones(12)}

    assert choice_of(errors, horizon=12).default == "last_value"
    assert choice_of(errors, horizon=6).default == "linear"


@pytest.mark.parametrize(
    ("season", "rung"), [(9.99, "seasonal_naive"), (10.01, "last_value")]
)
def test_without_smoothing_the_better_of_last_value_and_last_season_comes_first(
    season, rung
):
    errors = {"last_value": 10 + WOBBLE, "seasonal_naive": season - WOBBLE}

    assert choice_of(errors).default == rung


@pytest.mark.parametrize(
    ("season", "rung"), [(9.9, "smoothing"), (9.8, "seasonal_naive")]
)
def test_the_last_season_must_be_clearly_better_than_smoothing(season, rung):
    errors = {
        "last_value": np.full(40, 12.0),
        "seasonal_naive": season + WOBBLE,
        "smoothing": np.full(40, 10.0),
    }

    assert choice_of(errors).default == rung


def test_without_evidence_the_lowest_rung_is_taken():
    nothing = Evidence(
        errors={}, owners=np.empty(0, int), horizon=2, lowest="smoothing"
    )

    choice = choose(nothing)

    assert (choice.default, choice.basis) == ("smoothing", "smoothing")
    assert PENALTIES[choice.penalty] == DEFAULT_PENALTY


def test_the_largest_penalty_that_is_not_clearly_worse_is_taken():
    errors = {
        "last_value": np.full(40, 20.0),
        "linear 0": np.full(40, 10.0),
        "linear 1": 9.9 + WOBBLE,
        "linear 2": np.full(40, 10.05),
        "linear 3": np.full(40, 10.3),
    }

    assert choice_of(errors).penalty == 2


# Network, and its mean with a simple forecast


def test_a_mean_that_gains_nothing_is_stepped_over():
    errors = errors_of(last_value=0, halfway=1, network=-1)

    assert choice_of(errors).default == "network"


def test_a_network_that_gains_nothing_is_not_taken():
    errors = errors_of(last_value=0, halfway=0.1, network=0.1)

    assert choice_of(errors).default == "last_value"


def test_the_mean_is_with_the_best_simple_forecast():
    errors = {
        "last_value": np.full(40, 6.0),
        "seasonal_naive": np.full(40, 5.0),
        "halfway last_value": np.full(40, 3.0),
        "halfway seasonal_naive": np.full(40, 3.0),
        "network": np.full(40, 4.0),
    }

    choice = choice_of(errors)

    assert (choice.default, choice.basis) == ("halfway", "seasonal_naive")


@pytest.mark.parametrize(
    ("windows", "rung"),
    [(1, "halfway"), (12, "halfway"), (23, "last_value"), (48, "last_value")],
)
def test_the_mean_is_taken_unless_some_windows_show_that_a_part_is_better(
    windows, rung
):
    errors = {
        "last_value": np.full(windows, 1.0),
        "halfway last_value": np.full(windows, 1.5),
        "network": np.full(windows, 2.0),
    }

    assert choice_of(errors, horizon=12).default == rung


def test_older_errors_of_simple_forecasts_count_where_the_network_has_none():
    older, unknown = np.ones(40), np.full(40, np.nan)
    errors = {
        "last_value": np.concatenate([np.full(6, 2.0), 3 * older]),
        "linear 0": np.concatenate([np.full(6, 2.1), older]),
        "halfway linear 0": np.concatenate([np.full(6, 2.2), unknown]),
        "halfway last_value": np.concatenate([np.full(6, 2.2), unknown]),
        "network": np.concatenate([np.full(6, 2.3), unknown]),
    }
    assert choice_of(errors).default == "linear"


# Single series


def panel_of(gains, count, *, spread=0.1, seed=0):
    """Errors of series with linear forecasts that gain on the last, and owners."""
    rng = np.random.default_rng(seed)
    owners = np.repeat(np.arange(len(gains)), count)
    noise = rng.normal(0, spread, len(owners))
    linear = 5 - np.asarray(gains, float)[owners] + noise
    return {"last_value": np.full(len(owners), 5.0), "linear 0": linear}, owners


def test_a_series_takes_another_rung_with_enough_windows():
    gains = [1.0] * 9 + [-1.0]
    enough = int(MIN_INDEPENDENT_WINDOWS)

    for count, differs in ((enough, True), (enough - 1, False)):
        errors, owners = panel_of(gains, count)
        choice = choice_of(errors, owners=owners)

        assert choice.default == "linear"
        assert choice.by_series == ({9: "last_value"} if differs else {})


def test_a_series_may_step_up_as_well_as_down():
    errors, owners = panel_of([-1.0] * 9 + [1.0], 8)

    choice = choice_of(errors, owners=owners)

    assert choice.default == "last_value"
    assert choice.by_series == {9: "linear"}


def test_series_that_differ_by_chance_alone_keep_the_choice_of_the_data_set():
    differing, raw = 0, 0
    for seed in range(20):
        errors, owners = panel_of([0.2] * 30, 8, spread=1.0, seed=seed)
        choice = choice_of(errors, owners=owners)
        gains = errors["last_value"] - errors["linear 0"]
        raw += int((gains.reshape(30, 8).mean(1) < 0).sum())
        differing += len(choice.by_series)

    assert raw > 100
    assert differing < raw / 4


def test_a_single_series_has_the_choice_of_the_data_set():
    errors, owners = panel_of([1.0], 40)

    assert choice_of(errors, owners=owners).by_series == {}
